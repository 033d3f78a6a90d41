"""The slo command: its JSON, its text and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cli

SLO = """\
apiVersion: openslo/v1
kind: Service
metadata: {name: churn}
spec: {}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: answered}
spec:
  service: churn
  indicator:
    metadata: {name: availability}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: driftwarden, spec: {sli: availability}}}
        total: {metricSource: {type: driftwarden, spec: {sli: availability}}}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: answered, target: 0.99}]
"""
NAMES = ["page-1h", "page-6h", "ticket-1d", "ticket-3d", "exhausted"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An hour of 50 requests a minute; all fail from 00:30 to 00:40, and 01:00 has no rows."""
    (tmp_path / "slo.yaml").write_text(SLO)
    rows = [
        f"2026-02-28T{minute // 60:02}:{minute % 60:02}Z,50,{50 * (30 <= minute < 40)}"
        for minute in [*range(60), 80]
    ]
    (tmp_path / "minutes.csv").write_text("\n".join(["minute,total,bad", *rows, ""]))
    return tmp_path


def run(folder: Path, *words: str) -> int:
    return cli.main(["slo", str(folder / "slo.yaml"), *words])


def judged(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    counts = f"availability={folder / 'minutes.csv'}"
    code = run(folder, "--json", "--counts", counts, *words)
    return code, json.loads(capsys.readouterr().out)


def test_the_json_is_what_would_have_fired(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = judged(folder, capsys, "--at", "2026-02-28T00:34Z", "--at", "2026-02-28T00:20Z")
    assert code == 1
    assert list(found) == ["problems", "slos"]
    assert found["problems"] == []
    (slo,) = found["slos"]
    assert list(slo) == ["name", "objectives"]
    (objective,) = slo["objectives"]
    assert list(objective) == ["policies", "budget"]
    assert [one["name"] for one in objective["policies"]] == NAMES
    # 6 of 36 minutes are over 14.4 %, 5 of 35 are not; at 00:45 the last five minutes are good.
    # After 60 minutes with events, five without have a chance of 5! 59! / 64!, 1.3e-7.
    page = objective["policies"][0]
    assert page == {
        "name": "page-1h",
        "firing": [["2026-02-28T00:36:00Z", "2026-02-28T00:45:00Z"]],
        "no_data": [["2026-02-28T01:05:00Z", "2026-02-28T01:21:00Z"]],
        "notifications": [
            ["2026-02-28T00:36:00Z", "firing"],
            ["2026-02-28T00:45:00Z", "resolved"],
            ["2026-02-28T01:05:00Z", "no-data"],
            ["2026-02-28T01:21:00Z", "resolved"],
        ],
    }
    # 4 of 34 minutes failed, and 0.34 may.
    spent, whole = objective["budget"]
    left = pytest.approx(1 - 4 / 0.34)
    at = "2026-02-28T00:34:00Z"
    assert spent == {"at": at, "left": left, "exhaustion": at}
    assert whole == {"at": "2026-02-28T00:20:00Z", "left": 1, "exhaustion": None}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--to", "2026-02-28T00:30Z"), 0),
        (("--to", "2026-02-28T00:35Z"), 1),
        (("--from", "2026-02-28T12:00Z", "--to", "2026-02-28T12:05Z"), 1),
        (("--from", "2026-04-28T12:00Z", "--to", "2026-04-28T12:05Z"), 0),
    ],
)
def test_the_exit_code_says_whether_something_fired(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int
) -> None:
    """The budget stays exhausted while the outage is in the window."""
    assert judged(folder, capsys, *words)[0] == code


def test_the_default_budget_is_that_of_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = judged(folder, capsys)
    (one,) = found["slos"][0]["objectives"][0]["budget"]
    assert one["at"] == "2026-02-28T01:21:00Z"


def test_without_tables_documents_are_validated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "--json") == 0
    (objective,) = json.loads(capsys.readouterr().out)["slos"][0]["objectives"]
    assert objective["budget"] == []
    assert [one["name"] for one in objective["policies"]] == NAMES
    assert all(not one["firing"] and not one["notifications"] for one in objective["policies"])


def test_a_document_at_fault_is_refused_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "slo.yaml").write_text(SLO.replace("target: 0.99", "target: 99"))
    assert run(folder, "--json") == 2
    found = json.loads(capsys.readouterr().out)
    (problem,) = found["problems"]
    assert (problem["file"], problem["level"]) == (str(folder / "slo.yaml"), "error")
    assert "target" in problem["text"]
    assert found["slos"] == []


def test_the_text_names_what_fired_and_what_is_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = f"answered={folder / 'minutes.csv'}"
    assert run(folder, "--counts", counts, "--at", "2026-02-28T00:30Z") == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "answered: 99 % of the last 30 d, Occurrences"
    assert "  page-1h: fired from 2026-02-28 00:36Z to 2026-02-28 00:45Z (9 min)" in told
    assert "  page-1h: told no-data at 2026-02-28 01:05Z" in told
    assert told[-1].startswith("  budget at 2026-02-28 00:30Z: 100 % left")
    assert run(folder) == 0
    assert "  not judged: --counts availability=TABLE is needed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--counts", "availabilty=x.csv"), "no indicator of that name, did you mean availability"),
        (("--counts", "x.csv"), "write INDICATOR=TABLE"),
        (("--counts", "availability=absent.csv"), "absent.csv: No such file"),
        (("--counts", "answered=a", "--counts", "answered=b"), "given twice"),
        (("--at", "soon"), "'soon' is not a time"),
        (("--at", "2026-02-28T00:00:30Z"), "is not a whole minute"),
        (("--counts", "answered=minutes.csv", "--to", "2026-02-27"), "--to is not after --from"),
        (("--counts", "answered=minutes.csv", "--at", "1999-01-01"), "more than twelve years"),
        (("--counts", "answered=values.csv"), "the indicator is a ratio of events"),
        (("--counts", "answered=empty.csv"), "the tables have no rows"),
    ],
)
def test_a_refusal_is_one_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(folder)
    (folder / "values.csv").write_text("minute,value\n2026-02-28,0.5\n")
    (folder / "empty.csv").write_text("minute,total,bad\n")
    assert run(folder, *words) == 2
    written = capsys.readouterr()
    assert written.out == ""
    (line,) = written.err.splitlines()
    assert told in line
