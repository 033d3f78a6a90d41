"""Quality of the served and of the frozen champion's predictions, by window and overall."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dashboards.days import Day
from monitoring import metrics

Floats = npt.NDArray[np.float64]
Performance = dict[str, dict[str, float | None]]


def performance(days: Sequence[Day], read_rows: Callable[[str], pa.Table]) -> Performance:
    """Return AUC and Brier of the served and of the frozen champion's scores, on the same rows.

    The rows are those with a label and both scores; without a frozen champion, those with a label
    and a served score. A metric without rows is None.
    """
    tables = [_scored(read_rows(day.joined)) for day in days if day.joined]
    frozen = any(len(table) == 3 for table in tables)
    kept = [table for table in tables if not frozen or len(table) == 3]
    rows = np.concatenate(kept, axis=1) if kept else np.empty((3, 0))
    rows = rows[:, ~np.isnan(rows).any(axis=0)]
    return {
        "frozen": _measured(rows[0], rows[2]) if frozen else {"auc": None, "brier": None},
        "served": _measured(rows[0], rows[1]),
    }


def _scored(table: pa.Table) -> Floats:
    """Label, served and, where there is one, the frozen champion's score: one row each."""
    names = [name for name in ("label", "served", "baseline") if name in table.column_names]
    columns = [table[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in names]
    return np.array(columns, dtype=np.float64)


def _measured(label: Floats, score: Floats) -> dict[str, float | None]:
    return {"auc": metrics.auc(label, score), "brier": metrics.brier(label, score)}
