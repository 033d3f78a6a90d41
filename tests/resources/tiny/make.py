"""Write the tiny fleet's data: a month of reference, six days of requests and their labels."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ZONE = ZoneInfo("Europe/Berlin")
ROWS = 60
FIRST, REFERENCE, DAYS = date(2024, 2, 1), 29, 35
SHIFTED, BLIND = date(2024, 3, 3), date(2024, 3, 5)


def rows_of(day: date, chance: np.random.Generator) -> pa.Table:
    """One day's rows, in order of time."""
    begin = datetime.combine(day, time(0, 5), ZONE).astimezone(UTC)
    x = np.round(chance.normal(size=ROWS), 6)
    shift = 2.0 if day >= SHIFTED else 0.0
    label = chance.random(ROWS) < 1 / (1 + np.exp(-(x + shift)))
    blind = day == BLIND
    return pa.table(
        {
            "day": pa.array([day.isoformat()] * ROWS),
            "correlationid": [f"{day:%m%d}-{i:03}" for i in range(ROWS)],
            "index": pa.array([0] * ROWS, pa.int64()),
            "time": pa.array(
                [begin + timedelta(minutes=23 * i) for i in range(ROWS)], pa.timestamp("us", "UTC")
            ),
            "x": pa.array([None] * ROWS if blind else x, pa.float64()),
            "size": chance.integers(1, 50, ROWS),
            "kind": chance.choice(["a", "b"], ROWS),
            "label": label.astype(float),
        }
    )


def main(out: Path) -> None:
    """Write everything below `out`."""
    chance = np.random.default_rng(20240301)
    for name in ("requests", "labels"):
        (out / name).mkdir(parents=True, exist_ok=True)
    past = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        table = rows_of(day, chance)
        if number < REFERENCE:
            past.append(table)
            continue
        requests = table.drop_columns(["day", "index", "label"])
        pq.write_table(requests, out / "requests" / f"{day}.parquet")
        labels = table.select(["correlationid", "index", "label", "time"])
        if number % 2:
            pq.write_table(labels, out / "labels" / f"{day}.parquet")
            continue
        lines = [
            json.dumps({**row, "time": row["time"].isoformat()}) + "\n"
            for row in labels.to_pylist()
        ]
        (out / "labels" / f"{day}.jsonl").write_text("".join(lines))
    pq.write_table(pa.concat_tables(past), out / "reference.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
