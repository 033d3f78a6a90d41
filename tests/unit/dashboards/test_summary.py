from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pyarrow as pa
from rich.console import Console

from dashboards.summary import summary, text

ROWS = pa.table({"label": [1, 0], "served": [0.9, 0.2], "baseline": [0.5, 0.5]})


def made(records: Callable[..., Any], told: list[Any]) -> dict[str, Any]:
    return summary("flights", records(told), lambda _: ROWS, 61.5)


def printed(document: dict[str, Any], width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(text(document))
    return console.export_text()


def test_the_shape_is_exactly_the_documented_one(
    records: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    document = json.loads(json.dumps(made(records, year), allow_nan=False))
    assert list(document) == [
        "model", "from", "to", "rows", "windows", "seconds", "drift_episodes", "alerts",
        "retrains", "rollouts", "performance", "journal",
    ]  # fmt: skip
    assert (document["from"], document["to"]) == ("2013-03-30", "2013-12-31")
    assert (document["windows"], document["seconds"]) == (277, 61.5)
    assert document["rows"] == sum(said["rows"] for _, said in year if said["what"] == "assessed")
    assert document["journal"] == {"records": len(year), "verified": True}
    assert set(document["drift_episodes"][0]) == {"features", "from", "to", "explained_by"}
    assert document["alerts"][2] == {
        "id": "performance-1",
        "severity": "page",
        "reason": "calibration gap -0.081 (mean score below mean label; 99 % interval over days "
        "-0.110 … -0.052; limit 0.05)",
        "fired": "2013-06-04T14:00:00.000000Z",
        "resolved": "2013-07-20T14:00:00.000000Z",
    }
    assert document["alerts"][3]["resolved"] is None
    assert document["retrains"][2] == {
        "id": "m-run-2", "trigger": "drift", "at": "2013-09-30T12:00:00.000000Z",
        "gate": {"verdict": "failed", "reason": "no better"},
    }  # fmt: skip
    assert {k: v for k, v in document["rollouts"][1].items() if k != "reason"} == {
        "challenger": "leaky", "from": "2013-07-22T13:00:00.000000Z",
        "to": "2013-07-23T13:00:00.000000Z", "outcome": "rolled_back",
    }  # fmt: skip
    assert document["performance"] == {
        "frozen": {"auc": 0.5, "brier": 0.25}, "served": {"auc": 1.0, "brier": 0.025},
    }  # fmt: skip


def test_a_journal_without_windows(records: Callable[..., Any]) -> None:
    document = made(records, [])
    assert (document["from"], document["rows"], document["alerts"]) == (None, 0, [])
    assert "no window yet" in printed(document, 100)


def test_the_text_is_short_and_says_how_every_rollout_ended(
    records: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    said = printed(made(records, year), 120)
    assert len(said.splitlines()) <= 60
    assert max(map(len, said.splitlines())) <= 120
    for words in (
        "promoted",
        "rolled_back",
        "stopped",
        "leaky",
        "quality-1",
        "0.2500",
        "Tickets: drift 1, score 1",
    ):
        assert words in said


def test_names_are_no_markup(
    records: Callable[..., Any],
    line: Callable[..., Any],
    year: list[tuple[datetime | dict[Any, Any], ...]],
) -> None:
    at = year[0][0]
    told = [(at, line("rollout", challenger="[red]v2[/red]", phase="stopped", reason="[bold]x"))]
    said = printed(made(records, told), 120)
    assert "[red]v2[/red]" in said
    assert "[bold]x" in said
