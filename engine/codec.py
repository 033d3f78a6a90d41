"""Frozen dataclasses to JSON and back, and canonical JSON: equal values give equal text."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from engine.errors import Broken, Newer, Refused

T = TypeVar("T")
SIGNIFICANT_DIGITS = 12


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(shape: Any) -> TypeAdapter[Any]:
    if shape not in _adapters:
        _adapters[shape] = TypeAdapter(shape)
    return _adapters[shape]


def canonical(value: Any) -> Any:
    """Return a JSON value with floats at 12 significant digits; a float without a value is null.

    >>> canonical({"p": 1 / 3, "n": [float("nan"), 2]})
    {'p': 0.333333333333, 'n': [None, 2]}
    """
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    return value


def to_json(value: Any) -> bytes:
    """Write a JSON value canonically: sorted keys, no blanks, UTF-8, canonical floats."""
    text = json.dumps(
        canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def plain(value: Any) -> Any:
    """Return the JSON value of a frozen dataclass (or of anything made of them)."""
    return _adapter(type(value)).dump_python(value, mode="json")


def encode(value: Any) -> bytes:
    """Write a frozen dataclass as JSON, floats at full precision; `decode` reads it back.

    Raises
    ------
    Refused
        A text of it is none in UTF-8, or a value none of its field's type.
    """
    try:
        return _adapter(type(value)).dump_json(value)
    except PydanticSerializationError as error:
        said = str(error).removeprefix("Error serializing to JSON: ")
        raise Refused(f"{kind_of(type(value))} cannot be written: {said}") from error


def decode(shape: type[T], content: bytes) -> T:
    """Read what `encode` wrote; Broken where the bytes are not of that shape."""
    try:
        found: T = _adapter(shape).validate_json(content)
    except ValidationError as error:
        raise Broken(f"stored {shape.__name__} cannot be read: {first_line(error)}") from error
    return found


def typed(shape: type[T], value: Any) -> T:
    """Return the dataclass that a JSON value is of, the inverse of `plain`; Broken where none."""
    try:
        found: T = _adapter(shape).validate_python(value)
    except ValidationError as error:
        raise Broken(f"{shape.__name__} cannot be read: {first_line(error)}") from error
    return found


def first_line(error: ValidationError) -> str:
    """Return the first problem of a validation as one line: where, and what."""
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])


class Kinds:
    """A closed set of dataclasses told apart by name, for facts and effects.

    The name of a kind is its class name in snake case. Stored rows carry that name, so renaming a
    class makes them unreadable.
    """

    def __init__(self, *shapes: type[Any]) -> None:
        self._shapes = {kind_of(shape): shape for shape in shapes}
        for name, shape in self._shapes.items():
            if "kind" in shape.__dataclass_fields__:
                raise Broken(f"{name}: a field named 'kind' would hide which kind it is")

    def encode(self, value: Any) -> bytes:
        """Write the value with its kind."""
        kind = kind_of(type(value))
        if kind not in self._shapes:
            raise Broken(f"{kind} cannot be stored here: it is not a registered kind")
        fields = encode(value)
        return f'{{"kind":"{kind}"'.encode() + (b"}" if fields == b"{}" else b"," + fields[1:])

    def decode(self, content: bytes) -> Any:
        """Read the value back.

        Raises
        ------
        Newer
            The kind is unknown: a newer version wrote it.
        Broken
            The bytes are damaged, or not of that kind.
        """
        try:
            fields = json.loads(content)
            kind = fields.pop("kind")
        except (ValueError, AttributeError, KeyError) as error:
            raise Broken(f"stored bytes are no fact and no effect: {error}") from error
        if kind not in self._shapes:
            raise Newer(f"kind {kind!r} is not known to this version")
        return decode(self._shapes[kind], json.dumps(fields).encode())


def kind_of(shape: type[Any]) -> str:
    """Return the stored name of a class.

    >>> class RunChanged: ...
    >>> kind_of(RunChanged)
    'run_changed'
    """
    name = shape.__name__
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def pack(content: bytes) -> bytes:
    """Compress: JSON of a state shrinks about eightfold."""
    return zlib.compress(content, 1)


def unpack(content: bytes) -> bytes:
    """Undo `pack`; Broken where the bytes are damaged."""
    try:
        return zlib.decompress(content)
    except zlib.error as error:
        raise Broken(f"stored bytes are damaged: {error}") from error
