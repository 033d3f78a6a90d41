"""The same rows in every layout that `driftwarden check` reads. Nothing here is the product's."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = dict[str, Any]
Writer = Callable[[Sequence[Row], Path], Path]


def csv_text(rows: Sequence[Row], separator: str = ",", comma: bool = False) -> str:
    """Spell rows as pandas' to_csv does: nulls are empty cells, truth values True and False."""

    def cell(value: object) -> object:
        if comma and isinstance(value, float):
            return repr(value).replace(".", ",")
        return value

    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def json_text(rows: Sequence[Row]) -> str:
    """One object a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def collector_text(rows: Sequence[Row]) -> str:
    """Lines of Azure ML's data collector, two rows each."""
    envelope = {"specversion": "1.0", "id": "1", "time": "2026-08-01T00:00:00Z"}
    return "".join(
        json.dumps({**envelope, "correlationid": f"c{index}", "data": rows[index : index + 2]})
        + "\n"
        for index in range(0, len(rows), 2)
    )


def table(rows: Sequence[Row]) -> pa.Table:
    """Rows as Arrow types them."""
    return pa.table({name: [row[name] for row in rows] for name in rows[0]})


def zstd(content: bytes) -> bytes:
    """Pack as `zstd` does."""
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return out.getvalue().to_pybytes()


def _text(
    name: str, spell: Callable[[Sequence[Row]], str], pack: Callable[[bytes], bytes]
) -> Writer:
    def write(rows: Sequence[Row], folder: Path) -> Path:
        path = folder / name
        path.write_bytes(pack(spell(rows).encode()))
        return path

    return write


def _parquet(rows: Sequence[Row], folder: Path) -> Path:
    pq.write_table(table(rows), folder / "rows.parquet")
    return folder / "rows.parquet"


def _parquets(rows: Sequence[Row], folder: Path) -> Path:
    for number in range(3):
        pq.write_table(table(rows[number::3]), folder / f"{number}.parquet")
    return folder


def _hive(rows: Sequence[Row], folder: Path) -> Path:
    for key in {row["zip"] for row in rows}:
        place = folder / f"zip={key}"
        place.mkdir()
        own = [row for row in rows if row["zip"] == key]
        pq.write_table(table(own).drop_columns("zip"), place / "part-0.parquet")
    return folder


def _mixed(rows: Sequence[Row], folder: Path) -> Path:
    (folder / "a.csv").write_text(csv_text(rows[0::3]))
    (folder / "b.csv.zst").write_bytes(zstd(csv_text(rows[1::3]).encode()))
    (folder / "c.tsv").write_text(csv_text(rows[2::3], "\t"))
    (folder / "_SUCCESS").touch()
    return folder


def _plain(content: bytes) -> bytes:
    return content


LAYOUTS: dict[str, Writer] = {
    "parquet": _parquet,
    "folder of parquet": _parquets,
    "hive partitions": _hive,
    "csv": _text("rows.csv", csv_text, _plain),
    "csv.gz": _text("rows.csv.gz", csv_text, gzip.compress),
    "csv.zst": _text("rows.csv.zst", csv_text, zstd),
    "csv.bz2": _text("rows.csv.bz2", csv_text, bz2.compress),
    "csv in UTF-16": _text("rows.csv", csv_text, lambda content: content.decode().encode("utf-16")),
    "csv with a mark": _text("rows.csv", csv_text, lambda content: b"\xef\xbb\xbf" + content),
    "tsv": _text("rows.tsv", lambda rows: csv_text(rows, "\t"), _plain),
    "csv with bars": _text("rows.csv", lambda rows: csv_text(rows, "|"), _plain),
    "csv with decimal commas": _text("rows.csv", lambda rows: csv_text(rows, ";", True), _plain),
    "folder of csv, csv.zst, tsv": _mixed,
    "jsonl": _text("rows.jsonl", json_text, _plain),
    "jsonl.bz2": _text("rows.jsonl.bz2", json_text, bz2.compress),
    "ndjson.zst": _text("rows.ndjson.zst", json_text, zstd),
    "collector lines": _text("log.jsonl", collector_text, _plain),
    "collector lines, packed": _text("log.jsonl.gz", collector_text, gzip.compress),
}
