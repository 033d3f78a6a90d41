"""Join one window: labels beside what was predicted, who served it, and what it cost."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.blobs import Blobs
from fleet.document.policies import Watched
from fleet.model.facts import Joined
from fleet.model.records import DayPair, LossCount
from fleet.model.tasks import Join
from fleet.names import held_by
from fleet.ports import World
from fleet.work import rows
from fleet.work.columns import floats, times
from fleet.work.join.findings import labels_finding, repeated_finding, segments_finding
from fleet.work.join.judging import judge
from fleet.work.refer import usual_scores
from monitoring import association, metrics
from monitoring import labels as labelled
from monitoring.finding import Finding
from monitoring.intake.labels import SCHEMA as LABELS

Floats = npt.NDArray[np.float64]
KEY = ("correlationid", "index")


def join_window(world: World, watched: Watched, effect: Join) -> Joined:
    """Put labels beside predictions; measure the day, the trailing days, and the rollout's arms."""
    blobs, policy = world.blobs, watched.policy
    table, repeated = _served(blobs, effect)
    labels = rows.get_all(blobs, effect.labels)
    found = labelled.join(
        table.select([*KEY, "time"]).append_column("score", table["served"]),
        labels if labels is not None else LABELS.empty_table(),
        policy.performance.task,
    )
    table = table.append_column("label", pa.array(found.label, from_pandas=True))
    known = ~np.isnan(found.label)
    said = judge(blobs, watched, effect, table)
    complete = found.completeness or 0.0
    judged = effect.challenger is not None and complete >= policy.performance.min_completeness
    return Joined(
        window=effect.window,
        of=effect.of,
        rows=rows.put(blobs, table),
        labelled=int(known.sum()),
        expected=len(found.label),
        contradictions=found.contradictions,
        health=said.report.verdict,
        reason=said.reason,
        explained_by=said.explained_by,
        scores={
            name: metrics.measures(found.label[ok], column[ok], policy.performance.task)
            for name in ("served", "baseline")
            if name in table.column_names
            for column in [floats(table[name])]
            for ok in [known & ~np.isnan(column)]
        },
        rolling=said.report.metrics,
        shadow=_pair(table, effect, found.label) if judged and effect.shadowed else None,
        losses=(
            _losses(table, effect, found.label, policy.labels.bad_loss)
            if judged and not effect.shadowed
            else ()
        ),
        event=effect.event,
        findings=(
            labels_finding(effect.window, int(known.sum()), len(found.label), policy.performance),
            segments_finding(effect.window, said.segments),
            repeated_finding(effect.window, repeated, len(found.label), policy.quality),
            *_association(blobs, watched, effect, table),
        ),
    )


def _served(blobs: Blobs, effect: Join) -> tuple[pa.Table, int]:
    """Every served row once, with the scores of all arms: who served it is what traffic says.

    And how many rows had been logged before.
    """
    inputs = rows.get_all(blobs, effect.inputs)
    scores = {
        version: rows.concatenate(
            rows.get(blobs, name) for v, name in effect.outputs if v == version
        )
        for version in dict.fromkeys(version for version, _ in effect.outputs)
    }
    base = inputs if inputs is not None else next(iter(scores.values()))
    base = base.drop_columns(["score"]) if "score" in base.column_names else base
    logged, base = base.num_rows, _once(base)
    by_version = {version: _aligned(base, table) for version, table in scores.items()}
    deployment = _deployments(blobs, base, by_version, effect)
    served = np.full(base.num_rows, np.nan)
    for version, column in by_version.items():
        mine = deployment == version
        served[mine] = column[mine]
    table = base.append_column("deployment", pa.array(deployment.tolist(), pa.string()))
    table = table.append_column("served", pa.array(served, from_pandas=True))
    for name, arm in (("baseline", effect.baseline), ("challenger", effect.challenger)):
        if arm is not None and arm in by_version:
            table = table.append_column(name, pa.array(by_version[arm], from_pandas=True))
    return table, logged - base.num_rows


def _once(table: pa.Table) -> pa.Table:
    """The first of every row that was logged twice."""
    codes = _keys(table).dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    return table if len(first) == table.num_rows else table.take(pa.array(np.sort(first)))


def _aligned(base: pa.Table, scores: pa.Table) -> Floats:
    """One version's scores in the order of the base rows, NaN where it scored none."""
    place = pc.index_in(_keys(base), value_set=_keys(scores))
    return floats(scores["score"].take(place))


def _keys(table: pa.Table) -> pa.Array:
    """Correlation id and row index as one text."""
    numbers = table["index"].cast(pa.string())
    return pc.binary_join_element_wise(table["correlationid"], numbers, "/").combine_chunks()


def _deployments(
    blobs: Blobs, base: pa.Table, scores: dict[str, Floats], effect: Join
) -> npt.NDArray[np.str_]:
    """Who served each row: as the traffic log says, and without one whoever has a score for it.

    In a shadow both have one and the champion served; in a canary only one arm has.
    """
    served = np.full(base.num_rows, effect.champion, dtype=object)
    if effect.challenger in scores and not effect.shadowed:
        alone = ~np.isnan(scores[effect.challenger])
        if effect.champion in scores:
            alone &= np.isnan(scores[effect.champion])
        served[alone] = effect.challenger
    traffic = rows.get_all(blobs, effect.traffic)
    if traffic is not None:
        known = traffic["correlationid"].combine_chunks()
        said = traffic["deployment"].take(pc.index_in(base["correlationid"], value_set=known))
        for name in pc.unique(said.drop_null()).to_pylist():
            here = pc.fill_null(pc.equal(said, name), False).to_numpy()
            served[here] = held_by(name, effect.names)
    return served.astype(str)


def _association(
    blobs: Blobs, watched: Watched, effect: Join, table: pa.Table
) -> tuple[Finding, ...]:
    """Hold what the champion's scores go with against what they went with at its reference."""
    sums = usual_scores.association(blobs, effect.reference)
    if sums is None or not any(name in table.column_names for name in sums.ruler.features):
        return ()
    own = table.filter(pc.equal(table["deployment"], effect.champion))
    least = watched.policy.performance.min_agreement
    found = association.compare(sums, own, floats(own["served"]), least)
    if found is None or found.moved is None:
        return ()
    reason = f"{effect.window}: {found.reason}"
    return (Finding("association", found.moved, reason, features=found.features),)


def _pair(table: pa.Table, effect: Join, label: Floats) -> DayPair | None:
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


def _losses(table: pa.Table, effect: Join, label: Floats, bad_loss: float) -> tuple[LossCount, ...]:
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
