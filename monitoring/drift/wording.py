"""Format numbers, cells and names for people, without control characters."""

from __future__ import annotations

import re

from engine.texts import visible
from monitoring.drift.binning import REST
from monitoring.schema import Kind

#: Digits of an interval's ends: the first of these with which the ends differ.
DIGITS = (3, 4, 6, 9)
#: Most characters of a level that are printed; a level may be a long text.
LONGEST = 120
#: Numbers of this size are written without an exponent.
PLAIN = (1e3, 1e7)
INTERVAL = re.compile(r"([\[(])(\S+), (\S+)([\])])")


def shares(reference: float, current: float) -> str:
    """Format a share on both sides.

    >>> shares(0.103, 0.018)
    '10.3 % → 1.8 %'
    """
    return f"{percent(reference)} → {percent(current)}"


def percent(share: float) -> str:
    """Format a share so that only exactly 0 is 0 % and only exactly 1 is 100 %.

    >>> [percent(share) for share in (0, 0.00001, 0.0004, 0.02, 0.4, 0.9997, 1)]
    ['0 %', '< 0.01 %', '0.04 %', '2.0 %', '40 %', '99.97 %', '100 %']
    """
    value = 100 * share
    if value in (0, 100):
        return f"{value:z.0f} %"
    if value < 0.01:
        return "< 0.01 %"
    if value > 99.99:
        return "> 99.99 %"
    if value < 1 or value > 99:
        return f"{value:z.2f} %"
    text = f"{value:z.1f}"
    return f"{text.removesuffix('.0') if value >= 9.95 else text} %"


def level(share: float) -> str:
    """Format a share that a policy sets, with all its digits: a limit, a confidence.

    >>> [level(share) for share in (0.07, 0.5, 0.9995)]
    ['7 %', '50 %', '99.95 %']
    """
    return f"{100 * share:g} %"


def probability(p: float | None) -> str:
    """Format a p- or q-value.

    >>> [probability(p) for p in (1.2e-45, 0.0042, 0.03, 0.5, 1.0, None)]
    ['< 0.001', '0.004', '0.03', '0.5', '1', '']
    """
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}".rstrip("0").rstrip(".")


def size(number: float | None) -> str:
    """Format a divergence or an effect; a negative effect is 0.

    >>> [size(number) for number in (12.34, 0.1234, 0.00012, -0.01, None)]
    ['12.3', '0.123', '< 0.001', '0', '']
    """
    if number is None:
        return ""
    if 0 < number < 0.001:
        return "< 0.001"
    return "0" if number <= 0 else f"{number:.1f}" if number >= 10 else f"{number:.3f}"


def counted(number: int, noun: str) -> str:
    """Format a number with its noun.

    >>> counted(1, "feature"), counted(2000, "row")
    ('1 feature', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def cell(label: str, kind: Kind) -> str:
    """Name a cell: an interval by comparison or by its ends, rare levels as such.

    >>> [cell(label, Kind.NUMERIC) for label in ("(-inf, 0.5]", "(0.5, 2]", "(2, inf)", "-999")]
    ['≤ 0.5', '0.5 to 2', '> 2', '-999']
    >>> [cell(label, Kind.CATEGORICAL) for label in ("rest", "rest 17/200", "a")]
    ['all other levels', 'rare levels, group 17 of 200', 'a']
    """
    if kind is Kind.CATEGORICAL:
        if not is_rest(label):
            return _cut(printable(label))
        group, _, groups = label.removeprefix(REST).strip().partition("/")
        return f"rare levels, group {group} of {groups}" if group else "all other levels"
    found = INTERVAL.fullmatch(label)
    if found is None:
        return label
    opening, low, high, closing = found.groups()
    low, high = _ends(low, high)
    if low == "-inf" and high == "inf":
        return "all values"
    if low == "-inf":
        return f"{'≤' if closing == ']' else '<'} {high}"
    if high == "inf":
        return f"{'≥' if opening == '[' else '>'} {low}"
    if low == high:
        return low
    return f"{low} to {high}" if closing == "]" else f"between {low} and {high}"


def is_rest(label: str) -> bool:
    """Whether a categorical cell holds the levels that have no cell of their own."""
    return re.fullmatch(rf"{REST}( \d+/\d+)?", label) is not None


def printable(text: str) -> str:
    r"""Escape invisible characters; quote a text that is empty or begins or ends with blanks.

    >>> printable("a\nb\u202e"), printable(""), printable("a ")
    ('a\\nb\\u202e', "''", "'a '")
    """
    shown = visible(text)
    return shown if shown and shown == shown.strip() else f"'{shown}'"


def _cut(level: str) -> str:
    if len(level) <= LONGEST:
        return level
    half = LONGEST // 2
    return f"{level[:half]}…{level[1 - half :]}"


def _ends(low: str, high: str) -> tuple[str, str]:
    try:
        ends = float(low), float(high)
    except ValueError:
        return low, high
    for digits in DIGITS:
        first, last = (_number(end, digits) for end in ends)
        if first != last:
            return first, last
    return low, high


def _number(value: float, digits: int) -> str:
    return f"{value:z.0f}" if PLAIN[0] <= abs(value) < PLAIN[1] else f"{value:.{digits}g}"
