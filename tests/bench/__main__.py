"""`python -m tests.bench [WORD]`: what the drift numbers cost, beside what they are made of.

Every figure is a median over interleaved pairs of the thing and its yardstick, so that a busy
machine slows both; every answer is checked. Ends with 1 when a bar is missed. A word picks the
benches whose name contains it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from monitoring.drift.assessment import assess
from monitoring.drift.binning import NumericBins
from monitoring.drift.divergence import divergences
from monitoring.drift.ruler import Ruler
from monitoring.drift.ruling import rule
from monitoring.drift.scoring import score
from monitoring.drift.significance import benjamini_hochberg, numeric_p
from monitoring.drift.sketch import Sketch, count
from monitoring.drift.verdict import Policy
from monitoring.intake import collector
from tests.bench import logs, package

PAIRS = 15


@dataclass(frozen=True)
class Figure:
    """One measured number and the bar it has to stay under (None: for information)."""

    what: str
    value: float
    bar: float | None
    unit: str

    @property
    def kept(self) -> bool:
        return self.bar is None or self.value <= self.bar


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def worked(call: Callable[[], object]) -> float:
    """Seconds of one core, however many processes share it."""
    start = time.process_time()
    call()
    return time.process_time() - start


def bench_sketch() -> Iterator[Figure]:
    """Counting float64 columns of 64 MB into decile bins, missing values included."""
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=8_388_608) for _ in range(4)]  # together more than any cache
    for array in arrays:
        array[::1_000] = np.nan
    edges = np.quantile(rng.normal(size=100_000), np.arange(1, 10) / 10)
    bins = NumericBins(tuple(edges.tolist()))

    def searched(array: np.ndarray) -> np.ndarray:
        codes = np.searchsorted(edges, array)
        return np.bincount(np.where(np.isfinite(array), codes, 10), minlength=11)

    to_sum, to_search, nanoseconds = [], [], []
    for turn in range(PAIRS):
        array = arrays[turn % len(arrays)]
        column = pa.array(array)
        total = timed(array.sum)
        ours = timed(partial(count, column, bins))
        theirs = timed(partial(searched, array))
        to_sum.append(ours / total)
        to_search.append(ours / theirs)
        nanoseconds.append(1e9 * ours / len(array))
    assert count(column, bins).tolist() == searched(array).tolist()
    yield Figure("sketch 64 MB into deciles / np.sum", statistics.median(to_sum), 5.0, "x")
    yield Figure("  / searchsorted + bincount", statistics.median(to_search), 0.1, "x")
    yield Figure("  per value", statistics.median(nanoseconds), None, "ns")


def bench_scoring() -> Iterator[Figure]:
    """10,000 models of 100 features of 10 bins, from ready counts."""
    rng = np.random.default_rng(2)
    reference = rng.poisson(1_000, (10_000, 100, 10))
    current = rng.poisson(100, (10_000, 100, 10))
    seconds = statistics.median(
        timed(lambda: divergences(reference, current)) for _ in range(PAIRS)
    )
    found = divergences(reference, current)
    p = (reference[7, 3] + 0.5) / (reference[7, 3].sum() + 5)
    q = (current[7, 3] + 0.5) / (current[7, 3].sum() + 5)
    assert abs(found.psi[7, 3] - ((q - p) * np.log(q / p)).sum()) < 1e-12
    yield Figure("psi, kl, js of 1,000,000 features", seconds, 1.0, "s")


BLOCK = 20  # models: so many stay in the cache


def bench_significance() -> Iterator[Figure]:
    """10,000 models of 100 features of 10 bins, from ready counts to verdicts, block by block."""
    # As in a worker that has read a log: once an array so large was freed, glibc keeps what is
    # freed. Before, it gives most of it back at once, and every array costs its page faults again.
    np.ones(2**21)
    rng = np.random.default_rng(2)
    models, policy = 1_000, Policy()
    ruler = Ruler({f"x{i}": NumericBins(tuple(map(float, range(9)))) for i in range(100)})
    none = np.zeros((models, 100, 1), np.int64)  # nothing is missing
    reference, current = (rng.poisson(rows, (models, 100, 10)) for rows in (1_000, 100))
    current[::10, 7, :3] *= 2  # one feature of every tenth model
    floats = reference.astype(float), current.astype(float)
    counts = [np.concatenate([one, none], -1).reshape(models, -1) for one in (reference, current)]

    def tested(a: np.ndarray, c: np.ndarray) -> np.ndarray:
        return benjamini_hochberg(numeric_p(a, c))

    def ruled(a: np.ndarray, c: np.ndarray) -> np.ndarray:
        return rule(ruler, (a, c), score(ruler, a, c), policy).codes

    def blocks(call: Callable[..., Any], sides: Sequence[np.ndarray]) -> list[Any]:
        return [call(*(one[at : at + BLOCK] for one in sides)) for at in range(0, models, BLOCK)]

    todo = ((divergences, floats), (tested, floats), (ruled, counts))
    turns = [[worked(partial(blocks, *one)) for one in todo] for _ in range(5)]
    yardstick, significance, verdict = (statistics.median(one) for one in zip(*turns, strict=True))
    moved = np.argwhere(np.concatenate(blocks(ruled, counts)) > 0)
    assert {(row, 7) for row in range(0, models, 10)} <= {tuple(one) for one in moved.tolist()}
    assert len(moved) < 1.2 * models / 10
    many = 10_000 / models
    yield Figure("q-values of 10,000 models x 100 features", many * significance, 2.5, "s")
    yield Figure("  / psi, kl, js", significance / yardstick, None, "x")
    yield Figure("  all numbers and verdicts", many * verdict, 5.0, "s")
    yield Figure("  / psi, kl, js", verdict / yardstick, None, "x")
    tracemalloc.start()
    blocks(ruled, counts)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    yield Figure("  memory beyond the sketches, block by block", peak, 16.0, "MB")
    few = [[Sketch(ruler.id, 10_000, one) for one in side[:100]] for side in counts]
    told = worked(lambda: [assess(ruler, a, c, policy) for a, c in zip(*few, strict=True)])
    yield Figure("  one model's report, with reasons", 10 * told, None, "ms")


CHECK = """
import argparse, contextlib, json, re, sys, tempfile, time
import commands.check.check as check
import commands.check.options as options
parser = argparse.ArgumentParser()
options.add_arguments(parser)
sides = ["--reference", sys.argv[1], "--current", sys.argv[2]]
arguments = parser.parse_args([*sides, *sys.argv[3:], "--json"])
with tempfile.TemporaryFile("w+", encoding="utf-8") as out:  # of many segments it is large
    start, own = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(out):
        code = check.run(arguments)
    seconds, own = time.perf_counter() - start, time.process_time() - own
    # getrusage's peak would include the parent's memory at the time of the fork
    status = open("/proc/self/status").read()
    out.seek(0)
    told = [re.match(' {6}"(name|verdict)": "(.*)"', line) for line in out if line[6:7] == '"']
