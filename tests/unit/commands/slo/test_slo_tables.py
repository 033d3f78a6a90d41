"""Tables of minutes as files: forms that are read, and refusals in one line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commands.slo.tables import read_table
from engine.errors import Refused
from monitoring.slo.evaluation.tables import Events, Measured

HOUR = 29_537_280
"""2026-02-28T00:00Z in minutes since 1970."""


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "minutes.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "minute,total,bad\n2026-02-28T00:00Z,10,1\n2026-02-28T00:02Z,20,0\n",
        "minute,total,good\n2026-02-28 00:02:00,20,20\n2026-02-28 00:00:00,10,9\n",
        '"bad","minute","total"\n1.0,"2026-02-28T00:00:00+00:00",10\n0,2026-02-28T01:02+01:00,20\n',
        "minute,total,bad\n2026-02-28T00:00,10,1e0\n2026-02-28T00:02Z,20,0.0\n",
        "minute,host,total,bad\r\n2026-02-28T05:45+05:45,a,10,1\r\n2026-02-28T00:02Z,b,20,0\r\n",
    ],
)
def test_events_in_csv(tmp_path: Path, text: str) -> None:
    table = read_table(csv(tmp_path, text))
    assert isinstance(table, Events)
    rows = zip(table.minute.tolist(), table.total.tolist(), table.bad.tolist(), strict=True)
    assert list(rows) == [(HOUR, 10, 1), (HOUR + 2, 20, 0)]


@pytest.mark.parametrize(
    "text",
    [
        "minute,value\n2026-02-28T00:01Z,0.5\n2026-02-28T00:00Z,\n2026-02-28T00:03Z,nan\n",
        "minute,values\n2026-02-28T00:01Z,[0.5]\n2026-02-28T00:00Z,[]\n",
        'minute,values\n2026-02-28T00:01Z,"0.5"\n2026-02-28T00:02Z,\n',
    ],
)
def test_values_in_csv(tmp_path: Path, text: str) -> None:
    table = read_table(csv(tmp_path, text))
    assert isinstance(table, Measured)
    assert (table.minute.tolist(), table.value.tolist()) == ([HOUR + 1], [0.5])


@pytest.mark.parametrize("listed", ["[1, 2.5, 3]", "1 2.5 3", "1;2.5;3", "1|2.5|3", "[1,2.5,3]"])
def test_lists_in_csv(tmp_path: Path, listed: str) -> None:
    table = read_table(csv(tmp_path, f'minute,values\n2026-02-28T00:00Z,"{listed}"\n'))
    assert (table.minute.tolist(), table.value.tolist()) == ([HOUR] * 3, [1, 2.5, 3])


@pytest.mark.parametrize(
    "minute",
    [
        pa.array([datetime(2026, 2, 28)], pa.timestamp("s")),
        pa.array([datetime(2026, 2, 28, tzinfo=UTC)], pa.timestamp("ns", "Asia/Kathmandu")),
        pa.array([datetime(2026, 2, 28, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        pa.array(["2026-02-28T00:00Z"]),
        pa.array(["2026-02-28 05:45:00+05:45"], pa.large_string()),
    ],
)
@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"total": pa.array([2]), "bad": pa.array([1], pa.uint8())}, [1]),
        ({"total": pa.array([2.0]), "good": pa.array(["1"])}, [1]),
        ({"value": pa.array([7], pa.int32())}, [7.0]),
        ({"values": pa.array([[1.5, None, 2.5]])}, [1.5, 2.5]),
        ({"values": pa.array([[1, 2]], pa.large_list(pa.int64()))}, [1.0, 2.0]),
    ],
)
def test_parquet(
    tmp_path: Path, minute: pa.Array, columns: dict[str, pa.Array], wanted: list[float]
) -> None:
    pq.write_table(pa.table({"minute": minute, **columns}), tmp_path / "minutes")
    table = read_table(tmp_path / "minutes")
    assert set(table.minute.tolist()) == {HOUR}
    assert (table.bad if isinstance(table, Events) else table.value).tolist() == wanted


def test_numbers_beyond_machine_integers(tmp_path: Path) -> None:
    table = read_table(csv(tmp_path, f"minute,total,bad\n2026-02-28,{10**25},{2**63}\n"))
    assert (table.total.tolist(), table.bad.tolist()) == ([10**25], [2**63])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("minute,total,bad\n2026-02-28T00:00Z,1,2\n", "row 1: bad 2 is more than total 1"),
        ("minute,total,bad\n2026-02-28T00:00Z,1.5,0\n", "row 1: total '1.5' is not a whole number"),
        ("minute,total,bad\n2026-02-28T00:00Z,-1,0\n", "row 1: total -1 is negative"),
        ("minute,total,bad\n2026-02-28T00:00Z,,0\n", "row 1: total is empty"),
        ("minute,total,bad\n,1,0\n", "row 1: minute is empty"),
        ("minute,total,bad\n2026-02-28T00:00:30Z,1,0\n", "is not a whole minute"),
        ("minute,total,bad\nyesterday,1,0\n", "row 1: minute 'yesterday' is not a whole minute"),
        ("minute,total,bad\n0026-02-28T00:00Z,1,0\n", "row 1: minute is not in the years"),
        ("minute,total,bad\n2026-02-28,1,0\n2026-02-28T01:00+01:00,1,0\n",
         "rows 1 and 2 are of one minute, 2026-02-28T00:00Z"),
        ("minute,value\n2026-02-28T00:00Z,slow\n", "row 1: value 'slow' is not a number"),
        ("minute,value\n2026-02-28T00:00Z,inf\n", "row 1: value is infinite"),
        ("minute,values\n2026-02-28T00:00Z,1 x\n", "row 1: values '1 x' is not a list of numbers"),
        ("time,total,bad\n2026-02-28T00:00Z,1,0\n", "columns minute and total,bad"),
        ("minute,total\n2026-02-28T00:00Z,1\n", "needed: minute, total"),
        ("minute,total,bad,good\n2026-02-28T00:00Z,1,0,1\n", "needed: minute, total, bad, good"),
        ("minute,total,total,bad\n2026-02-28T00:00Z,1,1,0\n", "two columns total"),
        ("minute,total,bad\n2026-02-28T00:00Z,1\n", "Expected 3 columns"),
        ("", "Empty CSV file"),
    ],
)  # fmt: skip
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = csv(tmp_path, text)
    with pytest.raises(Refused) as caught:
        read_table(path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: ")
    assert told in line


def test_more_rows_than_twelve_years_have_are_refused(tmp_path: Path) -> None:
    ones = pa.nulls(12 * 366 * 1440 + 1, pa.int64())
    pq.write_table(pa.table({"minute": ones}), tmp_path / "bomb.parquet")
    with pytest.raises(Refused, match="more than 6,324,480 rows"):
        read_table(tmp_path / "bomb.parquet")


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match=r"No such file|Is a directory"):
        read_table(tmp_path / name)
