"""An instance of any dataclass of the domain, made from its annotations."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

AT = datetime(2024, 3, 4, 10, tzinfo=UTC)


def sample(shape: Any, text: str = "x", number: int = 1) -> Any:
    """Return an instance in which every text is `text`, every number `number`.

    Fields with a default are filled, too; of a union the first member that is no None.
    """
    if is_dataclass(shape):
        hints = get_type_hints(shape)
        asked = [field for field in fields(shape) if field.init]
        given = {field.name: sample(hints[field.name], text, number) for field in asked}
        return cast(Callable[..., Any], shape)(**given)
    origin, inner = get_origin(shape), get_args(shape)
    if origin in (Union, types.UnionType):
        return sample(next(one for one in inner if one is not type(None)), text, number)
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        members = inner[:1] if inner[-1] is Ellipsis else inner
        return tuple(sample(one, text, number) for one in members)
    if origin is dict:
        return {sample(inner[0], text, number): sample(inner[1], text, number)}
    if isinstance(shape, type) and issubclass(shape, Enum):
        return next(iter(shape))
    plain: dict[Any, Any] = {
        str: text, int: number, float: float(number), bool: True, datetime: AT,
    }  # fmt: skip
    found = plain.get(shape, MISSING)
    assert found is not MISSING, f"no sample of {shape}"
    return found
