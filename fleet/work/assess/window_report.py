"""The report of a window: everything the assessment found, in the shape of `check --json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.blobs import Blobs
from engine.codec import to_json
from fleet.model.records import Trouble
from fleet.model.tasks import Assess
from fleet.work.assess.explaining import Explained
from fleet.work.assess.ruling import Ruled
from fleet.work.assess.score_drift import ScoreDrift
from monitoring.drift.report import Report
from monitoring.drift.verdict import Ruling, Verdict


@dataclass(frozen=True)
class Findings:
    """What the assessment of one window found."""

    ruled: Ruled
    score: ScoreDrift
    troubles: tuple[Trouble, ...]
    notes: tuple[str, ...]
    explained: Explained


def put_report(blobs: Blobs, effect: Assess, found: Findings) -> str:
    """Keep the report of a window and return the blob's name."""
    alone, rulings = found.ruled.alone, found.ruled.rulings
    kept = _kept(alone, rulings)
    named = {one.where: rulings[one.where] for one in kept.features}
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
        "score_psi": found.score.psi,
        "quality": [trouble.reason for trouble in found.troubles],
        **({"notes": list(found.notes)} if found.notes else {}),
        **({"why": found.explained.document} if found.explained.document else {}),
    }
    return blobs.put(to_json(document))


def _kept(alone: Report, rulings: Mapping[str, Ruling]) -> Report:
    """Leave out the features of a segment that did not move, to bound the size."""
    still = {Verdict.STABLE, Verdict.INSUFFICIENT}
    features = tuple(
        one
        for one in alone.features
        if one.segment is None or {one.verdict, rulings[one.where].verdict} - still
    )
    return replace(alone, features=features)
