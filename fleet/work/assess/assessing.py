"""Assess one window: features, scores and data quality against the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa

from engine.blobs import Blobs
from engine.codec import to_json
from fleet.document.policies import Watched
from fleet.model.facts import Assessed
from fleet.model.records import Trouble
from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work import rows
from fleet.work.assess.accumulating import accumulated
from fleet.work.assess.adapting import adapted
from fleet.work.assess.comparing import Against
from fleet.work.assess.estimating import estimated
from fleet.work.assess.excusing import excused
from fleet.work.assess.explaining import Explained, explain
from fleet.work.assess.sides import Held, hold
from fleet.work.refer.referencing import SCORE, Reference, load
from fleet.work.refer.usual_scores import negligible
from monitoring import quality, quality_rules
from monitoring.alerts.lifecycle import Severity
from monitoring.drift.assessment import assess
from monitoring.drift.binning import REST
from monitoring.drift.report import Calibration, FeatureReport, Report
from monitoring.drift.ruler import FORMAT, Ruler
from monitoring.drift.segments import Segmented, from_bytes, to_bytes
from monitoring.drift.sketch import Sketch, sketch
from monitoring.drift.stuck import stuck
from monitoring.drift.verdict import Policy, Ruling, Verdict, stream, worst
from monitoring.schema import Kind


@dataclass(frozen=True)
class _Ruled:
    """What the window and those before it come to: what moved, and what accounts for it."""

    alone: Report
    flagged: tuple[str, ...]
    rulings: dict[str, Ruling]
    moved: dict[str, Verdict]
    explained_by: str | None
    holidays: Mapping[str, str]


def assess_window(world: World, watched: Watched, effect: Assess) -> Assessed:
    """Sum the window's sketches, judge it alone and with the windows before it."""
    blobs = world.blobs
    reference = load(blobs, effect.reference)
    held = hold(blobs, watched, effect, reference)
    current, side = held.current[None], held.sides[None]
    past = _past(blobs, effect, reference.ruler)
    totals = {day: one[None] for day, one in past.items()}
    usual = adapted(watched, effect, reference.ruler, side.total, totals)
    evidence = accumulated(totals, watched, effect, reference, current, side)
    ruled = _ruled(watched, effect, held, usual.policy, evidence)
    scores = rows.get_all(blobs, effect.outputs, (SCORE,))
    score, score_psi, score_effect = _score(blobs, effect, scores, usual.policy)
    troubles = _quality(watched, effect, ruled.alone, reference)
    troubles += _stuck(watched, effect, current, reference, side)
    moved = {where: ruled.rulings[where] for where in ruled.moved}
    explained = explain(past, watched, effect, ruled.alone, held, moved, usual)
    said = (
        reference.note, side.words, *held.notes, *usual.notes, *_unranged(watched, reference),
        _older(reference.ruler, past, effect),
    )  # fmt: skip
    lies = (f"{where} lies in {holiday}" for where, holiday in ruled.holidays.items())
    notes = [*filter(None, said), *lies]
    return Assessed(
        window=effect.window,
        of=effect.of,
        rows=current.rows,
        sketch=blobs.put(to_bytes(held.current)),
        report=_report(blobs, effect, ruled, score_psi, troubles, notes, explained),
        verdict=worst([ruling.verdict for ruling in ruled.rulings.values()]),
        flagged=ruled.flagged,
        stream=ruled.moved,
        psi=_psi(ruled),
        calibrated=ruled.alone.calibration is not Calibration.UNCALIBRATED,
        quality=troubles,
        score=score,
        score_psi=score_psi,
        explained_by=ruled.explained_by,
        reference=effect.reference,
        lines=explained.lines,
        against=side.words,
        since=explained.since or {},
        estimate=estimated(blobs, effect, scores, watched.policy.performance.confidence),
        negligible=_negligible(blobs, effect, ruled, usual.policy),
        ruler=reference.ruler.format,
        effects=_effects(ruled),
        score_effect=score_effect,
    )


def _ruled(
    watched: Watched, effect: Assess, held: Held, policy: Policy, evidence: Mapping[str, float]
) -> _Ruled:
    alone, together = held.alone(policy), held.together(policy)
    flagged = tuple(feature.where for feature in alone.features if _significant(feature, policy))
    rulings = _stream(effect, alone, together, policy, evidence)
    moved = _moved(alone, {name: ruling.verdict for name, ruling in rulings.items()})
    explained_by = effect.event
    if moved and effect.event is None and any(effect.events):
        # Without the windows of announced events: does anything still persist?
        ordinary = _stream(effect, alone, together, policy, evidence, ordinary=True)
        left = _moved(alone, {name: ruling.verdict for name, ruling in ordinary.items()})
        explained_by = None if left else next(filter(None, effect.events))
    holidays = excused(watched, effect, flagged, [f for f in alone.features if f.where in moved])
    moved = {where: verdict for where, verdict in moved.items() if where not in holidays}
    return _Ruled(alone, flagged, rulings, moved, explained_by, holidays)


