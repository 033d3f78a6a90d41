"""`python -m tests.bench.logs [MB]`: a day of collector files read and sketched, bounded memory.

The files are written once, by a seed, into a folder that is removed. Two programs read them, each a
process of its own: ours as a worker does (ranges of 32 MiB, decoded, counted, rows kept as blobs),
and plain pyarrow reading of the same ranges. The answer is asserted: every row is counted once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

MB = 1_000_000
#: What a file holds before the collector rolls it, and so many rows are made before they repeat.
FILE = 250 * MB
ROWS = 20_000
SOURCE = (
    "/subscriptions/0/resourceGroups/rg/providers/Microsoft.MachineLearningServices"
    "/workspaces/ws/onlineEndpoints/demand/deployments/v1"
)

OURS = """
import sys, time, json
from dataclasses import dataclass
from pathlib import Path
import numpy as np
import pyarrow as pa
from fleet.document.logs import Logs as LogPolicy
from fleet.model.tasks import ReadLog
from fleet.model.facts import Collection
from fleet.model.parts.logs import RANGE
from fleet.work.refer import referencing
from fleet.work.read.reading import read_log
from hosts.local.files import Blobs, Logs
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, merge, sketch
from monitoring.drift.verdict import Policy
from monitoring.quality import Policy as Quality

@dataclass(frozen=True)
class Rules:
    drift: Policy
    quality: Quality
    logs: LogPolicy

@dataclass
class World:
    blobs: object
    logs: object

@dataclass
class Watched:
    name: str = "demand"
    zone: str = "UTC"
    policy: object = Rules(Policy(), Quality(), LogPolicy(endpoint="demand"))

root = Path(sys.argv[1])
world = World(Blobs(root / "blobs"), Logs(root / "logs"))
rng = np.random.default_rng(1)
numbers = {f"x{i}": rng.normal(size=10_000) for i in range(16)}
known = pa.table(numbers | {"s": ["JFK", "LAX"] * 5_000})
ruler = Ruler.of(known)
counted = world.blobs.put(sketch(known, ruler).to_bytes())
reference = referencing.put(world.blobs, world.blobs.put(ruler.to_bytes()), [counted])
total, bad, rows, read = merge(ruler, []), 0, 0, 0
start = time.perf_counter()
for file in sorted((root / "logs").iterdir()):
    cursor, size = 0, file.stat().st_size
    while cursor < size:
        end = min(cursor + RANGE, size)
        effect = ReadLog(file.name, cursor, end, Collection.inputs, "v1", reference)
        found = read_log(world, Watched(), effect)
        cursor, bad = found.end, bad + found.bad
        rows += sum(batch.count for batch in found.batches)
        total += merge(ruler, [Sketch.from_bytes(world.blobs.get(b.sketch)) for b in found.batches])
        for batch in found.batches:  # the bench wants memory, not the disk's patience
            world.blobs.delete(batch.rows)
    read += size
seconds = time.perf_counter() - start
status = open("/proc/self/status").read()
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
missing = int(total.feature(ruler, "x3")[-1])
print(json.dumps([seconds, peak, rows, total.rows, bad, missing, read]))
"""
PLAIN = """
import sys, time, json
from pathlib import Path
import pyarrow as pa
import pyarrow.json as pj

RANGE = 32 * 1024 * 1024
rows = 0
start = time.perf_counter()
for file in sorted((Path(sys.argv[1]) / "logs").iterdir()):
    with open(file, "rb") as stream:
        rest = b""
        while piece := stream.read(RANGE):
            piece = rest + piece
            cut = piece.rfind(b"\\n") + 1
            rest = piece[cut:]
            content = pa.py_buffer(piece).slice(0, cut)
            rows += pj.read_json(content, pj.ReadOptions(use_threads=False)).num_rows
seconds = time.perf_counter() - start
status = open("/proc/self/status").read()
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([seconds, peak, rows]))
"""


def write(folder: Path, size: int) -> int:
    """Write collector lines of 18 features, some `size` bytes in files; return how many lines.

    A block of lines is made once and written again and again, its ids each time its own.
    """
    rng = np.random.default_rng(4)
    block = "".join(map(_line, range(ROWS), rng.normal(size=(ROWS, 16)).round(6).tolist())).encode()
    turns = max(size // len(block), 1)
    for turn in range(turns):
        with open(folder / f"{turn * len(block) // FILE:03}.jsonl", "ab") as stream:
            stream.write(block.replace(b"#TURN#", b"%06x" % turn))
    return turns * ROWS


def _line(number: int, row: list[float]) -> str:
    name = f"#TURN#{number:026x}"
    document = {
        "specversion": "1.0",
        "id": name,
        "source": SOURCE,
        "type": "azureml.inference.model_inputs",
        "datacontenttype": "application/json",
        "time": f"2024-03-04T{number // 3_600:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        "data": [{f"x{i}": x for i, x in enumerate(row)} | {"s": "JFK", "d": "LAX"}],
        "contentrange": "bytes 0-400/401",
        "correlationid": name,
        "xrequestid": name,
        "modelversion": "v1",
        "collectdatatype": "pandas.core.frame.DataFrame",
        "agent": "azureml-ai-monitoring/1.0.0",
    }
    return json.dumps(document) + "\n"


def run(program: str, folder: Path) -> list[float]:
    """Run one of the programs on a folder in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, check=True, text=True
    )
    found: list[float] = json.loads(done.stdout)
    return found


def measure(size: int, pairs: int) -> dict[str, float]:
    """Read `size` bytes both ways; medians of `pairs` interleaved pairs, the greatest peak."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "logs").mkdir()
        lines = write(folder / "logs", size)
        ours, plain, peaks, peaks_plain = [], [], [], []
        for _ in range(pairs):
            seconds, peak, rows = run(PLAIN, folder)
            assert rows == lines
            plain.append(seconds)
            peaks_plain.append(peak)
            seconds, peak, rows, counted, bad, missing, read = run(OURS, folder)
            assert (rows, counted, bad, missing) == (lines, lines, 0, 0)
            ours.append(seconds)
            peaks.append(peak)
    ratio = float(np.median([a / b for a, b in zip(ours, plain, strict=True)]))
    return {
        "ratio": ratio,
        "MB/s": read / MB / float(np.median(ours)),
        "MB/s plain": read / MB / float(np.median(plain)),
        "peak MB": max(peaks),
        "peak MB plain": max(peaks_plain),
        "GB": read / 1_000 / MB,
        "lines": lines,
    }


if __name__ == "__main__":
    began = time.perf_counter()
    print(measure(int(sys.argv[1]) * MB if len(sys.argv) > 1 else 1_000 * MB, 1))
    print(f"{time.perf_counter() - began:.0f} s in all")
