"""Values of OpenSLO documents: their types are checked, and messages quote any of them, cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import Refused
from monitoring.near import near

#: The longest name of an objective, and the longest text of the file in a message.
LONGEST, SHOWN = 100, 60


def fields(
    value: Any,
    at: str,
    required: Sequence[str] = (),
    optional: Sequence[str] = (),
    *,
    any_field: bool = False,
) -> None:
    """Refuse a value that is no mapping, lacks a required field or has an unknown one."""
    if not isinstance(value, Mapping):
        raise Refused(f"{at}: {shown(value)} is not a mapping")
    for name in required:
        if name not in value:
            raise Refused(f"{at}: {name} is missing")
    known = (*required, *optional)
    for name in value:
        if not any_field and name not in known:
            raise Refused(f"{at}: {word(name)}: unknown field{near(word(name), known)}")


def several(value: Any, at: str) -> Sequence[Any]:
    """Return a list with at least one entry."""
    if not isinstance(value, list) or not value:
        raise Refused(f"{at}: {shown(value)} is not a list with at least one entry")
    return value


def text(value: Any, at: str) -> str:
    """Return a printable text of limited length."""
    if not isinstance(value, str):
        raise Refused(f"{at}: {shown(value)} is not a string")
    if not value.strip() or len(value) > LONGEST or not value.isprintable():
        raise Refused(f"{at}: {shown(value)}: write 1 to {LONGEST} printable characters")
    return value


def shown(value: Any) -> str:
    """Quote a value, cut."""
    try:
        quoted = repr(value)
    except ValueError:
        # Python spells no integer of thousands of digits.
        return "a number of thousands of digits"
    return quoted if len(quoted) <= SHOWN else f"{quoted[:SHOWN]}…"


def word(value: Any) -> str:
    """Return a text as it is, cut; quote any other value."""
    return value[:SHOWN] if isinstance(value, str) and value.isprintable() else shown(value)


def number(value: Any) -> bool:
    """Tell whether a value is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def percent(value: Any) -> bool:
    """Tell whether a number looks like a percentage."""
    return number(value) and 1 < value < 100
