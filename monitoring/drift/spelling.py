"""Spellings of a level: a number or truth value has several, a code such as 02139 has one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_BEGINS = frozenset("-0123456789tTfF")
#: A truth value and the number that represents it in other columns and files.
_TWIN = {"true": "1", "false": "0", "1": "true", "0": "false"}


def canonical(level: str) -> str:
    """The canonical spelling of a level's value: composed Unicode, no trailing zeros, no case.

    >>> canonical("1.50"), canonical("7.0"), canonical("-0"), canonical("TRUE"), canonical("02139")
    ('1.5', '7', '0', 'true', '02139')
    """
    plain = unicodedata.normalize("NFC", level)
    if _NUMBER.fullmatch(plain):
        short = plain.rstrip("0").rstrip(".") if "." in plain else plain
        return "0" if short == "-0" else short
    truth = plain.lower()
    return truth if truth in ("true", "false") else plain


def is_single(level: str) -> bool:
    """Whether a level has one spelling: it does not begin like a number or a truth value.

    >>> is_single("shop 7"), is_single("7"), is_single("True")
    (True, False, False)
    """
    return level.isascii() and level[:1] not in _BEGINS


def spellings(level: str) -> Iterator[str]:
    """All usual spellings of a level's value, its own first.

    >>> list(spellings("1"))
    ['1', '1.0', 'true', 'True', 'TRUE']
    """
    own = canonical(level)
    for value in dict.fromkeys((own, _TWIN.get(own, own))):
        yield value
        if value in ("true", "false"):
            yield value.capitalize()
            yield value.upper()
        elif _NUMBER.fullmatch(value) and "." not in value:
            yield f"{value}.0"


def twin(level: str) -> str:
    """Canonical spelling of the number of a truth value, or of the truth value of a number.

    >>> twin("1.0"), twin("False"), twin("x")
    ('true', '0', 'x')
    """
    own = canonical(level)
    return _TWIN.get(own, own)
