"""Gaps in the data: whether one is longer than chance makes them."""

from __future__ import annotations

from typing import cast

import numpy as np
import scipy

from monitoring.slo.evaluation.exact import Bools
from monitoring.slo.evaluation.series import Minutes, Series

CHANCE = 1e-6
"""A gap, or a burn of a guarded policy, is told where it is less likely than this."""
DAY, WEEK = 1440, 10080


def unusual(minutes: Series, at: Minutes) -> Bools:
    """Tell where the gap before each minute boundary has a chance below 1e-6 at the usual rate.

    The gap begins after the last minute with events. The usual rate is the share of minutes with
    events in the week before it, or since the first one; with b of n minutes empty, the chance of g
    more is that of the beta distribution of b + 1 and n - b, which counts in how well n minutes
    tell the rate. Where it was as quiet in the same stretch a week ago (a day ago, while the data
    are younger), a gap is usual: that stretch needs 14 events, as exp(-14) < 1e-6.
    """
    events = np.concatenate([[0], np.cumsum(np.diff(minutes.total) > 0)]).astype(np.int64)
    active = np.flatnonzero(np.diff(events))
    if not len(active):
        return np.zeros(len(at), np.bool_)
    place = at - minutes.base
    before = np.searchsorted(active, place)
    known = before > 0
    start = active[np.maximum(before, 1) - 1] + 1
    gap = np.maximum(place - start, 0)
    seen = np.minimum(start - active[0], WEEK)
    empty = seen - (events[start] - events[start - seen])
    trials = np.maximum(seen - 1, 0)
    log = scipy.special.gammaln
    chance = (log(empty + 1 + gap) - log(empty + 1)) - (log(trials + 1 + gap) - log(trials + 1))
    busy = _busy_before(minutes, int(active[0]), start, place)
    return cast(Bools, known & (chance < np.log(CHANCE)) & busy)


def _busy_before(minutes: Series, first: int, start: Minutes, place: Minutes) -> Bools:
    """Tell where the same stretch a week or a day ago had enough events, or is not known."""
    shift = np.where(start - WEEK >= first, WEEK, DAY)
    unknown = start - shift < first
    since, until = np.maximum(start - shift, 0), np.maximum(place - shift, 0)
    then = (minutes.total[until] - minutes.total[since]).astype(float) / minutes.unit
    return cast(Bools, unknown | (then > -np.log(CHANCE)))
