"""The judge against a reference in fractions, to the minute, on generated minutes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from monitoring.slo.definition import Calendar, Method, Rolling, Slo
from monitoring.slo.evaluation.evaluate import Interval, evaluate
from monitoring.slo.evaluation.series import Counts
from tests.unit.monitoring.slo.evaluation.made import (
    MONTH,
    calendar,
    condition,
    counts,
    minute,
    minutes,
    policy,
    slo,
)
from tests.unit.monitoring.slo.evaluation.reference import Reference, alerts

DAY = 1440
pytestmark = pytest.mark.usefixtures("heavy")


def agree(known: Slo, rows: Counts, span: tuple[int, int], at: list[int]) -> set[str]:
    """Compare everything that is told of a span, and return what came up."""
    (objective,) = known.objectives
    found = evaluate(known, objective, rows, span, at)
    listed = zip(rows.minute.tolist(), rows.total.tolist(), rows.bad.tolist(), strict=True)
    unit = rows.unit
    given = {one: (Fraction(total, unit), Fraction(bad, unit)) for one, total, bad in listed}
    reference = Reference(known, objective, given, max([span[1], *at]))
    met: set[str] = set()
    assert [one.rule.name for one in found.outcomes] == [one.name for one in alerts(known)]
    for outcome, alert in zip(found.outcomes, alerts(known), strict=True):
        wanted = reference.judge(alert, *span)
        assert [(one.since, one.until) for one in outcome.firing] == wanted["firing"], alert.name
        assert [(one.since, one.until) for one in outcome.no_data] == wanted["no_data"]
        assert [(one.at, one.kind.value) for one in outcome.notices] == wanted["told"], alert.name
        met |= {str(kind) for _, kind in wanted["told"]} | {"firing" for _ in wanted["firing"]}
    for one in found.budgets:
        assert one.left == reference.left(one.at), one.at
        assert one.exhaustion == reference.exhaustion(one.at), one.at
        met |= {"left"} if one.left is not None and one.left > 0 else set()
        met |= {"exhaustion"} if one.exhaustion not in (None, one.at) else set()
    return met


def traffic(seed: int, length: int, mean: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Poisson totals and independent errors; an outage, a brown-out, and a gap of rows."""
    rng = np.random.default_rng(seed)
    total = rng.poisson(mean, length)
    bad = rng.binomial(total, share)
    begin, brown, gone = length // 2, length * 5 // 8, length * 3 // 4
    bad[begin : begin + 25] = total[begin : begin + 25]
    bad[brown : brown + 90] = rng.binomial(total[brown : brown + 90], 0.1)
    total[gone : gone + 40] = -1
    return total, bad


KATHMANDU = "Asia/Kathmandu"
WINDOWS: dict[str, tuple[Rolling | Calendar, str]] = {
    "rolling": (Rolling(minutes(2 * DAY)), "2026-03-01T00:00Z"),
    "an odd length": (Rolling(minutes(1234)), "2026-03-01T00:07Z"),
    "month ends": (calendar(1, "M", "2026-01-01"), "2026-01-30T09:00Z"),
    "31sts": (calendar(1, "M", "2025-12-31T06:30"), "2026-02-27T08:00Z"),
    "quarters by +05:45": (calendar(1, "Q", "2025-01-01", KATHMANDU), "2026-03-30T20:11Z"),
    "days by +05:45": (calendar(1, "d", "2026-01-01", KATHMANDU), "2026-03-30T20:11Z"),
    "years, from a leap day": (calendar(1, "Y", "2024-02-29"), "2026-02-27T09:00Z"),
    "the night an hour is skipped": (
        calendar(1, "d", "2026-01-01T02:30", "Europe/Berlin"),
        "2026-03-28T00:00Z",
    ),
    "the night an hour is repeated": (
        calendar(1, "d", "2026-01-01T02:30", "Europe/Berlin"),
        "2026-10-24T00:00Z",
    ),
    "weeks over a change of the clock": (
        calendar(2, "w", "2026-01-05", "America/New_York"),
        "2026-03-07T18:00Z",
    ),
    "hours": (calendar(7, "h", "2026-01-01T00:10", "Asia/Kolkata"), "2026-05-01T00:00Z"),
}
#: The others repeat these at full size: make stat.
SAMPLE = ("an odd length", "31sts", "days by +05:45", "the night an hour is skipped")
NAMES = [
    pytest.param(one, marks=() if one in SAMPLE else pytest.mark.slow, id=one) for one in WINDOWS
]


