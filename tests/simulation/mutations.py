"""Damaged files of rows through `driftwarden check`.

`python -m tests.simulation.mutations FIRST LAST` prints one JSON line a file, so that the caller
knows at which file the process ended. Every file follows from its number alone.
"""

from __future__ import annotations

import bz2
import faulthandler
import gzip
import json
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.face.checking import check
from tests.face.layouts import Row, collector_text, csv_text, json_text, zstd

ROWS = 200
#: What one damaged file may take: seconds, and bytes of address space.
PATIENCE = 60
MEMORY = 6 * 2**30


@cache
def rows() -> list[Row]:
    """Rows of all kinds of columns; they never change."""
    rng = np.random.default_rng(3)
    words = ["NA", "ÅL", "a b", "02139", ""]
    return [
        {
            "amount": round(float(rng.normal()), 4),
            "visits": int(rng.integers(0, 5)),
            "flag": bool(rng.random() < 0.3),
            "word": words[int(rng.integers(0, 5))],
            "age": None if rng.random() < 0.2 else float(rng.integers(18, 90)),
        }
        for _ in range(ROWS)
    ]


def _parquet(**options: Any) -> bytes:
    table = pa.table({name: [row[name] for row in rows()] for name in rows()[0]})
    when = pa.array(range(ROWS), pa.timestamp("us"))
    nested = pa.array([[index, index + 1] for index in range(ROWS)])
    out = pa.BufferOutputStream()
    pq.write_table(table.append_column("at", when).append_column("list", nested), out, **options)
    return out.getvalue().to_pybytes()


@cache
def originals() -> dict[str, bytes]:
    """Intact files by name."""
    text, lines = csv_text(rows()).encode(), json_text(rows()).encode()
    return {
        "snappy.parquet": _parquet(),
        "plain.parquet": _parquet(compression="none", use_dictionary=False),
        "zstd.parquet": _parquet(compression="zstd", row_group_size=50),
        "v2.parquet": _parquet(data_page_version="2.0", write_page_checksum=True),
        "gzip.parquet": _parquet(compression="gzip", write_page_index=True),
        "delta.parquet": _parquet(
            use_dictionary=False,
            column_encoding={"visits": "DELTA_BINARY_PACKED", "word": "DELTA_BYTE_ARRAY"},
        ),
        "a.csv": text,
        "b.csv.gz": gzip.compress(text, mtime=0),
        "c.csv.zst": zstd(text),
        "d.csv": csv_text(rows()).encode("utf-16"),
        "e.csv": csv_text(rows(), ";", comma=True).encode(),
        "f.jsonl": lines,
        "g.jsonl.bz2": bz2.compress(lines),
        "h.jsonl.zst": zstd(lines),
        "i.jsonl": collector_text(rows()).encode(),
        "j.jsonl": json_text(rows()).encode("utf-16"),
    }


def _flipped(body: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(0, len(body), rng.integers(1, 9)):
        body[place] ^= 1 << int(rng.integers(0, 8))


def _cut(body: bytearray, rng: np.random.Generator) -> None:
    del body[int(rng.integers(0, len(body))) :]


def _swapped(body: bytearray, rng: np.random.Generator) -> None:
    size = int(rng.integers(1, max(2, len(body) // 4)))
    one, other = (int(place) for place in rng.integers(0, len(body) - size, 2))
    first, second = body[one : one + size], body[other : other + size]
    body[one : one + size] = second
    body[other : other + size] = first


def _headed(body: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(0, min(64, len(body))))
        body[place] = int(rng.integers(0, 256))


def _footed(body: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 5))):
        place = len(body) - 1 - int(rng.integers(0, min(1_500, len(body))))
        body[place] = int(rng.integers(0, 256))


def _dropped(body: bytearray, rng: np.random.Generator) -> None:
    start = int(rng.integers(0, len(body)))
    del body[start : start + int(rng.integers(1, 200))]


def _doubled(body: bytearray, rng: np.random.Generator) -> None:
    start = int(rng.integers(0, len(body)))
    body[start:start] = body[start : start + int(rng.integers(1, 200))]


def _filled(body: bytearray, rng: np.random.Generator) -> None:
    start, size = int(rng.integers(0, len(body))), int(rng.integers(1, 100))
    body[start : start + size] = rng.choice([b"\0", b"\xff", b'"', b",", b"\n", b"9"]) * size


MUTATIONS: tuple[Callable[[bytearray, np.random.Generator], None], ...] = (
    _flipped,
    _cut,
    _swapped,
    _headed,
    _footed,
    _dropped,
    _doubled,
    _filled,
)


def damaged(number: int) -> tuple[str, str, bytes]:
    """Name, kind of damage and content of one file; one in ten is damaged twice."""
    rng = np.random.default_rng([11, number])
    name, original = list(originals().items())[number % len(originals())]
    body = bytearray(original)
    done = []
    for _ in range(1 + (rng.random() < 0.1)):
        mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        if len(body) > 8:
            mutation(body, rng)
            done.append(mutation.__name__)
    return name, "+".join(done), bytes(body)


def intact(folder: Path) -> Path:
    """The other side: a file that is whole."""
    path = folder / "intact.parquet"
    if not path.exists():
        path.write_bytes(originals()["snappy.parquet"])
    return path


def fault(code: int, out: str, err: str) -> str:
    """Say which promise an answer breaks; empty where it keeps all."""
    if code not in (0, 1, 2, 3):
        return f"exit code {code}"
    if "Traceback" in err:
        return "traceback"
    if code == 2:
        return "" if not out and err.count("\n") == 1 else f"not one line: {out + err!r}"
    drifted = any(one["verdict"] == "drifted" for one in json.loads(out)["features"])
    return "" if drifted == (code == 1) else f"exit code {code}, drifted: {drifted}"


def tried(number: int, folder: Path) -> dict[str, object]:
    """Check one damaged file in this process."""
    name, damage, body = damaged(number)
    path = folder / name
    path.write_bytes(body)
    pair = (path, intact(folder)) if number % 2 else (intact(folder), path)
    options = ("--segment", "word") if number % 7 == 0 else ()
    found: dict[str, object] = {"number": number, "name": name, "damage": damage}
    try:
        code, out, err = check(*pair, "--json", *options)
        found |= {"code": code, "fault": fault(code, out, err)}
    except BaseException:  # noqa: BLE001 - every kind of failure is one that is told
        found |= {"code": 1, "fault": traceback.format_exc()}
    finally:
        path.unlink()
    return found


def main(first: int, last: int) -> None:
    """Check the files of these numbers."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            print(json.dumps(tried(number, Path(folder))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
