"""Scoring outside the live traffic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import Refused
from hosts.local.models.registry import ModelFolders
from hosts.local.models.scorer import Scorers
from hosts.local.models.scoring import EVALUATION, LocalScoring


@pytest.fixture
def scoring(tiny: Path) -> Iterator[LocalScoring]:
    with Scorers() as scorers:
        yield LocalScoring(ModelFolders(tiny / "var" / "models"), scorers)


def test_a_version_scores_rows_by_its_features(scoring: LocalScoring) -> None:
    """The tiny model is a logistic function of x alone; other columns do not reach it."""
    rows = pa.table({"noise": ["a"] * 3, "x": [0.0, 1.0, None], "size": [1, 2, 3]})
    scores = scoring.score("demand", "first", rows)
    assert scores == pytest.approx([0.5, 1 / (1 + np.exp(-1.0)), 0.5])
    assert scoring.score("demand", "first", rows.slice(0, 0)).tolist() == []


def test_a_feature_that_rows_lack_is_null(scoring: LocalScoring) -> None:
    assert scoring.score("demand", "first", pa.table({"size": [1, 2]})).tolist() == [0.5, 0.5]


def test_an_unknown_version_is_refused(scoring: LocalScoring) -> None:
    with pytest.raises(Refused, match="demand none: not in the registry"):
        scoring.score("demand", "none", pa.table({"x": [1.0]}))


def test_held_out_rows_come_with_a_version_or_not(scoring: LocalScoring, tiny: Path) -> None:
    assert scoring.evaluation("demand", "first") is None
    file = tiny / "var" / "models" / "demand" / "first" / EVALUATION
    table = pa.table({"label": [1.0], "time": pa.array([0], pa.timestamp("us", "UTC"))})
    pq.write_table(table, file)
    assert scoring.evaluation("demand", "first") == table
    file.write_bytes(b"PAR1")
    with pytest.raises(Refused, match=r"demand first: evaluation.parquet cannot be read: "):
        scoring.evaluation("demand", "first")