@pytest.mark.parametrize("name", NAMES)
def test_events_of_a_window(name: str) -> None:
    window, start = WINDOWS[name]
    total, bad = traffic(len(name), 2 * DAY, 3, 0.01)
    first = minute(start)
    ats = [first + DAY - 30, first + DAY + 7, *range(first + 200, first + 2 * DAY, 1300)]
    known = slo(
        "0.97",
        window,
        policy(condition("gt", "14.4", 5), condition("gte", "6", 60)),
        policy(condition("gt", "1", 30, after=4)),
        policy(condition("gte", "1", 45), guarded=True),
        policy(condition("lt", "2", 20, after=1), breaching=False),
    )
    met = agree(known, counts(first, total, bad), (first + DAY - 40, first + DAY + 200), ats)
    assert {"firing", "resolved"} <= met
    agree(known, counts(first, total, bad), (first + 2100, first + 2230), [first + 2140])


@pytest.mark.parametrize("method", [Method.TIMESLICES, Method.RATIO_TIMESLICES])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [7, pytest.param(60, marks=pytest.mark.slow)])
def test_slices_of_a_window(name: str, method: Method, width: int) -> None:
    window, start = WINDOWS[name]
    total, bad = traffic(len(name) + width, 2 * DAY, 0.4 if width > 1 else 2, 0.03)
    first = minute(start) + 3
    ats = list(range(first + 200, first + 2 * DAY, 1300))
    known = slo(
        "0.9",
        window,
        policy(condition("gte", "2", 30), condition("gt", "1", 90)),
        policy(condition("gt", "1", 90, after=11)),
        method=method,
        width=width,
        sliced=None if method is Method.RATIO_TIMESLICES else "0.95",
    )
    rows = counts(first, total, bad)
    met = agree(known, rows, (first + DAY - 5, first + DAY + 150), ats)
    met |= agree(known, rows, (first + 2150, first + 2260), [])
    assert "firing" in met


@pytest.mark.parametrize("op", ["gt", "gte", "lt", "lte"])
@pytest.mark.parametrize(
    ("target", "threshold", "of"),
    [("0.99", "14.4", (432, 3000)), ("0.999", "6", (6, 1000)), ("0.9", "1", (1, 10)),
     ("0.9999", "14.4", (144, 100_000)), ("0.95", "0.1", (1, 200))],
)  # fmt: skip
def test_ties_at_a_threshold(op: str, target: str, threshold: str, of: tuple[int, int]) -> None:
    """Windows of 50 minutes hold exactly the share at which the burn rate is the threshold."""
    bad, total = of
    first = minute("2026-05-01T00:00Z")
    totals, bads = np.full(400, 2 * total // 5), np.zeros(400, int)
    bads[9::50] = 20 * bad
    bads[230] += 1
    bads[333] -= int(bads[333] > 0)
    known = slo(target, MONTH, policy(condition(op, threshold, 50)))
    agree(known, counts(first, totals, bads), (first + 50, first + 400), [first + 399])


@pytest.mark.parametrize(
    ("target", "mean", "share"),
    [
        ("0.999", 1.0, 0.0005),
        ("0.99", 0.1, 0.005),
        ("0.995", 6000.0, 0.0025),
        pytest.param("0.9", 60.0, 0.05, marks=pytest.mark.slow),
        pytest.param("0.9999", 10.0, 5e-5, marks=pytest.mark.slow),
    ],
)
def test_the_built_in_policies(target: str, mean: float, share: float) -> None:
    """At half the budget for four days, then 20 % errors, then no rows."""
    rng = np.random.default_rng(int(mean))
    total = rng.poisson(mean, 5 * DAY)
    bad = rng.binomial(total, share)
    broken = 4 * DAY
    bad[broken : broken + 260] = rng.binomial(total[broken : broken + 260], 0.2)
    total[broken + 330 : broken + 620] = -1
    first = minute("2026-05-01T00:00Z")
    at = first + broken
    rows = counts(first, total, bad)
    met = agree(slo(target), rows, (at - 20, at + 80), [at + 10])
    met |= agree(slo(target), rows, (at + 250, at + 350), [at + 255, at + 300])
    met |= agree(slo(target), rows, (at + 465, at + 640), [at + 600])
    assert "no-data" in met
    assert "firing" in met or target == "0.9"


@pytest.mark.parametrize("number", [1, 2**40, 2**61, 10**30])
def test_numbers_of_any_size(number: int) -> None:
    first = minute("2026-05-01T00:00Z")
    total = np.full(200, 1000 * number, object if number > 2**50 else np.int64)
    bad = total * 0
    bad[::2] = 288 * number
    bad[150] += 1
    rows = Counts(first + np.arange(200), total, bad)
    known = slo("0.99", MONTH, policy(condition("gt", "14.4", 10)))
    found = evaluate(known, known.objectives[0], rows, (first + 9, first + 200), [first + 200])
    assert [one.firing for one in found.outcomes] == [(Interval(first + 151, first + 161),)]
    agree(known, rows, (first + 140, first + 170), [first + 160])
