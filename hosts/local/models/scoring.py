"""Scoring outside the live traffic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import Refused
from hosts.local.models.registry import ModelFolders
from hosts.local.models.scorer import Scorers

EVALUATION = "evaluation.parquet"


class LocalScoring:
    """Implements `fleet.ports.Scoring` with the worker process of each version."""

    def __init__(self, models: ModelFolders, scorers: Scorers) -> None:
        self._models = models
        self._scorers = scorers

    def score(self, model: str, version: str, rows: pa.Table) -> npt.NDArray[np.float64]:
        """See `fleet.ports.Scoring`; a feature that the rows lack is all null."""
        folder = self._models.folder(model, version)
        features = self._models.card(model, version).features
        columns = {
            name: rows[name] if name in rows.column_names else pa.nulls(rows.num_rows)
            for name in features
        }
        return self._scorers.scorer(folder).score(pa.table(columns))

    def evaluation(self, model: str, version: str) -> pa.Table | None:
        """See `fleet.ports.Scoring`: the file evaluation.parquet in the version's folder."""
        file = self._models.folder(model, version) / EVALUATION
        if not file.exists():
            return None
        try:
            return pq.read_table(file)
        except (pa.ArrowException, OSError) as error:
            raise Refused(f"{model} {version}: {EVALUATION} cannot be read: {error}") from error
