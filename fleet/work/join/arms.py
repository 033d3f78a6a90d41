"""The losses of a rollout's two arms on one window."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from fleet.model.records import DayPair, LossCount
from fleet.model.tasks import Join
from fleet.work.columns import Floats, floats, times


def arm_losses(
    table: pa.Table, effect: Join, label: Floats, bad_loss: float
) -> tuple[DayPair | None, tuple[LossCount, ...]]:
    """Return the losses of a shadow, or else the counts of a canary.

    A shadow has paired losses on the same rows, None without a challenger's scores. A canary has
    labelled rows and large losses by arm, between its cuts.
    """
    if effect.shadowed:
        return _day_pair(table, effect, label), ()
    return None, _loss_counts(table, effect, label, bad_loss)


def _day_pair(table: pa.Table, effect: Join, label: Floats) -> DayPair | None:
    if "challenger" not in table.column_names:
        return None
    champion, challenger = floats(table["served"]), floats(table["challenger"])
    both = ~np.isnan(label) & ~np.isnan(champion) & ~np.isnan(challenger)
    both &= np.asarray(table["deployment"].to_pylist(), dtype=str) == effect.champion
    losses = (champion[both] - label[both]) ** 2
    difference = (challenger[both] - label[both]) ** 2 - losses
    rate = effect.challenger_rate
    constant = None if rate is None else float(((rate - label[both]) ** 2).sum())
    return DayPair(int(both.sum()), float(difference.sum()), float(losses.sum()), constant)


def _loss_counts(
    table: pa.Table, effect: Join, label: Floats, bad_loss: float
) -> tuple[LossCount, ...]:
    served = floats(table["served"])
    known = ~np.isnan(label) & ~np.isnan(served)
    bad = known & ((served - label) ** 2 >= bad_loss)
    ours = np.asarray(table["deployment"].to_pylist(), dtype=str) == effect.challenger
    when = times(table["time"])
    inside = [cut for cut in effect.cuts if effect.starts < cut < effect.ends]
    edges = [effect.starts, *inside, effect.ends]
    counts = []
    for start, end in pairwise(edges):
        here = known & (when >= _naive(start)) & (when < _naive(end))
        n_c, n_s = int((here & ours).sum()), int((here & ~ours).sum())
        bad_c, bad_s = int((here & bad & ours).sum()), int((here & bad & ~ours).sum())
        counts.append(LossCount(n_c, n_s, bad_c, bad_s, start, end))
    return tuple(counts)


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "us")