told = [found.groups() for found in told if found]
drifted = [name for (_, name), found in zip(told, told[1:]) if found == ("verdict", "drifted")]
rss = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([seconds, own, rss, code, drifted]))
"""
READ = """
import sys, time
import pyarrow.parquet as pq
start = time.perf_counter()
for path in sys.argv[1:]:
    pq.read_table(path, use_threads=False)
print(time.perf_counter() - start)
"""


def spawn(program: str, *arguments: Path | str) -> Any:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def bench_check() -> Iterator[Figure]:
    """`check` on two snappy Parquet files of 1,000,000 rows x 50 floats, less its imports."""
    rng = np.random.default_rng(3)
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{side}.parquet" for side in ("reference", "current")]
        for path, shift in zip(paths, (0.0, 0.5), strict=True):
            columns = {f"x{i}": rng.normal(shift * (i < 2), 1, 1_000_000) for i in range(50)}
            pq.write_table(pa.table(columns), path, compression="snappy")
        ratios, peaks, seconds = [], [], []
        for turn in range(PAIRS + 1):
            read = spawn(READ, *paths)
            took, _, peak, code, drifted = spawn(CHECK, *paths)
            assert (code, drifted) == (1, ["x0", "x1"])
            if turn:  # the first pair warms the page cache
                ratios.append(took / read)
                peaks.append(peak)
                seconds.append(took)
    yield Figure("check 2 x 1 M x 50 / reading both", statistics.median(ratios), 2.0, "x")
    yield Figure("  peak memory", max(peaks), 400.0, "MB")
    yield Figure("  wall time", statistics.median(seconds), None, "s")
    # The least of five: a busy machine adds to the processor time of a process.
    first = min(package.first_request() for _ in range(5))
    yield Figure("import of a first request, processor time", first, 2.0, "s")


def bench_package() -> Iterator[Figure]:
    """The packages that the deployed app installs, by the files that each one lists."""
    found = package.installed()
    assert found["numpy"] > 10e6
    assert found["azure-ai-ml"] > 10e6
    assert not {"evidently", "pandas", "plotly"} & found.keys()
    yield Figure("packages of requirements.txt", sum(found.values()) / 1e6, 560.0, "MB")
    largest = max(found, key=lambda name: found[name])
    yield Figure(f"  the largest, {largest}", found[largest] / 1e6, None, "MB")


def bench_segments() -> Iterator[Figure]:
    """`check --segment` of 20,000 rows: 100 shops, 40 features of 900 levels, one of which moved.

    The yardstick is the same without segments.
    """
    rng = np.random.default_rng(6)
    names = np.array([f"v{i}" for i in range(900)])
    shops = np.array([f"s{i}" for i in range(100)])
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{side}.parquet" for side in ("reference", "current")]
        for path, moved in zip(paths, (0.0, 0.3), strict=True):
            columns = {"shop": shops[rng.integers(0, 100, 20_000)]}
            columns |= {f"c{i}": names[rng.integers(0, 900, 20_000)] for i in range(40)}
            columns["c7"] = np.where(rng.random(20_000) < moved, "v5", columns["c7"])
            pq.write_table(pa.table(columns), path)
        ratios, peaks, seconds = [], [], []
        for _ in range(3):
            _, plain, *_ = spawn(CHECK, *paths)
            _, took, peak, code, drifted = spawn(CHECK, *paths, "--segment", "shop")
            # It is found in the total and in the shops; of what is found one in 20 may be wrong.
            # In about half of the shops nearly every row has a level of its own: not judged.
            assert code == 1
            assert drifted.count("c7") > 40
            assert len(drifted) - drifted.count("c7") <= 10
            ratios.append(took / plain)
            peaks.append(peak)
            seconds.append(took)
    yield Figure("check in 100 segments, peak memory", max(peaks), 500.0, "MB")
    yield Figure("  processor time", statistics.median(seconds), 5.0, "s")
    yield Figure("  / without segments", statistics.median(ratios), None, "x")


def bench_collector() -> Iterator[Figure]:
    """Collector lines of 18 features to columns, beside parsing them with json.loads."""
    rng = np.random.default_rng(4)
    lines = [
        json.dumps(
            {
                "specversion": "1.0",
                "time": "2013-04-01T05:00:00Z",
                "correlationid": f"{index:032x}",
                "data": [{f"x{i}": x for i, x in enumerate(row)} | {"s": "JFK", "d": "LAX"}],
            }
        )
        for index, row in enumerate(rng.normal(size=(20_000, 16)).tolist())
    ]
    block = ("\n".join(lines) + "\n").encode()
    ours, ratios = [], []
    for _ in range(PAIRS):
        plain = timed(lambda: [json.loads(line) for line in block.splitlines()])
        took = timed(lambda: collector.decode(block))
        ours.append(1e6 * took / len(lines))
        ratios.append(took / plain)
    decoded = collector.decode(block)
    assert decoded.table.num_rows == len(lines)
    assert decoded.table["x3"][11].as_py() == json.loads(lines[11])["data"][0]["x3"]
    yield Figure("collector rows of 18 features / json.loads", statistics.median(ratios), 1.0, "x")
    yield Figure("  per row", statistics.median(ours), None, "µs")


def bench_logs() -> Iterator[Figure]:
    """A gigabyte of collector files, read and sketched as a worker does; 5 GB take no more memory.

    `python -m tests.bench.logs 5000` measures a whole day's.
    """
    found = logs.measure(1_000 * logs.MB, 3)
    yield Figure("collector files sketched / read by pyarrow", found["ratio"], 1.6, "x")
    yield Figure("  speed", found["MB/s"], None, "MB/s")
    yield Figure("  peak memory", found["peak MB"], 512.0, "MB")
    yield Figure("  peak memory of reading", found["peak MB plain"], None, "MB")


def bench_import() -> Iterator[Figure]:
    """Importing the app, beside importing what it cannot do without; whole processes."""
    ratios, seconds = [], []
    for _ in range(PAIRS):
        needed = timed(lambda: _python("import numpy, azure.functions"))
        took = timed(lambda: _python("import function_app"))
        ratios.append(took / needed)
        seconds.append(took)
    yield Figure(
        "import function_app / numpy, azure.functions", statistics.median(ratios), 3.0, "x"
    )
    yield Figure("  wall time", statistics.median(seconds), None, "s")


def _python(program: str) -> None:
    subprocess.run([sys.executable, "-c", program], check=True)


BENCHES = (
    bench_import,
    bench_package,
    bench_sketch,
    bench_scoring,
    bench_significance,
    bench_collector,
    bench_check,
    bench_segments,
    bench_logs,
)


def main(word: str = "") -> int:
    table = Table("what", "measured", "bar", "", box=None)
    kept = True
    for bench in BENCHES:
        if word not in bench.__name__:
            continue
        for figure in bench():
            bar = "" if figure.bar is None else f"≤ {figure.bar:g} {figure.unit}"
            mark = "" if figure.bar is None else ("kept" if figure.kept else "MISSED")
            table.add_row(figure.what, f"{figure.value:.3g} {figure.unit}", bar, mark)
            kept &= figure.kept
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
