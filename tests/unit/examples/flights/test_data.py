from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from examples.flights.columns import FEATURES
from examples.flights.data import prepare


def test_stream_days_hold_the_published_number_of_rows_and_no_outcome(prepared: Path) -> None:
    files = sorted((prepared / "requests").glob("*.parquet"))
    assert len(files) == 277
    assert (files[0].stem, files[-1].stem) == ("2013-03-30", "2013-12-31")
    assert sum(pq.read_metadata(file).num_rows for file in files) == 257_653
    for file in files[::50]:
        assert pq.read_schema(file).names == ["correlationid", "time", *FEATURES]


def test_reference_ends_where_the_stream_starts(reference: pa.Table) -> None:
    days = reference["day"].to_pylist()
    assert (days[0], days[-1]) == ("2013-01-01", "2013-03-29")
    assert reference.num_rows == 336_776 - 257_653
    assert reference.column_names == ["correlationid", "day", "time", *FEATURES, "label"]


def test_labels_join_requests_of_the_same_day_and_leave_out_flights_that_never_arrived(
    prepared: Path, history: pa.Table
) -> None:
    day = "2013-07-10"
    labels = pq.read_table(prepared / "labels" / f"{day}.parquet")
    requests = pq.read_table(prepared / "requests" / f"{day}.parquet")
    assert labels.column_names == ["correlationid", "index", "label", "time"]
    asked = set(requests["correlationid"].to_pylist())
    answered = set(labels["correlationid"].to_pylist())
    outcome = zip(history["correlationid"].to_pylist(), history["label"].to_pylist(), strict=True)
    assert answered == {row for row, label in outcome if row in asked and label is not None}
    assert {time.isoformat() for time in labels["time"].to_pylist()} == {
        "2013-07-11T14:00:00+00:00"
    }


def test_a_second_preparation_reads_the_marker_and_a_fresh_one_writes_the_same_bytes(
    prepared: Path, tmp_path: Path
) -> None:
    before = (prepared / "history.parquet").stat().st_mtime_ns
    prepare(prepared)
    assert (prepared / "history.parquet").stat().st_mtime_ns == before
    again = prepare(tmp_path / "again")
    for name in ("history.parquet", "reference.parquet", "requests/2013-12-31.parquet"):
        assert (again / name).read_bytes() == (prepared / name).read_bytes()


def test_an_unfinished_or_older_preparation_is_done_again(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "half"
    out.mkdir()
    (out / "ready.json").write_text(json.dumps({"layout": 0, "rows": 1}))
    prepare(out)
    assert (out / "ready.json").read_bytes() == (prepared / "ready.json").read_bytes()
    assert (out / "labels" / "2013-12-31.parquet").is_file()
