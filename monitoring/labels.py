"""Join labels to their predictions, and count rows that do not match."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import Refused
from monitoring.metrics import Task


@dataclass(frozen=True, eq=False)
class Joined:
    """Predictions in the order of their first appearance, each with its last label.

    `score` and `label` are float64 of one length, `label` NaN where none arrived; `time` is the UTC
    instant of the prediction (datetime64[us]). `repeated` counts predictions logged again (the
    first counts), `duplicates` repeated equal labels, `contradictions` rows with different labels
    (the last by time counts), `unknown` labelled rows without a prediction.
    """

    score: NDArray[np.float64]
    label: NDArray[np.float64]
    time: NDArray[np.datetime64]
    repeated: int = 0
    duplicates: int = 0
    contradictions: int = 0
    unknown: int = 0

    @property
    def completeness(self) -> float | None:
        """Share of predictions that have a label; None without predictions."""
        return float(np.mean(~np.isnan(self.label))) if len(self.label) else None


def join(outputs: pa.Table, labels: pa.Table, task: Task = Task.CLASSIFICATION) -> Joined:
    """Join by (correlationid, index).

    Parameters
    ----------
    outputs
        Columns `correlationid` (string), `index` (integer), `score` (0…1; of a regression any
        number), `time` (timestamp).
    labels
        Columns `correlationid`, `index`, `label` (0, 1 or boolean; of a regression any number),
        `time`. A null label counts as not arrived.

    Raises
    ------
    Refused
        A column is missing, an id or index is null, or a label of a classification is neither 0
        nor 1.
    """
    _complete(outputs, "outputs", ("correlationid", "index", "score", "time"))
    _complete(labels, "labels", ("correlationid", "index", "label", "time"))
    value = _values(labels, task)
    keys = _keys(outputs, labels)
    rows, first = np.unique(keys[: len(outputs)], return_index=True)
    came = ~np.isnan(value)
    last = _last(keys[len(outputs) :][came], _times(labels["time"])[came], value[came])
    position = np.searchsorted(rows, last.key)
    found = position < len(rows)
    found[found] = rows[position[found]] == last.key[found]
    label = np.full(len(rows), np.nan)
    label[position[found]] = last.value[found]
    order = np.argsort(first, kind="stable")
    return Joined(
        score=_floats(outputs["score"])[first[order]],
        label=label[order],
        time=_times(outputs["time"])[first[order]],
        repeated=len(outputs) - len(rows),
        duplicates=last.duplicates,
        contradictions=last.contradictions,
        unknown=int(np.count_nonzero(~found)),
    )


def _values(labels: pa.Table, task: Task) -> NDArray[np.float64]:
    value = _floats(labels["label"])
    odd = value[~np.isnan(value) & (value != 0) & (value != 1)]
    if len(odd) and task is Task.CLASSIFICATION:
        raise Refused(f"label {odd[0]:g}: binary classification takes 0 and 1")
    return value


@dataclass(frozen=True, eq=False)
class _Last:
    key: NDArray[np.int64]
    value: NDArray[np.float64]
    duplicates: int
    contradictions: int


def _last(
    key: NDArray[np.int64], time: NDArray[np.datetime64], value: NDArray[np.float64]
) -> _Last:
    order = np.lexsort((time, key))
    key, value = key[order], value[order]
    ends = np.flatnonzero(np.append(key[1:] != key[:-1], True)) if len(key) else np.empty(0, int)
    starts = np.append(0, ends[:-1] + 1) if len(key) else ends
    count = ends - starts + 1
    least = np.minimum.reduceat(value, starts) if len(key) else np.empty(0)
    most = np.maximum.reduceat(value, starts) if len(key) else np.empty(0)
    differ = least < most
    repeated = int((count - 1 - differ).sum())
    return _Last(key[ends], value[ends], repeated, int(np.count_nonzero(differ)))


def _keys(outputs: pa.Table, labels: pa.Table) -> NDArray[np.int64]:
    ids = pa.chunked_array(
        [
            *outputs["correlationid"].cast("string").chunks,
            *labels["correlationid"].cast("string").chunks,
        ],
        pa.string(),
    )
    code = ids.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    parts = [table["index"].cast("int64").to_numpy() for table in (outputs, labels)]
    index = np.concatenate(parts).astype(np.int64)
    if len(index) and index.min() < 0:
        raise Refused(f"index {index.min()}: rows of a request count from 0")
    # Indices are replaced by their ranks first, so that the product cannot overflow.
    known, place = np.unique(index, return_inverse=True)
    keys: NDArray[np.int64] = code * len(known) + place
    return keys


def _complete(table: pa.Table, what: str, names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise Refused(f"{what}: column {missing[0]} is missing")
    for name in ("correlationid", "index", "time"):
        if table[name].null_count:
            raise Refused(f"{what}: {table[name].null_count} rows have no {name}")


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    if pa.types.is_boolean(column.type):
        column = column.cast("uint8")
    plain: NDArray[np.float64] = column.cast("float64").to_numpy(zero_copy_only=False)
    return plain


def _times(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    plain: NDArray[np.datetime64] = column.cast(pa.timestamp("us"), safe=False).to_numpy()
    return plain
