"""The performance of the newest scores, estimated by the calibration of the reference."""

from __future__ import annotations

from functools import lru_cache

import pyarrow as pa

from engine.blobs import Blobs
from fleet.model.tasks import Assess
from fleet.work import rows
from fleet.work.columns import floats
from fleet.work.refer.referencing import SCORE
from monitoring.estimate import Calibration, calibrate, estimate


def estimated(
    blobs: Blobs, effect: Assess, scores: pa.Table | None, confidence: float
) -> dict[str, tuple[float, float, float]]:
    """Estimate (value, low, high) by metric; empty where scores cannot be read as probabilities."""
    if scores is None or not effect.scores:
        return {}
    calibration = _calibration(blobs.get(effect.scores))
    if calibration is None:
        return {}
    found = estimate(floats(scores[SCORE]), calibration, confidence)
    return {name: (one.value, one.low, one.high) for name, one in found.items()}


@lru_cache(maxsize=16)
def _calibration(content: bytes) -> Calibration | None:
    # Cached by content: the same bytes calibrate the same in every store.
    table = rows.read(content)
    if "label" not in table.column_names:
        return None
    return calibrate(floats(table["label"]), floats(table[SCORE]))
