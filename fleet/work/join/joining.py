"""Join one window: labels, predictions, the versions that served them, and the losses."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.blobs import Blobs
from fleet.document.policies import Watched
from fleet.model.results import Joined
from fleet.model.tasks import Join
from fleet.ports import World
from fleet.work import rows
from fleet.work.columns import Floats, floats
from fleet.work.join.arms import arm_losses
from fleet.work.join.findings import labels_finding, repeated_finding, segments_finding
from fleet.work.join.judging import judge
from fleet.work.join.served import KEY, served_rows
from fleet.work.refer import usual_scores
from monitoring import association, metrics
from monitoring import labels as labelled
from monitoring.finding import Finding
from monitoring.intake.labels import SCHEMA as LABELS
from monitoring.metrics import Task


def join_window(world: World, watched: Watched, effect: Join) -> Joined:
    """Join labels with predictions; measure the day, the trailing days, and the rollout's arms."""
    blobs, policy = world.blobs, watched.policy
    table, repeated = served_rows(blobs, effect)
    labels = rows.get_all(blobs, effect.labels)
    found = labelled.join(
        table.select([*KEY, "time"]).append_column("score", table["served"]),
        labels if labels is not None else LABELS.empty_table(),
        policy.performance.task,
    )
    table = table.append_column("label", pa.array(found.label, from_pandas=True))
    labelled_rows = int((~np.isnan(found.label)).sum())
    said = judge(blobs, watched, effect, table)
    complete = found.completeness or 0.0
    judged = effect.challenger is not None and complete >= policy.performance.min_completeness
    bad_loss = policy.labels.bad_loss
    shadow, losses = arm_losses(table, effect, found.label, bad_loss) if judged else (None, ())
    return Joined(
        window=effect.window,
        of=effect.of,
        rows=rows.put(blobs, table),
        labelled=labelled_rows,
        expected=len(found.label),
        contradictions=found.contradictions,
        health=said.report.verdict,
        reason=said.reason,
        explained_by=said.explained_by,
        scores=_scores(table, found.label, policy.performance.task),
        rolling=said.report.metrics,
        shadow=shadow,
        losses=losses,
        event=effect.event,
        findings=(
            labels_finding(effect.window, labelled_rows, len(found.label), policy.performance),
            segments_finding(effect.window, said.segments),
            repeated_finding(effect.window, repeated, len(found.label), policy.quality),
            *_association(blobs, watched, effect, table),
        ),
    )


def _scores(table: pa.Table, label: Floats, task: Task) -> dict[str, dict[str, float | None]]:
    """Measure the scores that were served, and those of the baseline where there is one."""
    found = {}
    for name in ("served", "baseline"):
        if name in table.column_names:
            column = floats(table[name])
            known = ~np.isnan(label) & ~np.isnan(column)
            found[name] = metrics.measures(label[known], column[known], task)
    return found


def _association(
    blobs: Blobs, watched: Watched, effect: Join, table: pa.Table
) -> tuple[Finding, ...]:
    """Compare the association of the champion's scores and features with that of its reference."""
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
