"""The offline gate: both versions score the same later rows, and the losses are compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fleet.document.policies import Watched
from fleet.model.facts import Gated
from fleet.model.tasks import Gate
from fleet.ports import World
from fleet.work import rows
from fleet.work.columns import floats, times
from fleet.work.refer import usual_scores
from fleet.work.refer.referencing import score, terms_of
from monitoring.calendars import days_of
from monitoring.intake.references import normalised
from retrain.gate import DayLoss, gate

Floats = npt.NDArray[np.float64]
MIN_SEGMENT_SHARE = 0.02
HELD_OUT = "held-out rows"


def gate_version(world: World, watched: Watched, effect: Gate) -> Gated:
    """Decide on a version; without rows later than its training the gate is inconclusive."""
    table = _held_out(world, watched, effect)
    model, policy = watched.name, watched.policy
    known = table.filter(pc.is_valid(table["label"]))
    label = np.asarray(known["label"].cast(pa.float64()))
    ours = score(world, watched, effect.version, known, HELD_OUT)
    theirs = score(world, watched, effect.champion, known, HELD_OUT)
    loss, champions = (ours - label) ** 2, (theirs - label) ** 2
    days = days_of(times(known["time"]), watched.zone)
    rate = _label_rate(world, model, effect)
    constant = None if rate is None else (label - rate) ** 2
    segments = {}
    if policy.labels.segment is not None and policy.labels.segment in known.column_names:
        segments = _segments(known[policy.labels.segment], days, loss, champions)
    decision = gate(_by_day(days, loss, champions, constant), segments, effect.need, policy.gate)
    bad = float((champions >= policy.labels.bad_loss).mean()) if len(champions) else None
    return Gated(
        effect.id,
        effect.version,
        decision,
        usual_scores.put(world, watched, effect.version, ours, known),
        bad,
        rate,
    )


def _label_rate(world: World, model: str, effect: Gate) -> float | None:
    """Return the rate of positive labels on the training days; None where unknown.

    A constant forecast of that rate is the baseline without skill.
    """
    card = world.registry.card(model, effect.version)
    first, last = card.training_from, card.training_to
    if first is None or last is None:
        return None
    names = [name for day, name in effect.past if first <= day <= last]
    labels = [floats(rows.get(world.blobs, name, ("label",))["label"]) for name in names]
    known = [column[~np.isnan(column)] for column in labels]
    count = sum(len(column) for column in known)
    return float(sum(column.sum() for column in known)) / count if count else None


def _held_out(world: World, watched: Watched, effect: Gate) -> pa.Table:
    """Return the rows registered with a version, or else the newest logged days after training."""
    card = world.registry.card(watched.name, effect.version)
    own = world.scoring.evaluation(watched.name, effect.version)
    if own is not None:
        terms = replace(terms_of(watched, card.features), needs=("time", "label"))
        return normalised(own, f"{watched.name} {effect.version}: evaluation rows", terms)
    trained_to = card.training_to
    days = [name for day, name in effect.days if trained_to is None or day > trained_to]
    table = rows.get_all(world.blobs, days)
    return table if table is not None else _nothing()


def _nothing() -> pa.Table:
    return pa.table(
        {"label": pa.array([], pa.float64()), "time": pa.array([], pa.timestamp("us", "UTC"))}
    )


def _by_day(
    days: npt.NDArray[np.datetime64], loss: Floats, usual: Floats, constant: Floats | None
) -> tuple[DayLoss, ...]:
    every, code = np.unique(days, return_inverse=True)
    count = np.bincount(code, minlength=len(every))
    difference = np.bincount(code, loss - usual, len(every))
    champion = np.bincount(code, usual, len(every))
    plain = None if constant is None else np.bincount(code, constant, len(every))
    return tuple(
        DayLoss(
            date.fromisoformat(str(day)),
            int(count[i]),
            float(difference[i]),
            float(champion[i]),
            None if plain is None else float(plain[i]),
        )
        for i, day in enumerate(every)
    )


def _segments(
    column: pa.ChunkedArray,
    days: npt.NDArray[np.datetime64],
    loss: Floats,
    usual: Floats,
) -> dict[str, tuple[DayLoss, ...]]:
    """Return the same rows by segment, without levels that are too rare to judge."""
    names = np.asarray(column.cast(pa.string()).fill_null("").to_pylist(), dtype=str)
    found = {}
    for name in np.unique(names):
        mine = names == name
        if mine.mean() >= MIN_SEGMENT_SHARE:
            found[str(name)] = _by_day(days[mine], loss[mine], usual[mine], None)
    return found
