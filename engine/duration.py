"""Durations in fleet.yaml: `30s`, `5m`, `2h`, `1d`, `1w`, or ISO 8601."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
SHORT = re.compile(r"(-?)\s*(\d{1,9}(?:\.\d{1,6})?)\s*([smhdw])", re.IGNORECASE)
#: ISO 8601 without years and months, whose length varies.
ISO = re.compile(
    r"(-?)P(?=.)(?:(\d{1,9})W)?(?:(\d{1,9})D)?"
    r"(?:T(?=.)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?",
    re.IGNORECASE,
)
SHORTEST, LONGEST = timedelta(milliseconds=100), timedelta(days=3653)
FORMS = "write 30s, 5m, 2h, 1d, 1w, or ISO 8601 as PT2H"


def parse_duration(value: object) -> timedelta:
    """Return a duration from its text; ValueError with the allowed forms.

    >>> parse_duration("2h") == parse_duration("PT2H") == timedelta(hours=2)
    True
    """
    if isinstance(value, timedelta):
        return value
    if value == 0 and not isinstance(value, bool):
        return timedelta(0)
    if not isinstance(value, str):
        shown = f"{value!r}" if isinstance(value, bool | int | float) else "this"
        raise ValueError(f"{shown[:40]} has no unit; {FORMS}")
    text = value.strip()
    short, iso = SHORT.fullmatch(text), ISO.fullmatch(text)
    if short is not None:
        return _signed(short[1], {UNITS[short[3].lower()]: float(short[2])})
    if iso is not None:
        parts = dict(
            zip(("weeks", "days", "hours", "minutes", "seconds"), iso.groups()[1:], strict=True)
        )
        return _signed(iso[1], {unit: float(part or 0) for unit, part in parts.items()})
    raise ValueError(f"{text[:40]!r} is not a duration; {FORMS}")


def _signed(sign: str, parts: dict[str, float]) -> timedelta:
    try:
        length = timedelta(**parts)
    except OverflowError:
        length = timedelta.max
    return -length if sign else length


def bounded(length: timedelta) -> timedelta:
    """Return a duration within the bounds of a policy field; ValueError for any other."""
    if length < timedelta(0):
        raise ValueError(f"a duration cannot be negative; {FORMS}")
    if timedelta(0) < length < SHORTEST:
        raise ValueError("shorter than a tenth of a second; write 0 or at least 0.1s")
    if length > LONGEST:
        raise ValueError(f"longer than ten years ({LONGEST.days} days)")
    return length


DURATION_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)?[smhdw]$|^P[0-9WDTHMS.]+$"}
#: A policy field of this type is zero, or from a tenth of a second to ten years.
Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    AfterValidator(bounded),
    WithJsonSchema(DURATION_SCHEMA),
]
