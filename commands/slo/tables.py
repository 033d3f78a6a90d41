"""Tables of minutes, CSV or Parquet, as `monitoring.slo.evaluation` takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from commands.slo import columns
from engine.errors import Refused
from monitoring.slo.evaluation.exact import Ints
from monitoring.slo.evaluation.periods import minute_of, moment_of
from monitoring.slo.evaluation.series import Minutes
from monitoring.slo.evaluation.tables import Events, Measured, Table, Values

#: The columns beside `minute`, of which a table has one set.
SETS = (("total", "bad"), ("total", "good"), ("value",), ("values",))
NAMES = ("minute", "total", "bad", "good", "value", "values")
MAGIC = b"PAR1"
#: The minutes of twelve years: no table has more rows.
LONGEST = 12 * 366 * 1440
#: The years in which minutes may lie.
LEAST = minute_of(datetime(1900, 1, 1, tzinfo=UTC))
MOST = minute_of(datetime(3000, 1, 1, tzinfo=UTC))


def read_table(path: Path) -> Table:
    """Read the minutes of a file, in any order.

    Raises `Refused` in one line that names the file and the row.
    """
    try:
        table = _arrow(path)
        return _table(table)
    except Refused as error:
        raise Refused(f"{path}: {error}") from error
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or ' '.join(str(error).split())}") from error
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {' '.join(str(error).split())}") from error


def _arrow(path: Path) -> pa.Table:
    with path.open("rb") as file:
        packed = file.read(len(MAGIC)) == MAGIC
    if packed:
        stored = pq.ParquetFile(path)
        if stored.metadata.num_rows > LONGEST:
            raise Refused(f"more than {LONGEST:,} rows, the minutes of twelve years")
        present = [name for name in NAMES if name in stored.schema_arrow.names]
        return stored.read(columns=present)
    texts = pacsv.ConvertOptions(
        column_types=dict.fromkeys(NAMES, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    return pacsv.read_csv(path, convert_options=texts)


def _table(table: pa.Table) -> Table:
    repeated = {name for name in table.column_names if table.column_names.count(name) > 1}
    for name in repeated & set(NAMES):
        raise Refused(f"two columns {name}")
    found = [name for name in NAMES if name in table.column_names]
    if found[:1] != ["minute"] or tuple(found[1:]) not in SETS:
        told = ", ".join(found) or "none of them"
        raise Refused(f"columns minute and total,bad | total,good | value | values needed: {told}")
    minute = columns.minutes(table["minute"])
    outside = np.flatnonzero((minute < LEAST) | (minute >= MOST))
    if len(outside):
        raise Refused(f"row {outside[0] + 1}: minute is not in the years 1900 to 2999")
    order = np.argsort(minute, kind="stable")
    _once(minute, order)
    if "values" in found:
        value, row = columns.several(table["values"])
        return _measured(minute[row], value)
    if "value" in found:
        return _measured(minute, columns.measured(table["value"], "value"))
    total, bad = _events(table, "good" if "good" in found else "bad")
    return Events(minute[order], total[order], bad[order])


def _once(minute: Minutes, order: Minutes) -> None:
    twice = np.flatnonzero(np.diff(minute[order]) == 0)
    if len(twice):
        first, second = sorted(order[twice[0] : twice[0] + 2].tolist())
        told = moment_of(int(minute[first])).strftime("%Y-%m-%dT%H:%MZ")
        raise Refused(f"rows {first + 1} and {second + 1} are of one minute, {told}")


def _measured(minute: Minutes, value: Values) -> Measured:
    there = np.flatnonzero(~np.isnan(value))
    there = there[np.argsort(minute[there], kind="stable")]
    return Measured(minute[there], value[there])


def _events(table: pa.Table, name: str) -> tuple[Ints, Ints]:
    total, part = columns.whole(table["total"], "total"), columns.whole(table[name], name)
    wrong = np.flatnonzero(part > total)
    if len(wrong):
        row = int(wrong[0])
        raise Refused(f"row {row + 1}: {name} {part[row]} is more than total {total[row]}")
    return total, (total - part if name == "good" else part)
