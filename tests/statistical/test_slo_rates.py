"""False pages and no-data alerts of the built-in policies, and how soon errors are found.

Services at half their budget: Poisson arrivals, independent errors. The product itself judges each
service's year of minutes at once, so that nothing has to be proven equal to it.
"""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chi2

from monitoring.slo.definition import Method, Objective, Ratio, Rolling, Slo, Source
from monitoring.slo.evaluation.evaluate import evaluate
from monitoring.slo.evaluation.notices import Told
from monitoring.slo.evaluation.series import Counts

DAY = 1440
MONTH = 30 * DAY
#: Months of one service, after a month in which its window fills.
YEAR, SERVICES = 12, 20
TARGETS = ("0.9", "0.95", "0.99", "0.999", "0.9999")
RATES = (0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0, 6000.0)
#: Service-months in which something may be told, a month: the bar.
MOST = 0.1
#: A service of 31 days to look at in the default tier.
FEW = [("0.999", 1.0), ("0.9999", 10.0), ("0.99", 0.1)]


def service(target: str) -> Slo:
    source = Source("driftwarden")
    objective = Objective("answered", Fraction(target))
    return Slo(
        "answered",
        "churn",
        Ratio(source, bad=source),
        Rolling(timedelta(days=30)),
        Method.OCCURRENCES,
        (objective,),
    )


def told(target: str, rate: float, months: int, rng: np.random.Generator) -> list[Told]:
    """All that is told of one service, but for what has ended."""
    length = MONTH + months * MONTH
    total = rng.poisson(rate, length)
    bad = rng.binomial(total, float(1 - Fraction(target)) / 2)
    there = np.flatnonzero(total)
    rows = Counts(there, total[there], bad[there])
    known = service(target)
    found = evaluate(known, known.objectives[0], rows, (MONTH, length))
    notices = [notice.kind for outcome in found.outcomes for notice in outcome.notices]
    return [kind for kind in notices if kind is not Told.RESOLVED]


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("rate", RATES)
def test_a_service_at_half_its_budget_is_left_alone(target: str, rate: float) -> None:
    rng = np.random.default_rng([int(1000 * rate), int(10_000 * float(target))])
    found = [kind for _ in range(SERVICES) for kind in told(target, rate, YEAR, rng)]
    months = SERVICES * YEAR
    bound = chi2.ppf(0.99, 2 * len(found) + 2) / 2 / months
    print(f"{target} at {rate:g}/min: {len(found)} in {months} months, 99 % bound {bound:.3f}")
    assert bound <= MOST


@pytest.mark.parametrize(("target", "rate"), FEW)
def test_a_service_at_half_its_budget_is_left_alone_for_a_month(target: str, rate: float) -> None:
    """The worst cells of plain burn rates: 20, 22 and 10 pages a month."""
    assert told(target, rate, 1, np.random.default_rng(2)) == []


def found_after(target: str, rate: float, rng: np.random.Generator) -> float:
    """Minutes from the first that may have errors to the first page; a fifth of requests fail."""
    before, after = 4 * DAY, 180
    total = rng.poisson(rate, before + after)
    share = np.repeat([float(1 - Fraction(target)) / 2, 0.2], [before, after])
    bad = rng.binomial(total, share)
    there = np.flatnonzero(total)
    known = service(target)
    rows = Counts(there, total[there], bad[there])
    judged = evaluate(known, known.objectives[0], rows, (before, before + after))
    pages = [
        notice.at - before
        for outcome in judged.outcomes
        for notice in outcome.notices
        if outcome.rule.severity == "page" and notice.kind is Told.FIRING
    ]
    return min(pages, default=np.inf)


@pytest.mark.parametrize(
    ("target", "rate", "most"),
    [("0.999", 1.0, 25), ("0.999", 60.0, 6), ("0.995", 60.0, 23), ("0.99", 60.0, 44)],
)
@pytest.mark.parametrize("runs", [25, pytest.param(400, marks=pytest.mark.slow)])
def test_a_fifth_of_errors_is_found(target: str, rate: float, most: int, runs: int) -> None:
    rng = np.random.default_rng([int(rate), int(10_000 * float(target))])
    after = [found_after(target, rate, rng) for _ in range(runs)]
    print(f"{target} at {rate:g}/min: found after {np.median(after):g} min (median of {runs})")
    assert np.median(after) <= most