def _significant(feature: FeatureReport, policy: Policy) -> bool:
    return feature.q_value is not None and feature.q_value <= policy.fdr


def _psi(ruled: _Ruled) -> dict[str, float | None]:
    """Of a segment's features only those that moved: facts and journals stay short."""
    return {
        feature.where: feature.psi
        for feature in ruled.alone.features
        if feature.segment is None or feature.where in ruled.moved
    }


def _effects(ruled: _Ruled) -> dict[str, float]:
    """The larger effect of what moved: that of its values, or of its missing share."""
    effects = {one.where: one.larger_effect for one in ruled.alone.features}
    return {where: size for where in ruled.moved if (size := effects[where]) is not None}


def _negligible(blobs: Blobs, effect: Assess, ruled: _Ruled, policy: Policy) -> dict[str, float]:
    names = {one.where: one.name for one in ruled.alone.features if one.where in ruled.moved}
    return negligible(blobs, effect.scores, names, policy.negligible)


def _past(blobs: Blobs, effect: Assess, ruler: Ruler) -> dict[str, Segmented]:
    """Earlier days that were counted with the same bins."""
    names = {day: name for day, name, _ in effect.history}
    past = {day: from_bytes(blobs.get(name)) for day, name in names.items()}
    return {day: one for day, one in past.items() if one[None].ruler == ruler.id}


def _older(ruler: Ruler, past: Mapping[str, Segmented], effect: Assess) -> str:
    """Say where bins are of an older format, and how many days were counted with other bins."""
    if ruler.format < FORMAT:
        return f"bins of format {ruler.format}: no value has a bin of its own"
    foreign = len(effect.history) - len(past)
    return f"{foreign} earlier days were counted with other bins" if foreign else ""


def _stream(
    effect: Assess,
    alone: Report,
    together: Report,
    policy: Policy,
    evidence: Mapping[str, float],
    *,
    ordinary: bool = False,
) -> dict[str, Ruling]:
    """Rule on each feature and segment; `ordinary` leaves windows of events undecided."""
    effects = {feature.where: feature.effect for feature in together.features}
    before = list(zip(effect.flags, effect.events, strict=True))
    return {
        feature.where: stream(
            [
                *(
                    None if ordinary and event else feature.where in flags
                    for flags, event in before
                ),
                _flag(feature, policy),
            ],
            effects[feature.where],
            policy,
            policy.threshold_of(feature.name),
            evidence.get(feature.where, 0.0),
        )
        for feature in alone.features
    }


