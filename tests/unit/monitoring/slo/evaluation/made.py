"""SLOs and minutes that tests judge."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import numpy as np

from monitoring.slo.definition import (
    AlertPolicy,
    Calendar,
    Condition,
    Method,
    Metric,
    Objective,
    Op,
    Ratio,
    Rolling,
    Slo,
    Source,
    Unit,
)
from monitoring.slo.evaluation.periods import minute_of
from monitoring.slo.evaluation.series import Counts

RATIO = Ratio(Source("driftwarden"), bad=Source("driftwarden"))
MONTH = Rolling(timedelta(days=30))


def minute(text: str) -> int:
    """Minutes since 1970 of an instant, as 2026-01-31T18:00Z."""
    return minute_of(datetime.fromisoformat(text))


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def calendar(count: int, unit: str, start: str, zone: str = "UTC") -> Calendar:
    return Calendar(count, Unit(unit), datetime.fromisoformat(start), zone)


def condition(op: str, threshold: str, lookback: int, after: int = 0) -> Condition:
    limit = Fraction(threshold)
    return Condition("burn", "page", Op(op), limit, minutes(lookback), minutes(after))


def policy(*conditions: Condition, guarded: bool = False, breaching: bool = True) -> AlertPolicy:
    return AlertPolicy("burns", conditions, True, True, breaching, guarded)


def slo(
    target: str = "0.99",
    window: Rolling | Calendar = MONTH,
    *policies: AlertPolicy,
    method: Method = Method.OCCURRENCES,
    width: int | None = None,
    sliced: str | None = None,
) -> Slo:
    """An SLO of one objective; `width` is of its slices, `sliced` their target."""
    objective = Objective(
        "answered",
        Fraction(target),
        slice_target=None if sliced is None else Fraction(sliced),
        slice_window=None if width is None else minutes(width),
    )
    return Slo("answered", "churn", metric(), window, method, (objective,), policies)


def metric() -> Metric:
    return RATIO


def counts(start: int, total: np.ndarray, bad: np.ndarray) -> Counts:
    """A row for each minute from `start` on whose total is not negative."""
    total, bad = np.asarray(total), np.asarray(bad)
    there = np.flatnonzero(total >= 0)
    return Counts(start + there, total[there].astype(np.int64), bad[there].astype(np.int64))
