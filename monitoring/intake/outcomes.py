"""Labels and scores of users' tables: the accepted values, and how to convert others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake.cells import Cells, shown
from monitoring.intake.moments import decoded
from monitoring.metrics import Task
from monitoring.schema import Kind, is_text, kind_of

Floats = npt.NDArray[np.float64]
ENDLESS = "the score is not a finite number"
OUTSIDE = "the score is outside 0…1; a regression is declared by performance.task"
#: Pairs of words, the first of which is label 1.
YES: Mapping[str, str] = {
    "yes": "no",
    "y": "n",
    "t": "f",
    "true": "false",
    "positive": "negative",
    "pos": "neg",
    "bad": "good",
    "1": "-1",
    "on": "off",
    "ja": "nein",
    "fraud": "legit",
    "churned": "stayed",
}


def labels(column: pa.ChunkedArray, cells: Cells, task: Task) -> pa.ChunkedArray:
    """Return labels as float64: 0, 1 or null for a classification, finite or null for a regression.

    It reads booleans, and the texts 0, 1, true and false; NaN is null.

    Raises
    ------
    Refused
        There are other values; the message says how to convert them.
    """
    column = decoded(column)
    if not (is_text(column.type) or pat.is_boolean(column.type) or _is_number(column.type)):
        raise cells.fault(f"holds values of type {column.type}, not labels")
    if task is Task.REGRESSION and pat.is_boolean(column.type):
        raise cells.fault("a regression's labels are numbers, and these are true and false")
    found = _numbers(column)
    if found is None:
        raise _no_labels(column, cells, task)
    values = found.to_numpy()
    right = np.isnan(values)
    right |= np.isfinite(values) if task is Task.REGRESSION else np.isin(values, (0.0, 1.0))
    if right.all():
        return pa.chunked_array([pa.array(values, from_pandas=True)])
    if task is Task.CLASSIFICATION and not np.isin((0.0, 1.0), values).all():
        raise _no_labels(column, cells, task)
    row, count = int((~right).argmax()), int((~right).sum())
    what = "a finite number" if task is Task.REGRESSION else "0 or 1"
    hint = "" if task is Task.REGRESSION else "; a regression is declared by performance.task"
    raise cells.fault_in(
        row,
        f"{column[row]} is not {what} ({count:,} of {len(right):,} labels); leave it empty where "
        f"the label is unknown{hint}",
    )


def unusable(scores: pa.ChunkedArray, task: Task) -> dict[str, pa.ChunkedArray]:
    """Return, by reason, which logged scores (float64) cannot be used; null is no score at all.

    A classification scores a probability, a regression any finite number.
    """
    finite = pc.is_finite(scores)
    found = {ENDLESS: pc.fill_null(pc.invert(finite), False)}
    if task is Task.CLASSIFICATION:
        within = pc.and_(pc.greater_equal(scores, 0), pc.less_equal(scores, 1))
        found[OUTSIDE] = pc.fill_null(pc.and_(finite, pc.invert(within)), False)
    return found


def check_scores(scores: Floats, what: str, task: Task) -> Floats:
    """Return the scores, one per row: probabilities for a classification, else finite numbers.

    `what` names them in the message.

    Raises
    ------
    Refused
        Some are wrong; the message has their number and the first.
    """
    wrong, why = ~np.isfinite(scores), "not finite numbers"
    if task is Task.CLASSIFICATION and not wrong.any():
        wrong, why = (scores < 0) | (scores > 1), "outside 0…1"
    if not wrong.any():
        return scores
    row = int(wrong.argmax())
    hint = ""
    if task is Task.CLASSIFICATION and np.isfinite(scores[row]):
        hint = (
            "; a classification scores the probability of label 1, and a regression is declared "
            "by performance.task"
        )
    raise Refused(
        f"{what}: {int(wrong.sum()):,} of {len(scores):,} scores are {why}, the first is "
        f"{scores[row]:g} in row {row + 1:,}{hint}"
    )


def _is_number(dtype: pa.DataType) -> bool:
    return kind_of(dtype) is Kind.NUMERIC


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The values as numbers; None where they are not numbers."""
    try:
        if is_text(column.type):
            text = pc.utf8_lower(column)
            text = pc.if_else(pc.equal(text, "true"), "1", text)
            return pc.if_else(pc.equal(text, "false"), "0", text).cast(pa.float64())
        return column.cast(pa.float64(), safe=False)
    except pa.ArrowException:
        return None


def _no_labels(column: pa.ChunkedArray, cells: Cells, task: Task) -> Refused:
    """Refuse other labels; where there are two, the message says how to convert them."""
    if task is Task.REGRESSION:
        return cells.fault("a regression's labels are numbers, and these are text")
    levels = [value for value in pc.unique(column).to_pylist() if not _unknown(value)]
    levels.sort()
    if len(levels) > 2:
        some = ", ".join(map(shown, levels[:3]))
        return cells.fault(
            f"{len(levels):,} different labels ({some}, …), and a classification has 0, 1 and "
            "empty; a regression is declared by performance.task"
        )
    one = next((value for value in levels if _is_yes(value, levels)), None)
    hit = levels[-1] if one is None else one
    codes = {level: int(level == hit) for level in levels}
    name = f"df[{cells.column!r}]"
    unsure = "" if one is not None else f", if the model scores the probability of {shown(hit)}"
    return cells.fault(
        f"the labels are {' and '.join(map(shown, levels))}, not 0 and 1; convert them: "
        f"{name} = {name}.map({codes}){unsure}"
    )


def _is_yes(value: object, levels: list[object]) -> bool:
    others = {_word(level) for level in levels if level is not value}
    return _word(value) in YES and others <= {YES[_word(value)]}


def _word(value: object) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole and isinstance(value, float) else value).strip().lower()


def _unknown(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
