"""Assess one window: features, scores and data quality against the reference."""

from __future__ import annotations

from fleet.document.policies import Watched
from fleet.model.results import Assessed
from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work import rows
from fleet.work.assess.data_quality import quality_troubles, stuck_troubles, unranged
from fleet.work.assess.estimating import estimated
from fleet.work.assess.explaining import explain
from fleet.work.assess.inputs import Inputs, gathered, older_bins
from fleet.work.assess.ruling import Ruled, rule
from fleet.work.assess.score_drift import score_drift
from fleet.work.assess.window_report import Findings, put_report
from fleet.work.refer.referencing import SCORE
from fleet.work.refer.usual_scores import negligible
from monitoring.drift.report import Calibration
from monitoring.drift.segments import to_bytes
from monitoring.drift.verdict import worst


def assess_window(world: World, watched: Watched, effect: Assess) -> Assessed:
    """Sum the window's sketches, judge it alone and with the windows before it."""
    blobs = world.blobs
    inputs = gathered(blobs, watched, effect)
    ruled = rule(inputs)
    scores = rows.get_all(blobs, effect.outputs, (SCORE,))
    score = score_drift(blobs, effect.scores, scores, inputs.policy)
    troubles = (*quality_troubles(inputs, ruled.alone), *stuck_troubles(inputs))
    explained = explain(inputs, ruled.alone, ruled.drifting)
    found = Findings(ruled, score, troubles, _notes(inputs, ruled), explained)
    return Assessed(
        window=effect.window,
        of=effect.of,
        rows=inputs.current.rows,
        sketch=blobs.put(to_bytes(inputs.held.current)),
        report=put_report(blobs, effect, found),
        verdict=worst([ruling.verdict for ruling in ruled.rulings.values()]),
        flagged=ruled.flagged,
        stream=ruled.moved,
        psi=ruled.psi,
        calibrated=ruled.alone.calibration is not Calibration.UNCALIBRATED,
        quality=troubles,
        score=score.verdict,
        score_psi=score.psi,
        explained_by=ruled.explained_by,
        reference=effect.reference,
        lines=explained.lines,
        against=inputs.side.words,
        since=explained.since or {},
        estimate=estimated(blobs, effect, scores, watched.policy.performance.confidence),
        negligible=negligible(blobs, effect.scores, ruled.names, inputs.policy.negligible),
        ruler=inputs.reference.ruler.format,
        effects=ruled.effects,
        score_effect=score.effect,
    )


def _notes(inputs: Inputs, ruled: Ruled) -> tuple[str, ...]:
    older = older_bins(inputs)
    return (*inputs.notes, *unranged(inputs), *((older,) if older else ()), *ruled.notes)
