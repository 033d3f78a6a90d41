"""Where a rule fires, and where there is no data for it, at every minute boundary of a span."""

from __future__ import annotations

from typing import cast

import numpy as np
import scipy

from monitoring.slo.evaluation.exact import Bools
from monitoring.slo.evaluation.gaps import CHANCE
from monitoring.slo.evaluation.ledger import Ledger
from monitoring.slo.evaluation.rules import Clause, Rule
from monitoring.slo.evaluation.series import Minutes

BLOCK = 1 << 14
"""Evaluations at once: their arrays stay in the processor's cache."""
NOWHERE = np.zeros(0, np.bool_)


def fires(rule: Rule, ledger: Ledger, begin: int, end: int) -> Bools:
    """Tell at which of the boundaries begin + 1 to end a rule fires."""
    found = np.ones(end - begin, np.bool_)
    for clause in rule.clauses:
        found &= _held(clause, ledger, begin, end)
    if rule.guarded:
        places = np.flatnonzero(found)
        found[places] = _beyond_chance(rule, ledger, begin + 1 + places)
    return found


def without_data(rule: Rule, ledger: Ledger, at: Minutes) -> Bools:
    """Tell where the shortest window of a rule, and so its burn rate, has no event or slice."""
    spans = [clause.lookback for clause in rule.clauses if clause.lookback is not None]
    total, _ = ledger.series.between(ledger.since(at, min(spans, default=None)), at)
    return cast(Bools, total == 0)


def _held(clause: Clause, ledger: Ledger, begin: int, end: int) -> Bools:
    """Tell where a clause holds, and held at every boundary of the `after` minutes before."""
    blocks = range(begin + 1 - clause.after, end + 1, BLOCK)
    parts = [np.arange(block, min(block + BLOCK, end + 1)) for block in blocks]
    found = np.concatenate([NOWHERE, *(ledger.compare(clause, at) for at in parts)])
    if not clause.after:
        return found
    place = np.arange(len(found))
    broken = np.maximum.accumulate(np.where(found, -1, place))
    return (place - broken > clause.after)[clause.after :]


def _beyond_chance(rule: Rule, ledger: Ledger, at: Minutes) -> Bools:
    """Tell where the bad events of the longest window are too many for a service on budget.

    Independent events make them Poisson numbers: P(N >= bad), scipy.special.pdtrc.
    """
    spans = [clause.lookback for clause in rule.clauses]
    longest = max((span for span in spans if span is not None), default=None)
    longest = None if None in spans else longest
    series, allowed = ledger.series, ledger.allowed
    total, bad = series.between(ledger.since(at, longest), at)
    whole = -(-bad // series.unit)
    mean = total.astype(float) * (float(allowed) / series.unit)
    chance = scipy.special.pdtrc(whole.astype(float) - 1, mean)
    return np.where(whole > 0, chance, 1.0) < CHANCE
