"""Calibration gap and skill with day-clustered intervals.

Rows of one day share their weather, campaign or outage, so the day is the unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate, its standard error over `days` days, and the interval around it."""

    value: float
    error: float
    days: int
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval excludes zero, so that noise between days does not explain it."""
        return self.low > 0 or self.high < 0

    def at(self, confidence: float) -> Interval:
        """The same estimate with a two-sided interval at another level."""
        return _interval(self.value, self.error, self.days, confidence)


@dataclass(frozen=True)
class Baseline:
    """Skill at reference time: its value, day-clustered standard error, and days."""

    skill: float
    error: float
    days: int


def clustered(
    label: Floats, score: Floats, day: NDArray[np.datetime64], confidence: float
) -> tuple[Interval | None, Interval | None]:
    """Calibration gap and skill with intervals from leaving out one day at a time.

    Jackknife over D days, Student's t with D - 1 degrees of freedom (Efron & Tibshirani 1993,
    ch. 11). None with fewer than two days, or where a left-out day leaves no value.
    """
    days, code = np.unique(day, return_inverse=True)
    if len(days) < 2:
        return None, None
    # Centred at the mean, so that large labels keep the digits of their variance.
    centre = label.mean()
    gaps, labels = score - label, label - centre
    columns = (np.ones(len(label)), gaps, labels, labels**2, gaps**2)
    sums = np.array([np.bincount(code, column, len(days)) for column in columns])
    whole = sums.sum(axis=1, keepdims=True)
    n, gaps, labels, squares, losses = np.concatenate([whole, whole - sums], axis=1)
    spread = squares / n - (labels / n) ** 2
    gap = _jackknife(gaps / n, confidence)
    # Equal labels have no variance beyond rounding.
    if not (spread > 1e-12 * squares / n).all():
        return gap, None
    return gap, _jackknife(1 - losses / n / spread, confidence)


def drop(now: Interval, before: Baseline, confidence: float) -> Interval:
    """Loss of skill since the reference."""
    # The side with fewer days sets the degrees of freedom: the noise of both counts.
    days = min(now.days, before.days)
    error = float(np.hypot(now.error, before.error))
    return _interval(before.skill - now.value, error, days, confidence)


def _jackknife(values: Floats, confidence: float) -> Interval:
    value, left_out = float(values[0]), values[1:]
    count = len(left_out)
    error = float(np.sqrt((count - 1) / count * np.sum((left_out - left_out.mean()) ** 2)))
    return _interval(value, error, count, confidence)


def _interval(value: float, error: float, days: int, confidence: float) -> Interval:
    reach = float(scipy.special.stdtrit(days - 1, (1 + confidence) / 2)) * error
    return Interval(value, error, days, value - reach, value + reach)
