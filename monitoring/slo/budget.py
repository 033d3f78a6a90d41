"""Error budgets and their burn rates over several windows, without false alarms at low traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from monitoring.alerts.lifecycle import Severity

FINE = timedelta(hours=6)
"""Buckets younger than this keep their grain, which the longest short window needs."""
MINUTE = timedelta(minutes=1)
REACH = timedelta(days=31)
"""Older buckets are dropped; the longest objective window is shorter."""


class Window(BaseModel):
    """One row of windows.yaml: both windows must burn for the row to fire."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    long: timedelta
    short: timedelta
    budget: float = Field(gt=0, lt=1)
    severity: Severity

    @model_validator(mode="after")
    def _shorter(self) -> Window:
        if not timedelta(0) < self.short < self.long:
            raise ValueError(f"short window {self.short} is not shorter than long {self.long}")
        return self

    def rate(self, period: timedelta) -> float:
        """Burn rate that spends `budget` of the budget of `period` within `long`.

        >>> day = timedelta(days=1)
        >>> hour = Window(long=day / 24, short=day / 288, budget=0.02, severity="page")
        >>> round(hour.rate(30 * day), 6)
        14.4
        """
        return self.budget * (period / self.long)


@cache
def standard() -> tuple[Window, ...]:
    """The windows shipped in windows.yaml, the most urgent first."""
    # A resource of this package; users' documents are read in fleet.document.config only.
    import yaml

    text = resources.files(__package__).joinpath("windows.yaml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[Window, ...]).validate_python(yaml.safe_load(text)["windows"])


@dataclass(frozen=True)
class Bucket:
    """Good and bad events from `start` until the next bucket."""

    start: datetime
    good: int
    bad: int


@dataclass(frozen=True, eq=False)
class Buckets:
    """Counts over time: `start` (datetime64[us], UTC, ascending), `good` and `bad` (int64).

    `grain` is the length of the youngest buckets; a bucket counts in every window that it overlaps.
    """

    start: NDArray[np.datetime64]
    good: NDArray[np.int64]
    bad: NDArray[np.int64]
    grain: timedelta = MINUTE

    @classmethod
    def of(cls, rows: Sequence[Bucket], grain: timedelta = MINUTE) -> Buckets:
        """From single buckets in any order; those of one start are summed."""
        starts = [row.start.astimezone(UTC).replace(tzinfo=None) for row in rows]
        return _summed(
            np.array(starts, "datetime64[us]"),
            np.array([row.good for row in rows], np.int64),
            np.array([row.bad for row in rows], np.int64),
            grain,
        )

    def rows(self) -> tuple[Bucket, ...]:
        """As single buckets, to keep in a state."""
        return tuple(
            Bucket(start.item().replace(tzinfo=UTC), int(good), int(bad))
            for start, good, bad in zip(self.start, self.good, self.bad, strict=True)
        )

    def counted(self, since: datetime, now: datetime) -> tuple[int, int]:
        """Total and bad events of the buckets that overlap (since, now]."""
        edges = [_naive(since - self.grain), _naive(now)]
        left, right = np.searchsorted(self.start, edges, side="right")
        bad = int(self.bad[left:right].sum())
        return int(self.good[left:right].sum()) + bad, bad


@dataclass(frozen=True)
class Burn:
    """One row of windows at one moment; a rate is None where nothing was counted.

    `chance` is the probability of this many bad events in the long window for a service that spends
    its budget evenly, if events are independent.
    """

    window: timedelta
    severity: Severity
    needed: float
    long_rate: float | None
    short_rate: float | None
    total: int
    bad: int
    chance: float
    firing: bool


def fold(buckets: Buckets, now: datetime) -> Buckets:
    """The same counts in fewer buckets: whole hours beyond six hours, nothing beyond 31 days.

    Long windows then begin on the hour; short ones are exact.
    """
    kept = buckets.start >= _naive(now - REACH).astype("datetime64[h]")
    start, good, bad = buckets.start[kept], buckets.good[kept], buckets.bad[kept]
    fine_from = _naive(now - FINE).astype("datetime64[h]")
    start = np.where(start < fine_from, start.astype("datetime64[h]").astype(start.dtype), start)
    return _summed(start, good, bad, buckets.grain)


def _summed(
    start: NDArray[np.datetime64],
    good: NDArray[np.int64],
    bad: NDArray[np.int64],
    grain: timedelta,
) -> Buckets:
    starts, code = np.unique(start, return_inverse=True)
    sums = [np.zeros(len(starts), np.int64) for _ in range(2)]
    for total, counts in zip(sums, (good, bad), strict=True):
        np.add.at(total, code, counts)
    return Buckets(starts, sums[0], sums[1], grain)


def burn(
    buckets: Buckets, window: Window, target: float, period: timedelta, guard: float, now: datetime
) -> Burn:
    """Burn rates of one row of windows at `now`.

    It fires when both rates reach the row's, and chance does not explain the bad events of the long
    window for a service on budget (Poisson upper tail below `guard`): at low traffic a single
    failure is a high rate, but no evidence.
    """
    allowed, needed = 1 - target, window.rate(period)
    total, bad = buckets.counted(now - window.long, now)
    recent, recent_bad = buckets.counted(now - window.short, now)
    long_rate = bad / total / allowed if total else None
    short_rate = recent_bad / recent / allowed if recent else None
    chance = float(scipy.special.pdtrc(bad - 1, total * allowed)) if bad else 1.0
    fast = reached(long_rate, needed) and reached(short_rate, needed)
    return Burn(
        window=window.long,
        severity=window.severity,
        needed=needed,
        long_rate=long_rate,
        short_rate=short_rate,
        total=total,
        bad=bad,
        chance=chance,
        firing=fast and chance < guard,
    )


def reached(rate: float | None, needed: float) -> bool:
    """Whether a burn rate reaches a limit, apart from rounding: rates are quotients."""
    return rate is not None and rate >= needed * (1 - 1e-12)


def remaining(buckets: Buckets, target: float, period: timedelta, now: datetime) -> float | None:
    """Share of the error budget of `period` that is left; below zero when overspent."""
    total, bad = buckets.counted(now - period, now)
    return 1 - bad / (total * (1 - target)) if total else None


def span(length: timedelta) -> str:
    """Format a length in hours, or from a day on in days.

    >>> span(timedelta(hours=6)), span(timedelta(days=30) / 14.4)
    ('6 h', '2.08 d')
    """
    hours = length / timedelta(hours=1)
    return f"{hours:.3g} h" if hours < 24 else f"{hours / 24:.3g} d"


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
