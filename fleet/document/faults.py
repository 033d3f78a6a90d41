"""What a validation found wrong with fleet.yaml, each as one line at the field that is at fault."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.policy import Policy
from fleet.document.text import Path, Problem, Text


def faults(text: Text, document: type[Policy], error: ValidationError) -> Iterator[Problem]:
    """Yield every fault of a text that `document` does not take."""
    for cause in _causes(error):
        yield _problem(text, document, cause)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the end of a message about a word that is not known: the nearest one, or all."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """Leave out that a list is too short where its items were refused."""
    found = error.errors()
    return [
        one
        for one in found
        if one["type"] != "too_short"
        or not any(o["loc"][: len(one["loc"])] == one["loc"] for o in found if o is not one)
    ]


def _problem(text: Text, document: type[Policy], error: ErrorDetails) -> Problem:
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    message = error["msg"]
    match error["type"]:
        case "value_error":
            message = message.removeprefix("Value error, ")
        case "extra_forbidden":
            message = "unknown field" + suggestion(str(path[-1]), _fields(document, path[:-1]))
        case "missing":
            message = "is missing"
        case "string_pattern_mismatch":
            message = "use a-z, 0-9 and '-', at most 63 characters"
        case _:
            message = message[:1].lower() + message[1:]
    # What a model takes from the defaults stands there.
    inherited = ("defaults", *path[2:])
    if path[:1] == ("models",) and path not in text.lines and inherited in text.lines:
        path = inherited
    return text.problem(path, message)


def _fields(shape: Any, path: Path) -> list[str]:
    """Return the field names of the policy that a path leads to."""
    for part in path:
        shape = _inner(shape, part)
    shape = _plain(shape)
    return list(shape.model_fields) if hasattr(shape, "model_fields") else []


def _inner(shape: Any, part: str | int) -> Any:
    shape = _plain(shape)
    if hasattr(shape, "model_fields"):
        field = shape.model_fields.get(str(part))
        return field.annotation if field is not None else None
    arguments = get_args(shape)
    if get_origin(shape) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _plain(shape: Any) -> Any:
    """Take optional and annotated wrappings off a type."""
    while get_origin(shape) in (Union, types.UnionType, Annotated):
        shape = next(one for one in get_args(shape) if one is not type(None))
    return shape