def _moved(alone: Report, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """What is not stable; of segments what the total of the same feature does not say as well."""
    bad = (Verdict.DRIFTING, Verdict.DRIFTED)
    found = {}
    for feature in alone.features:
        own, total = verdicts[feature.where], verdicts[feature.name]
        if own in bad and (feature.segment is None or total not in bad[bad.index(own) :]):
            found[feature.where] = own
    return found


def _flag(feature: FeatureReport, policy: Policy) -> bool | None:
    if feature.verdict is Verdict.INSUFFICIENT:
        return None
    return _significant(feature, policy)


def _score(
    blobs: Blobs, effect: Assess, current: pa.Table | None, policy: Policy
) -> tuple[Verdict, float | None, float | None]:
    """Hold the champion's scores of the trailing windows against its usual ones.

    Returns the verdict, psi and effect.
    """
    if current is None or not effect.scores:
        return Verdict.INSUFFICIENT, None, None
    ruler, usual = _usual(blobs.get(effect.scores))
    report = assess(ruler, usual, sketch(current, ruler), policy)
    (feature,) = report.features
    if feature.verdict is Verdict.INSUFFICIENT or feature.effect is None:
        return Verdict.INSUFFICIENT, feature.psi, feature.effect
    over = feature.effect >= policy.score_threshold
    return Verdict.DRIFTED if over else Verdict.STABLE, feature.psi, feature.effect


@lru_cache(maxsize=16)
def _usual(content: bytes) -> tuple[Ruler, Sketch]:
    # The content is the key, so whose blobs it came from makes no difference.
    scores = rows.read(content, (SCORE,))
    ruler = Ruler.of(scores)
    return ruler, sketch(scores, ruler)


def _quality(
    watched: Watched, effect: Assess, alone: Report, reference: Reference
) -> tuple[Trouble, ...]:
    found = quality_rules.problems(
        [_measured(one, reference, effect) for one in alone.features if one.segment is None],
        watched.policy.quality,
        rows=alone.n_current,
        expected=effect.expected,
        window=effect.window,
    )
    return tuple(_trouble(problem) for problem in found)


def _unranged(watched: Watched, reference: Reference) -> list[str]:
    features = reference.ruler.features
    return [
        f"no range of {name}: it is not numeric in the reference"
        for name in watched.policy.quality.ranges
        if name not in features or features[name].kind is not Kind.NUMERIC
    ]


def _stuck(
    watched: Watched, effect: Assess, current: Sketch, reference: Reference, side: Against
) -> tuple[Trouble, ...]:
    """Say where a day that always differs does not; a ticket, since nobody is misled at once."""
    if not side.usual:
        return ()
    policy = watched.policy.drift
    names, differing = stuck(reference.ruler, current, side.slices, side.usual, policy)
    problem = quality_rules.stuck(names, differing, str(side.own), effect.window)
    return () if problem is None else (_trouble(problem),)


def _trouble(problem: quality.Problem) -> Trouble:
    loud = problem.severity is Severity.PAGE
    return Trouble(problem.kind, loud, problem.reason, problem.features)


def _measured(feature: FeatureReport, reference: Reference, effect: Assess) -> quality.Measured:
    n, missing = feature.n_current or 0, feature.missing_current or 0
    place = reference.ruler.starts[feature.name] + reference.ruler.features[feature.name].size
    # Missing values come in days, not in rows: the worst reference day is what has been usual.
    usual = max((s.counts[place] / s.rows for s in reference.slices if s.rows), default=0.0)
    rest = sum(b.current for b in feature.bins if b.label == REST)
    seen_rest = sum(b.reference for b in feature.bins if b.label == REST)
    return quality.Measured(
        feature.name,
        n + missing,
        missing,
        float(usual),
        # Where the reference has rare levels of its own in `rest`, nothing there is unseen.
        0 if seen_rest else rest,
        reference_unseen=_turnover(feature, reference) if rest else 0.0,
        outside=effect.outside.get(feature.name, 0),
    )


def _turnover(feature: FeatureReport, reference: Reference) -> float:
    """Largest share of a reference day's values that no other of its days has."""
    start, size = reference.ruler.starts[feature.name], reference.ruler.features[feature.name].size
    counts = np.array([one.counts[start : start + size] for one in reference.slices])
    if len(counts) < 2:
        return 0.0
    own = (counts * ((counts > 0).sum(0) == 1)).sum(1)
    return float((own / np.maximum(counts.sum(1), 1)).max())


def _report(
    blobs: Blobs,
    effect: Assess,
    ruled: _Ruled,
    score_psi: float | None,
    troubles: tuple[Trouble, ...],
    notes: Sequence[str],
    explained: Explained,
) -> str:
    """Keep everything the assessment found, in the shape of `check --json` and more."""
    alone, kept = ruled.alone, _kept(ruled.alone, ruled.rulings)
    named = {one.where: ruled.rulings[one.where] for one in kept.features}
    sizes = {
        one.segment: (one.n_current or 0) + (one.missing_current or 0)
        for one in alone.features
        if one.segment is not None
    }
    document = {
        **kept.to_json(),
        "format": 1,
        "window": effect.window,
        "event": effect.event,
        "champion": effect.champion,
        "calibration": alone.calibration,
        "stream": {name: ruling.verdict for name, ruling in named.items()},
        "stream_reasons": {name: ruling.reason for name, ruling in named.items()},
        **({"segments": sizes} if sizes else {}),
        "score_psi": score_psi,
        "quality": [trouble.reason for trouble in troubles],
        **({"notes": list(notes)} if notes else {}),
        **({"why": explained.document} if explained.document else {}),
    }
    return blobs.put(to_json(document))


def _kept(alone: Report, rulings: Mapping[str, Ruling]) -> Report:
    """Leave out what did not move in a segment: there are features times segments of it."""
    still = {Verdict.STABLE, Verdict.INSUFFICIENT}
    features = tuple(
        one
        for one in alone.features
        if one.segment is None or {one.verdict, rulings[one.where].verdict} - still
    )
    return replace(alone, features=features)
