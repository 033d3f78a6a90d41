"""What a validation found wrong with fleet.yaml, each as one line at the field that is at fault."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, TypeGuard, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.duration import FORMS
from engine.policy import Policy
from fleet.document.text import Path, Problem, Text
from fleet.document.variants import variants


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


@dataclass(frozen=True)
class _Place:
    """Where a fault lies: the path as it is written, its type, and the kind that chose the type."""

    path: Path
    shape: object
    kind: str | None = None


def _problem(text: Text, document: type[Policy], error: ErrorDetails) -> Problem:
    loc = tuple(part for part in error["loc"] if part != "[key]")
    path, around = _walk(document, loc).path, _walk(document, loc[:-1])
    message = error["msg"]
    match error["type"]:
        case "value_error":
            message = message.removeprefix("Value error, ")
        case "extra_forbidden":
            message = "unknown field" + suggestion(str(path[-1]), _fields(around.shape))
        case "missing" if around.kind is not None:
            path, message = around.path, f"kind {around.kind} needs a {loc[-1]}"
        case "missing":
            message = "is missing"
        case "union_tag_not_found":
            path, message = (*path, "kind"), "is missing"
        case "union_tag_invalid":
            known = " or ".join(error["ctx"]["expected_tags"].rsplit(", ", 1))
            path, message = (*path, "kind"), f"input should be {known}"
        case "greater_than" if message.endswith(("seconds", "timedelta(0)")):
            message = f"a duration of more than 0 is needed; {FORMS}"
        case "model_attributes_type":
            message = "input should be a valid dictionary"
        case "string_pattern_mismatch":
            message = "use a-z, 0-9 and '-', at most 63 characters"
        case "literal_error":
            # Members of an enumeration are named by their value, as the file has them.
            known = re.sub(r"<[\w.]+: ('[^']*')>", r"\1", error["ctx"]["expected"])
            message = f"input should be {known}"
        case _:
            message = message[:1].lower() + message[1:]
    return text.problem(path, message)


def _walk(document: type[Policy], loc: Path) -> _Place:
    """Follow a fault's location; pydantic names the kind of a variant in it, the file does not."""
    place = _Place((), document)
    for part in loc:
        kinds = variants(place.shape)
        if part in kinds:
            place = _Place(place.path, kinds[str(part)], str(part))
        else:
            place = _Place((*place.path, part), _inner(place.shape, part))
    return place


def _fields(shape: object) -> list[str]:
    shape = _plain(shape)
    return list(shape.model_fields) if _is_policy(shape) else []


def _inner(shape: object, part: str | int) -> object:
    shape = _plain(shape)
    if _is_policy(shape):
        field = shape.model_fields.get(str(part))
        return field.annotation if field is not None else None
    arguments = get_args(shape)
    if get_origin(shape) is dict:
        return arguments[1]
    return arguments[0] if arguments else None


def _is_policy(shape: object) -> TypeGuard[type[Policy]]:
    return isinstance(shape, type) and issubclass(shape, Policy)


def _plain(shape: object) -> object:
    """Take optional and annotated wrappings off a type."""
    while get_origin(shape) in (Union, types.UnionType, Annotated):
        shape = next(one for one in get_args(shape) if one is not type(None))
    return shape
