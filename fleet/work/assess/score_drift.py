"""Drift of the champion's scores against its usual ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from engine.blobs import Blobs
from fleet.work import rows
from fleet.work.refer.referencing import SCORE
from monitoring.drift.assessment import assess
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, sketch
from monitoring.drift.verdict import Policy, Verdict


@dataclass(frozen=True)
class ScoreDrift:
    """The verdict on the scores of the trailing windows, and the numbers behind it."""

    verdict: Verdict
    psi: float | None = None
    effect: float | None = None


def score_drift(blobs: Blobs, usual: str, current: pa.Table | None, policy: Policy) -> ScoreDrift:
    """Compare the champion's scores with its usual ones, kept in the blob `usual`."""
    if current is None or not usual:
        return ScoreDrift(Verdict.INSUFFICIENT)
    ruler, before = _usual(blobs.get(usual))
    (feature,) = assess(ruler, before, sketch(current, ruler), policy).features
    if feature.verdict is Verdict.INSUFFICIENT or feature.effect is None:
        return ScoreDrift(Verdict.INSUFFICIENT, feature.psi, feature.effect)
    over = feature.effect >= policy.score_threshold
    verdict = Verdict.DRIFTED if over else Verdict.STABLE
    return ScoreDrift(verdict, feature.psi, feature.effect)


@lru_cache(maxsize=16)
def _usual(content: bytes) -> tuple[Ruler, Sketch]:
    # Cached by content: the same bytes are the same scores in every store.
    scores = rows.read(content, (SCORE,))
    ruler = Ruler.of(scores)
    return ruler, sketch(scores, ruler)
