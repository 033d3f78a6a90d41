"""`driftwarden check` on lines of the data collector as people really have them."""

from __future__ import annotations

import gzip
import io
import json
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands.check.check import run
from commands.check.options import add_arguments

CASE = Path(__file__).parents[1] / "resources" / "cases" / "readme-collector-lines"
ROWS = 400
Line = dict[str, Any]


def check(reference: Path, current: Path) -> tuple[int, dict[str, Any], str]:
    """Exit code, report and notes of the command, run in this process to save its start."""
    parser = ArgumentParser()
    add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    words = ["--reference", str(reference), "--current", str(current), "--json"]
    with redirect_stdout(out), redirect_stderr(err):
        code = run(parser.parse_args(words))
    assert out.getvalue(), err.getvalue()
    found: dict[str, Any] = json.loads(out.getvalue())
    return code, found, err.getvalue()


def lines(seed: int, scale: float = 1.0) -> list[Line]:
    """One row a line: `amount` scales, `plan` does not."""
    chance = np.random.default_rng(seed)
    amounts, plans = scale * chance.gamma(2, 50, ROWS), chance.choice(["pro", "free"], ROWS)
    return [
        {
            "correlationid": f"{seed}-{i}",
            "time": "2026-08-01T00:00:00Z",
            "data": [{"amount": float(amount), "plan": str(plan)}],
        }
        for i, (amount, plan) in enumerate(zip(amounts, plans, strict=True))
    ]


def written(path: Path, found: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in found))
    return path


def one_object(line: Line) -> Line:
    return {**line, "data": line["data"][0]}


def text(line: Line) -> Line:
    return {**line, "data": json.dumps(line["data"])}


def text_of_one(line: Line) -> Line:
    return {**line, "data": json.dumps(line["data"][0])}


def cloud_event(line: Line) -> Line:
    return {"specversion": "1.0", "id": "1", "type": "azureml.inference.model_inputs", **line}


def without_request(line: Line) -> Line:
    return {"specversion": "1.0", "data": line["data"]}


def test_lines_as_the_readme_shows_them_are_unfolded() -> None:
    code, report, _ = check(CASE / "ref.jsonl", CASE / "cur.jsonl")
    assert (code, report["verdict"]) == (1, "drifted")
    verdicts = {one["name"]: one["verdict"] for one in report["features"]}
    assert verdicts == {"amount": "drifted", "plan": verdicts["plan"]}


@pytest.mark.parametrize("spelled", [one_object, text, text_of_one, cloud_event, without_request])
def test_one_verdict_however_a_line_is_spelled(
    tmp_path: Path, spelled: Callable[[Line], Line]
) -> None:
    reference = written(tmp_path / "ref.jsonl", lines(1))
    for scale, exit_code, verdict in ((1.0, 0, "stable"), (9.0, 1, "drifted")):
        plain = written(tmp_path / "plain.jsonl", lines(2, scale))
        odd = written(tmp_path / "odd.jsonl", [spelled(line) for line in lines(2, scale)])
        usual = check(reference, plain)
        assert (usual[0], usual[1]["verdict"]) == (exit_code, verdict)
        code, report, told = check(reference, odd)
        assert told == ""
        assert (code, report["features"]) == (exit_code, usual[1]["features"])


@pytest.mark.parametrize(
    ("spoiled", "lost"),
    [
        (lambda body: body[40:], True),
        (lambda body: body[:-1], False),
        (lambda body: body.replace(b"}\n", b"}"), False),
        (lambda body: body.replace(b"}\n", b"} "), False),
        (lambda body: body[:-20], True),
        (lambda body: body[70:-1].replace(b"}\n", b"}\r\n"), True),
    ],
    ids=["cut first", "no line end", "one line", "one line with blanks", "cut last", "cut, crlf"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_rows_that_are_there_are_judged_and_what_is_lost_is_told(
    tmp_path: Path, spoiled: Callable[[bytes], bytes], lost: bool, packed: bool
) -> None:
    reference = written(tmp_path / "ref.jsonl", lines(1))
    body = spoiled(written(tmp_path / "whole.jsonl", lines(2, 9.0)).read_bytes())
    current = tmp_path / ("cur.jsonl.gz" if packed else "cur.jsonl")
    current.write_bytes(gzip.compress(body) if packed else body)
    code, report, told = check(reference, current)
    assert (code, report["verdict"]) == (1, "drifted")
    assert {one["name"] for one in report["features"]} == {"amount", "plan"}
    assert report["n_current"] == ROWS - lost
    assert ("1 bad lines left out" in told) == lost
    assert ("not JSON" in told) == lost


def test_rows_in_other_files_are_told_to_be_missing(tmp_path: Path) -> None:
    reference = written(tmp_path / "ref.jsonl", lines(1))
    found = lines(2)
    found[3] = {**found[3], "data": None, "dataref": "mdc/3.json"}
    _, _, told = check(reference, written(tmp_path / "cur.jsonl", found))
    assert "line 4: its rows are in a blob of their own" in told


def test_plain_rows_with_a_feature_called_data_stay_rows(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    rows = [
        {"correlationid": str(i), "data": float(x)} for i, x in enumerate(chance.normal(size=ROWS))
    ]
    path = written(tmp_path / "rows.jsonl", rows)
    _, report, _ = check(path, path)
    assert "data" in {one["name"] for one in report["features"]}
