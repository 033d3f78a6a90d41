"""`driftwarden check` from outside: files in, JSON and exit codes out."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.spatial.distance import jensenshannon

from cli import main
from tests.face.checking import check, named, report

CALL = "import sys; from cli import main; sys.exit(main(['check', *sys.argv[1:]]))"


def spawn(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Any] | Path:
    def write(name: str, **columns: object) -> Path:
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
        return tmp_path / f"{name}.parquet"

    return write


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(17)


def half_counted(counts: list[np.ndarray]) -> list[np.ndarray]:
    counts = [np.array(side, float) for side in counts]
    used = (counts[0] + counts[1]) > 0
    return [(side[used] + 0.5) / (side.sum() + used.sum() / 2) for side in counts]


def test_numbers_agree_with_scipy_and_the_definition(
    write: Callable[..., Any], rng: np.random.Generator
) -> None:
    x, y = rng.normal(size=5_000), rng.normal(0.4, 1, 3_000)
    code, document = report(write("r", x=x), write("c", x=y))
    one = named(document, "x")
    edges = np.quantile(x, [0.001, *np.arange(1, 10) / 10, 0.999])
    bins = [
        np.histogram(side, [-np.inf, *np.nextafter(edges, np.inf), np.inf])[0] for side in (x, y)
    ]
    assert [bin_["reference"] for bin_ in one["bins"]] == bins[0].tolist()
    assert [bin_["current"] for bin_ in one["bins"]] == bins[1].tolist()
    # The tails are bins of their own for the test only: psi, kl and js are those of the deciles.
    counts = [np.array([side[:2].sum(), *side[2:-2], side[-2:].sum()]) for side in bins]
    p, q = half_counted(counts)
    assert one["psi"] == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=1e-9)
    assert one["kl"] == pytest.approx(float((p * np.log(p / q)).sum()), abs=1e-9)
    assert one["js"] == pytest.approx(jensenshannon(*counts, base=2), abs=1e-9)
    assert one["effect"] == pytest.approx(one["psi"] - 9 * (1 / 5_000 + 1 / 3_000), abs=0.01)
    assert (code, document["verdict"], one["verdict"]) == (1, "drifted", "drifted")
    assert (document["n_reference"], document["n_current"]) == (5_000, 3_000)


def test_the_same_rows_are_stable_and_the_table_is_readable(
    write: Callable[..., Any], rng: np.random.Generator
) -> None:
    reference = write("r", x=rng.normal(size=500), s=["a", "b"] * 250)
    code, out, err = check(reference, reference)
    assert (code, err) == (0, "")
    assert "stable: 500 reference rows, 500 current rows, 2 features judged" in out


def test_every_nasty_column_gets_an_answer(
    write: Callable[..., Any], rng: np.random.Generator
) -> None:
    n = 600
    flip = rng.random(n) < 0.1
    reference = {
        "ties": rng.integers(0, 3, n),
        "constant": np.full(n, 5.0),
        "moved_constant": np.full(n, 5.0),
        "all_missing": pa.nulls(n, pa.float64()),
        "untyped": pa.nulls(n),
        "gone_missing": rng.normal(size=n),
        "infinite": np.where(flip, np.inf, rng.normal(size=n)),
        "disjoint": rng.normal(size=n),
        "categories": [f"c{value}" for value in rng.integers(0, 500, n)],
        "unseen": ["a", "b"] * (n // 2),
        "none_word": ["None", None, "x"] * (n // 3),
        "flag": rng.random(n) < 0.5,
        "coded": pa.array(["u", "v"] * (n // 2)).dictionary_encode(),
        "money": pa.array([value % 7 for value in range(n)], pa.decimal128(9, 2)),
        "turned": rng.normal(size=n),
        "absent": rng.normal(size=n),
        "when": pa.array([dt.datetime(2024, 1, 1)] * n),
        "nested": [[1]] * n,
    }
    current = {
        **reference,
        "moved_constant": np.full(n, 6.0),
        "gone_missing": np.full(n, np.nan),
        "infinite": np.where(flip, -np.inf, rng.normal(size=n)),
        "disjoint": rng.normal(size=n) + 100,
        "unseen": ["a", "z"] * (n // 2),
        "turned": ["x", "y"] * (n // 2),
        "new": np.arange(n),
    }
    del current["absent"]
    code, document = report(write("r", **reference), write("c", **current))
    verdicts = {one["name"]: one["verdict"] for one in document["features"]}
    assert verdicts == {
        "ties": "stable",
        "constant": "stable",
        "moved_constant": "drifted",
        "all_missing": "insufficient",
        "untyped": "insufficient",
        "gone_missing": "drifted",
        "infinite": "stable",
        "disjoint": "drifted",
        "categories": "stable",
        "unseen": "drifted",
        "none_word": "stable",
        "flag": "stable",
        "coded": "stable",
        "money": "stable",
        "turned": "drifted",
        "absent": "drifted",
    }
    assert document["ignored"] == []
    assert {one["name"]: one["reason"] for one in document["not_compared"]} == {
        "when": "a date or time",
        "nested": "a nested value",
        "new": "only in current",
    }
    assert code == 1
    infinite, words = named(document, "infinite"), named(document, "none_word")
    assert infinite["missing_reference"] == infinite["missing_current"] == int(flip.sum())
    assert (words["n_current"], words["missing_current"]) == (400, 200)
    assert [one["label"] for one in words["bins"]] == ["None", "x"]
    for name, reason in (
        ("absent", "the column is missing in current"),
        ("turned", "the column turned from numeric to categorical"),
    ):
        one = named(document, name)
        assert one["reason"] == reason
        assert one["psi"] is one["js"] is one["p_value"] is one["n_current"] is None
    disjoint = named(document, "disjoint")
    assert disjoint["bins"][-1]["current"] == n
    # all of current in the top decile: the distance of (1/10, …) and (0, …, 1)
    assert disjoint["js"] == pytest.approx(
        jensenshannon([60] * 10, [0] * 9 + [n], base=2), abs=1e-9
    )


def test_nine_rows_are_insufficient_but_keep_their_numbers(
    write: Callable[..., Any], rng: np.random.Generator
) -> None:
    code, document = report(write("r", x=rng.normal(size=100)), write("c", x=rng.normal(size=9)))
    one = named(document, "x")
    assert (code, document["verdict"], one["verdict"]) == (3, "insufficient", "insufficient")
    assert one["psi"] > 0
    assert one["reason"] == "9 non-missing rows on the current side, 30 are needed"


def test_a_flood_of_nulls_is_drift_by_its_own_test(
    write: Callable[..., Any], rng: np.random.Generator
) -> None:
    x = rng.normal(size=2_000)
    code, document = report(
        write("r", x=x), write("c", x=pa.array(x, mask=rng.random(2_000) < 0.9))
    )
    one = named(document, "x")
    assert (code, one["verdict"]) == (1, "drifted")
    assert "of the missing share, which rose from 0 % to " in one["reason"]
    assert one["effect"] < 0.1


def test_choosing_features_and_segments(
    write: Callable[..., Any], rng: np.random.Generator
) -> None:
    n = 2_000
    country = rng.choice(["de", "fr"], n)
    x = rng.normal(size=n)
    reference = write("r", x=x, y=rng.normal(size=n), country=country)
    moved = np.where(country == "fr", x + 1, x)
    current = write("c", x=moved, y=rng.normal(size=n), country=country)
    code, document = report(reference, current, "--features", "x", "--segment", "country")
    assert [(one["name"], one["segment"], one["verdict"]) for one in document["features"]] == [
        ("x", None, "drifted"),
        ("x", "de", "stable"),
        ("x", "fr", "drifted"),
    ]
    assert named(document, "x", "fr")["n_current"] == int((country == "fr").sum())
    code, _, err = check(reference, current, "--features", "x,z")
    assert (code, err) == (
        2,
        "driftwarden check: no column 'z' in the reference; it has x, y, country\n",
    )
    code, _, err = check(reference, current, "--segment", "x")
    assert (code, err.count("\n")) == (2, 1)
    assert "too many to segment by" in err


def test_nearly_unique_text_is_ignored(write: Callable[..., Any]) -> None:
    rows = [f"user-{index}" for index in range(1_500)]
    code, document = report(
        write("r", id=rows, x=[1, 2, 3] * 500), write("c", id=rows, x=[1, 2, 3] * 500)
    )
    assert [one["name"] for one in document["ignored"]] == ["id"]
    assert code == 0


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "ndjson", "folder"])
def test_every_format_gives_the_same_answer(
    write: Callable[..., Any], tmp_path: Path, rng: np.random.Generator, suffix: str
) -> None:
    x = rng.normal(size=400).round(6).tolist()
    s = [("a", "b", None)[value] for value in rng.integers(0, 3, 400)]
    reference = write("r", x=x, s=s)
    _, expected = report(reference, reference)
    path = tmp_path / f"rows.{suffix}"
    if suffix.startswith("csv"):
        text = "x,s\n" + "".join(f"{a!r},{b or ''}\n" for a, b in zip(x, s, strict=True))
    else:
        pairs = zip(x, s, strict=True)
        text = "".join(json.dumps({"x": a, "s": b}) + "\n" for a, b in pairs)
    if suffix == "folder":
        (path / "part").mkdir(parents=True)
        lines = text.splitlines(keepends=True)
        (path / "part" / "a.jsonl").write_text("".join(lines[:150]))
        (path / "b.jsonl").write_text("".join(lines[150:]))
        (path / "_SUCCESS").touch()
        (path / "zero.jsonl").touch()
    elif suffix.endswith("gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    code, document = report(path, reference)
    assert code == 0
    assert document == expected


def test_collector_logs_are_read_without_their_envelope(
    write: Callable[..., Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    x = rng.normal(size=300)
    log = tmp_path / "model_inputs" / "2013" / "04" / "01" / "05"
    log.mkdir(parents=True)
    envelope = {"specversion": "1.0", "id": "1", "time": "2013-04-01T05:00:00Z"}
    lines = [
        json.dumps({**envelope, "correlationid": str(index), "data": [{"x": value}]})
        for index, value in enumerate(x.tolist())
    ]
    (log / "instance.jsonl").write_text("\n".join(lines) + '\n{"specversion": "1.0", "cut')
    code, out, err = check(write("r", x=x), tmp_path / "model_inputs", "--json")
    document = json.loads(out)
    assert code == 0
    assert [one["name"] for one in document["features"]] == ["x"]
    assert document["ignored"] == []
    assert "1 bad lines left out" in err


def test_mixed_types_follow_the_majority(tmp_path: Path) -> None:
    values = [v * 7 % 50 if v % 10 else "oops" for v in range(500)]
    rows = "".join(json.dumps({"x": value}) + "\n" for value in values)
    (tmp_path / "m.jsonl").write_text(rows)
    (tmp_path / "m.csv").write_text("x\n" + "1\n" * 300 + "many\n" * 300)
    code, document = report(tmp_path / "m.jsonl", tmp_path / "m.jsonl")
    assert (code, named(document, "x")["kind"]) == (0, "numeric")
    assert named(document, "x")["missing_current"] == 50
    code, document = report(tmp_path / "m.csv", tmp_path / "m.csv")
    assert (code, named(document, "x")["kind"]) == (0, "categorical")


def test_types_that_hold_for_the_first_block_only(tmp_path: Path) -> None:
    big = "x,y\n" + "1,\n" * 3_000_000 + "1.5,late\n" * 40
    (tmp_path / "big.csv").write_text(big)
    code, document = report(tmp_path / "big.csv", tmp_path / "big.csv")
    assert code == 0
    assert {one["name"]: one["kind"] for one in document["features"]} == {
        "x": "numeric",
        "y": "categorical",
    }
    assert named(document, "y")["n_current"] == 40


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("zero.parquet", b"", "the file is empty (zero bytes)"),
        ("zero.csv", b"", "the file is empty (zero bytes)"),
        ("junk.parquet", b"hello world, this is no Parquet", "cannot be read"),
        ("ragged.csv", b"a,b\n1\n2,3\n", "Expected 2 columns, got 1"),
        ("twice.csv", b"x,x\n1,2\n", "two columns are called 'x'"),
        ("prose.jsonl", b"once upon a time\n", "not JSON Lines: line 1"),
        ("array.json", b'[{"x": 1}]', "not JSON Lines: line 1: not an object"),
        ("other.csv", b"z\n" + b"1\n" * 50, "no column in common"),
        ("cut.csv.gz", gzip.compress(b"x\n" + b"123\n" * 9_999, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(
    write: Callable[..., Any], tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    reference = write("r", x=[1.0, 2.0] * 50)
    for pair in ((reference, tmp_path / name), (tmp_path / name, reference)):
        code, out, err = check(*pair, "--json")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert told in err


def test_paths_that_hold_nothing_are_refused(write: Callable[..., Any], tmp_path: Path) -> None:
    reference = write("r", x=[1.0])
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere.parquet"):
        code, _, err = check(reference, path)
        assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    ("name", "content"), [("h.csv", b"x\n"), ("b.jsonl", b"\n\n"), ("p.parquet", None)]
)
def test_a_file_without_rows_is_insufficient(
    write: Callable[..., Any], tmp_path: Path, name: str, content: bytes | None
) -> None:
    reference = write("r", x=[1.0, 2.0] * 50)
    if content is None:
        path = write("p", x=pa.array([], pa.float64()))
    else:
        path = tmp_path / name
        path.write_bytes(content)
    for pair in ((reference, path), (path, reference)):
        code, document = report(*pair)
        assert (code, document["verdict"]) == (3, "insufficient")


def test_light_imports(write: Callable[..., Any]) -> None:
    """Neither the command nor what it calls loads a heavy library."""
    path = write("r", x=[1.0, 2.0] * 50, s=["a", "b"] * 50)
    program = (
        "import sys; from cli import main; _ = main(['check', *sys.argv[1:]]); "
        "print([name for name in ('pandas', 'scipy.stats', 'sklearn', 'evidently', 'azure.ai.ml') "
        "if name in sys.modules], file=sys.stderr)"
    )
    done = spawn(program, "--reference", path, "--current", path, "--json")
    assert done.stderr == "[]\n"


def test_the_process_ends_with_the_code_and_one_line(
    write: Callable[..., Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    x = rng.normal(size=400)
    reference, current = write("r", x=x), write("c", x=x + 1)
    done = spawn(CALL, "--reference", reference, "--current", current)
    assert (done.returncode, done.stderr) == (1, "")
    assert "drifted: 400 reference rows, 400 current rows, 1 feature judged" in done.stdout
    done = spawn(CALL, "--reference", reference, "--current", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"driftwarden check: {tmp_path}/nowhere: no such file or folder\n"


def test_the_page_is_written_beside_the_table_and_beside_json(
    write: Callable[..., Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    x = rng.normal(size=400)
    reference, current = write("r", x=x), write("c", x=x + 1)
    page = tmp_path / "pages" / "page.html"
    command = "import sys; from cli import main; sys.exit(main(sys.argv[1:]))"
    words = ["check", "--reference", reference, "--current", current, "--html", page]
    done = spawn(command, *words)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1].endswith(f"Look at x in {page}")
    assert page.read_text().startswith("<!doctype html>")
    page.unlink()
    done = spawn(command, *words, "--json")
    assert json.loads(done.stdout)["verdict"] == "drifted"
    assert page.is_file()


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize(("moved", "verdict"), [(0, 0), (1, 1)])
def test_the_exit_code_is_the_verdict_though_nobody_reads(
    write: Callable[..., Any],
    rng: np.random.Generator,
    options: tuple[Any, ...],
    moved: int,
    verdict: int,
) -> None:
    x = rng.normal(size=400)
    paths = ("--reference", write("r", x=x), "--current", write("c", x=x + moved))
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", CALL, *map(str, paths), *options]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=120)
    os.close(writing)
    assert (done.returncode, done.stderr) == (verdict, b"")


def test_a_page_that_cannot_be_written_is_refused_in_one_line(
    write: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = write("r", x=[1.0, 2.0] * 50)
    words = ["check", "--reference", str(reference), "--current", str(reference)]
    assert main([*words, "--html", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert err == f"driftwarden check: {tmp_path}: cannot be written: Is a directory\n"
