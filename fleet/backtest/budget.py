"""Thresholds for a budget of pages: the smallest that would have kept a history within it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from engine.errors import Refused
from fleet.backtest.play import Played
from monitoring.drift.verdict import Verdict

BUDGET = re.compile(r"(\d+(?:\.\d+)?) *pages? *(?:/|a|per) *(day|week|month|quarter|year)")
MONTH = 365.25 / 12
LENGTHS = {"day": 1.0, "week": 7.0, "month": MONTH, "quarter": 3 * MONTH, "year": 365.25}
DIGITS = 3
Count = Callable[[Mapping[str, float]], int]


@dataclass(frozen=True)
class Budget:
    """The most pages in a number of days."""

    pages: float
    days: float

    @classmethod
    def of(cls, text: str) -> Budget:
        """Read a budget as people write it.

        >>> Budget.of("2 pages/week")
        Budget(pages=2.0, days=7.0)
        """
        found = BUDGET.fullmatch(text.strip().lower())
        if found is None:
            raise Refused(f"budget {text!r}: write it as '1 page/month' or '2 pages/week'")
        return cls(float(found[1]), LENGTHS[found[2]])

    def over(self, days: int) -> int:
        """Return the whole pages that it allows in a number of days."""
        return math.floor(self.pages * days / self.days + 1e-9)


def effects(played: Sequence[Played]) -> dict[str, list[float]]:
    """Return the effects of each feature on the days on which it drifted at all."""
    found: dict[str, list[float]] = {}
    for one in played:
        if not one.fact.calibrated:
            continue
        for name, feature in one.features.items():
            moved = feature.stream in (Verdict.DRIFTING, Verdict.DRIFTED)
            if moved and feature.merged is not None:
                found.setdefault(name, []).append(feature.merged)
    return found


def propose(
    moved: Mapping[str, Sequence[float]], count: Count, allowed: int, floor: float
) -> dict[str, float]:
    """Return a threshold for every feature that moved, as small as the budget allows.

    First the smallest common level is found, then each feature's own, in the order of how rarely it
    moved. No single threshold could be lowered within the budget, as far as bisection finds.

    Parameters
    ----------
    moved : effects by feature on the days on which it moved.
    count : pages that the history would have led to under thresholds by feature.
    allowed : the budget's pages.
    floor : the smallest threshold there is.
    """
    steps = {name: _steps(values, floor) for name, values in sorted(moved.items())}
    every = sorted({step for own in steps.values() for step in own})
    if not every:
        return {}

    def level(limit: float) -> dict[str, float]:
        return {name: min(limit, own[-1]) for name, own in steps.items()}

    found = level(_smallest(every, lambda limit: count(level(limit)) <= allowed))
    for name in sorted(steps, key=lambda name: (len(moved[name]), name)):
        lower = [step for step in steps[name] if step < found[name]] + [found[name]]
        holds = partial(_holds, found, name, count, allowed)
        found = {**found, name: _smallest(lower, holds)}
    return found


def _holds(others: Mapping[str, float], name: str, count: Count, allowed: int, step: float) -> bool:
    return count({**others, name: step}) <= allowed


def _steps(values: Sequence[float], floor: float) -> list[float]:
    """Return the thresholds worth trying: the floor, and one just above every effect."""
    return sorted({floor, *(above(value) for value in values if value >= floor)})


def above(value: float) -> float:
    """Return a short number just above an effect.

    >>> above(0.1234), above(0.12), above(3.0)
    (0.124, 0.121, 3.01)
    """
    places = DIGITS - 1 - math.floor(math.log10(value))
    unit = 10.0**-places
    return round((math.floor(value / unit + 1e-9) + 1) * unit, places)


def _smallest(steps: Sequence[float], holds: Callable[[float], bool]) -> float:
    """Return the smallest step that keeps the budget, by bisection; the last one does."""
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        if holds(steps[middle]):
            high = middle
        else:
            low = middle + 1
    return steps[high]
