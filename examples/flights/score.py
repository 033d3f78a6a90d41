"""The entry of every flights model version: probability that a flight arrives late.

Needs numpy and pyarrow alone, so that a scoring worker starts quickly. The arithmetic is that of
the scikit-learn pipeline in `train`: median for what is missing, missing indicators, standardised
numbers, one weight for each known level of a category.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
COEFFICIENTS = "coefficients.json"


@dataclass(frozen=True)
class Coefficients:
    """A fitted model. Numeric arrays have one entry for each of the K numeric features."""

    intercept: float
    numeric: tuple[str, ...]
    median: Floats
    mean: Floats
    scale: Floats
    weight: Floats
    missing_weight: Floats
    levels: dict[str, pa.Array]
    level_weights: dict[str, Floats]


def score(rows: pa.Table, folder: Path) -> Floats:
    """Return the N probabilities of arriving late for the N `rows`, from the version in `folder`.

    A column that is absent counts as missing in every row: its median stands in for a number, and a
    category adds nothing, as does a level never seen in training.
    """
    model = _load(Path(folder))
    values = np.stack([_numbers(rows, name) for name in model.numeric], axis=1)
    missing = ~np.isfinite(values)
    standard = (np.where(missing, model.median, values) - model.mean) / model.scale
    logit = model.intercept + standard @ model.weight + missing @ model.missing_weight
    for name, levels in model.levels.items():
        logit += _level_weight(rows, name, levels, model.level_weights[name])
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def _numbers(rows: pa.Table, name: str) -> Floats:
    if name not in rows.column_names:
        return np.full(rows.num_rows, np.nan)
    return np.asarray(rows[name].cast(pa.float64()).to_numpy())


def _level_weight(rows: pa.Table, name: str, levels: pa.Array, weights: Floats) -> Floats:
    if name not in rows.column_names:
        return np.zeros(rows.num_rows)
    place = pc.index_in(rows[name].cast(pa.string()), levels).fill_null(len(levels))
    return np.asarray(np.append(weights, 0.0)[place.to_numpy()])


@lru_cache(maxsize=8)
def _load(folder: Path) -> Coefficients:
    held = json.loads((folder / COEFFICIENTS).read_text())
    numeric = held["numeric"]
    columns = {
        key: np.array([entry[key] for entry in numeric.values()])
        for key in ("median", "mean", "scale", "weight", "missing_weight")
    }
    levels = held["categorical"]
    return Coefficients(
        intercept=held["intercept"],
        numeric=tuple(numeric),
        levels={name: pa.array(list(of), pa.string()) for name, of in levels.items()},
        level_weights={name: np.array(list(of.values())) for name, of in levels.items()},
        **columns,
    )
