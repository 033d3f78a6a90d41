"""Reference tables, and tables of past days for a backtest: validated as a whole on reading.

Every reader of a model's reference rows, of `driftwarden backtest --data` and of a version's
evaluation rows calls `normalised`, so that faults show at once and not at the first retraining.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from engine.errors import Refused
from monitoring.intake.cells import Cells
from monitoring.intake.days import days
from monitoring.intake.moments import LAST, decoded, instants
from monitoring.intake.outcomes import check_scores, labels
from monitoring.intake.sampling import rows_before
from monitoring.metrics import Task
from monitoring.schema import Kind, classify, kind_of

DAY, TIME, LABEL, SCORE = "day", "time", "label", "score"
#: Columns that every table of rows may have; they are not features.
KEYS = (DAY, "correlationid", "index", TIME, LABEL)
#: Columns that are added to the rows of a reference.
ADDED = ("served", "baseline")


@dataclass(frozen=True)
class Terms:
    """The requirements on a table.

    zone : the zone whose midnights divide the model's days.
    task : what its labels and scores mean.
    needs : required columns.
    features : the model's, by its card if that lists them; one may be called `score`.
    until : the last possible day.
    """

    zone: str = "UTC"
    task: Task = Task.CLASSIFICATION
    needs: tuple[str, ...] = (DAY, TIME, LABEL)
    features: tuple[str, ...] = ()
    until: date = LAST


def normalised(table: pa.Table, path: str, terms: Terms) -> pa.Table:
    """Return the table with `day` as ISO text, `time` in UTC (us) and `label` as float64.

    Absent ones are not added; other columns, and the order and number of the rows, are unchanged.
    `path` is the table's name in messages.

    Raises
    ------
    Refused
        The message is one line: file, column, row, fault, and the fix.
    """
    _shaped(table, path, terms)
    sampled = bool(rows_before(table))
    for name, read in (
        (DAY, lambda column, cells: days(column, cells, terms.zone, terms.until)),
        (TIME, instants),
        (LABEL, lambda column, cells: labels(column, cells, terms.task)),
    ):
        if name in table.column_names:
            cells = Cells(path, name, sampled)
            try:
                found = read(table[name], cells)
            except (pa.ArrowException, OverflowError) as error:
                raise cells.fault(f"cannot be read: {error}") from error
            table = table.set_column(table.column_names.index(name), name, found)
    if SCORE in table.column_names and SCORE not in terms.features:
        _check_score(table, Cells(path, SCORE, sampled), terms.task)
    return table


def absent(names: Sequence[str], needs: Sequence[str]) -> str | None:
    """Return the first required column that is absent."""
    return next((name for name in needs if name not in names), None)


def named_once(batches: Iterable[pa.RecordBatch], path: str) -> Iterator[pa.RecordBatch]:
    """Yield batches without empty trailing columns that have no name.

    Raises
    ------
    Refused
        Two columns have one name.
    """
    for batch in batches:
        kept = list(batch.schema.names)
        while kept and not kept[-1].strip() and _is_empty(batch.column(len(kept) - 1)):
            kept.pop()
        _check_names(kept, path)
        yield batch.select(range(len(kept))) if len(kept) < batch.num_columns else batch


def _is_empty(column: pa.Array) -> bool:
    return bool(column.null_count == len(column))


def _check_names(names: Sequence[str], path: str) -> None:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise Refused(f"{path}: two columns are called {repeated[0]!r}; rename or remove one")


def _shaped(table: pa.Table, path: str, terms: Terms) -> None:
    names = table.column_names
    _check_names(names, path)
    if not table.num_rows:
        raise Refused(f"{path}: holds no rows")
    if (lacking := absent(names, terms.needs)) is not None:
        raise Refused(f"{path}: needs a column {lacking!r}; found {', '.join(names[:8])}")
    kinds, _ = classify(table.schema)
    if not set(kinds) - ({*KEYS, SCORE, *ADDED} - {*terms.features}):
        raise Refused(f"{path}: holds no feature; found {', '.join(names[:8])}")
    if (taken := next((name for name in ADDED if name in names), None)) is not None:
        raise Refused(
            f"{path}: column {taken!r}: the name is kept for the scores; remove or rename it"
        )


def _check_score(table: pa.Table, cells: Cells, task: Task) -> None:
    column = decoded(table[cells.column])
    if kind_of(column.type) is not Kind.NUMERIC:
        raise cells.fault(f"the scores are {column.type}, and numbers are needed")
    values = column.cast(pa.float64(), safe=False).to_numpy()
    what = f"{cells.path}: column {cells.column!r}"
    try:
        check_scores(values, what, task)
    except Refused as error:
        hint = "a feature of that name has to stand among the features in model.yaml"
        raise Refused(f"{error}; {hint}") from None
