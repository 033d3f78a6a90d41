"""What the operator's commands print for people."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from rich.cells import cell_len

from commands.showing import show


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "160")

    def printed(found: Any, view: str) -> str:
        show(found, view)
        return capsys.readouterr().out

    return printed


MODEL = {
    "name": "demand", "champion": "v1", "latest_window": "2024-03-04", "verdict": "drifted",
    "firing": [{"id": "drift-1", "severity": "page"}], "run": None,
    "rollout": {"challenger": "v2", "phase": "shadow"},
}  # fmt: skip
CALM: dict[str, Any] = {"halted": [], "unreachable": []}
ALERT = {
    "id": "demand:drift-1", "severity": "page", "firing": True, "acknowledged_by": None,
    "muted": None, "reason": "drifted on 2024-03-04: x [psi 0.3]",
}  # fmt: skip


def test_models(shown: Any) -> None:
    text = shown({"models": [MODEL], **CALM}, "status")
    for word in ("demand", "v1", "2024-03-04", "drifted", "drift-1", "shadow of v2"):
        assert word in text
    blank = {
        **MODEL, "champion": "", "latest_window": None, "verdict": None, "firing": [],
        "rollout": None,
    }  # fmt: skip
    text = shown({"models": [blank], **CALM}, "status")
    assert "not begun" in text
    assert "none yet" in text
    assert text.count("nothing") == 2
    running = {**blank, "run": "running"}
    assert "running" in shown({"models": [running], **CALM}, "status")
    assert "HALTED" not in text
    assert "UNREACHABLE" not in text


def test_what_is_halted_is_told_below_the_models(shown: Any) -> None:
    stopped = {"partition": "oncall:shop", "since": "2024-03-04T10:00:00Z", "reason": "a [defect]"}
    text = shown({"models": [MODEL], **CALM, "halted": [stopped]}, "status")
    assert (
        "HALTED: oncall:shop since 2024-03-04T10:00:00Z: a [defect]; "
        "fix the cause, then: driftwarden resume oncall:shop"
    ) in text
    unread = {**stopped, "since": None}
    text = shown({"models": [], **CALM, "halted": [unread]}, "status")
    assert "HALTED: oncall:shop: a [defect]" in text


def test_what_cannot_be_reached_is_told_below_the_models(shown: Any) -> None:
    lost = {
        "team": "shop", "receiver": "pager", "since": "2024-03-04T10:00:00Z",
        "reason": "receiver pager: HTTP 404", "left": ["night", "lead"],
    }  # fmt: skip
    text = shown({"models": [MODEL], **CALM, "unreachable": [lost]}, "status")
    told = "UNREACHABLE: pager of team shop since 2024-03-04T10:00:00Z: receiver pager: HTTP 404; "
    assert told + "its pages go to night, lead" in text
    text = shown({"models": [], **CALM, "unreachable": [{**lost, "left": []}]}, "status")
    assert told + "nobody can be paged" in text


def test_alerts(shown: Any) -> None:
    assert shown([], "alerts") == "no alert has fired\n"
    text = shown([{**ALERT, "acknowledged_by": "a.turing", "muted": "silenced by x"}], "alerts")
    assert "firing, acknowledged by a.turing, silenced by x" in text
    # What stands in brackets is text, not markup.
    assert "[psi 0.3]" in text
    assert "resolved" in shown([{**ALERT, "firing": False}], "alerts")


@pytest.mark.parametrize(
    "name",
    [
        "churn:drift-1",
        "churn:refused-build-reference-1",
        "oncall:oncall:unreachable-pager-1",
        "churn:halted-2026-11-30T22:03:15.143244Z",
        "a-long-model-name:objective-availability-of-requests-12",
    ],
)
def test_the_id_of_an_alert_is_whole_at_80_columns(
    shown: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown([{**ALERT, "id": name, "reason": "word " * 30}], "alerts")
    assert f" {name} " in text
    assert max(map(len, text.splitlines())) <= 80


def record(number: int, **line: Any) -> dict[str, Any]:
    return {
        "seq": number, "at": "2024-03-04T10:00:00.000000Z", "hash": "0" * 64,
        "lines": [{"what": "read", **line}],
    }  # fmt: skip


def test_a_journal_without_its_hashes(shown: Any) -> None:
    text = shown([record(1, blob="[a].jsonl", rows=5, report="f" * 64, names=["x"])], "journal")
    assert "2024-03-04 10:00:00" in text
    assert "blob [a].jsonl, rows 5" in text
    assert "ffff" not in text
    assert "names" not in text


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0119078479863, "of 0.01191"),
        (1200.0, "of 1200"),
        (-0.5, "of -0.5"),
        (12_000, "of 12000"),
        (True, "of True"),
        ("", "read"),
        ({"v1": 90, "v2": 10}, "of v1 90 v2 10"),
        ({}, "read"),
        ({"x": [1.0, 2.0]}, "read"),
    ],
)
def test_the_values_of_a_journal_line(shown: Any, value: Any, told: str) -> None:
    assert shown([record(1, of=value)], "journal").splitlines()[1].endswith(told)


def test_a_long_journal_ends_with_its_newest(shown: Any) -> None:
    text = shown([record(i, rows=i) for i in range(50)], "journal")
    assert "rows 49" in text
    assert "rows 9\n" not in text
    assert "the newest 40 of 50 lines; --json prints all" in text
    assert shown([], "journal").strip() != "" or shown([], "journal") == "\n"


def test_verified(shown: Any) -> None:
    records, signed = {"demand": 3, "fleet": 1}, {"demand": 1, "fleet": 1}
    found = {"verified": True, "records": records, "authenticated_from": signed, "notes": []}
    assert shown(found, "verify") == "every journal verified; records: demand 3, fleet 1\n"
    found |= {"authenticated_from": {"demand": 3, "fleet": None}, "notes": ["churn: has not begun"]}
    assert shown(found, "verify").splitlines()[1:] == [
        "demand: authenticated from record 3 on", "churn: has not begun",
    ]  # fmt: skip
    found |= {"records": {}, "authenticated_from": {}}
    assert "records: none yet" in shown(found, "verify")


def test_the_outcome_of_a_command(shown: Any) -> None:
    done = {"id": "c1", "outcome": "done", "seq": 3, "text": "freeze demand: done"}
    assert shown(done, "command") == "freeze demand: done\n"
    assert shown({"id": "c1"}, "sent") == "c1\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


LONG = [
    "word " * 200,
    "first\nsecond\r\nthird",
    "x" * 3_000,
    "東京" * 300,
    "tab\tand [bold]markup[/bold] " * 30,
]


@pytest.mark.parametrize("reason", LONG, ids=range(5))
def test_a_record_is_one_line(shown: Any, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    found = [record(1, rows=5), record(2, reason=reason), record(3, rows=6)]
    piped = shown(found, "journal").splitlines()
    assert len(piped) == 4
    assert " ".join(reason.split()) in piped[2]
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show(found, "journal")
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= 160


def test_a_model_is_one_line_however_many_alerts_fire(shown: Any) -> None:
    firing = [{"id": f"drift-{number}", "severity": "page"} for number in range(40)]
    lines = shown(
        {"models": [{**MODEL, "firing": firing}], "halted": [], "unreachable": []}, "status"
    ).splitlines()
    assert len(lines) == 2
    assert "drift-0, drift-1, drift-2 and 37 more" in lines[1]
    assert lines[1].endswith("shadow of v2")
    assert lines[0].index("under way") == lines[1].index("shadow of v2")


HOSTILE = {
    "escape": ("\x1b[2Jall is well", "\\x1b[2Jall is well"),
    "title": ("\x1b]0;root\x07", "\\x1b]0;root\\x07"),
    "one-byte introducer": ("\x9b31m", "\\x9b31m"),
    "line": ("a\nHALTED: b", "a HALTED: b"),
    "unicode line": ("a\u2028b", "a b"),
    "right to left": ("\u202egnp.exe", "\\u202egnp.exe"),
    "markup": ("[red]a[/red] :bug:", "[red]a[/red] :bug:"),
    "closing markup": ("[/]", "[/]"),
}


@pytest.mark.parametrize(("text", "told"), HOSTILE.values(), ids=HOSTILE)
def test_no_text_of_others_steers_a_terminal(shown: Any, text: str, told: str) -> None:
    rollout = {"challenger": text, "phase": "shadow"}
    model = {**MODEL, "champion": text, "latest_window": text, "rollout": rollout}
    halted = {"partition": text, "since": None, "reason": text}
    lost = {"team": text, "receiver": text, "since": None, "reason": text, "left": [text]}
    alert = {**ALERT, "id": text, "acknowledged_by": text, "muted": text, "reason": text}
    drilled = {"fault": text, "about": text, "seen": text, "told": [text], "after": text}
    counts = {"records": {text: 1}, "authenticated_from": {text: 2}, "notes": [text]}
    views: dict[str, tuple[Any, int]] = {
        "status": ({"models": [model], "halted": [halted], "unreachable": [lost]}, 10),
        "alerts": ([alert], 4),
        "journal": ([record(1, blob=text)], 1),
        "verify": (counts, 3),
        "command": ({"text": text}, 1),
        "sent": ({"id": text}, 1),
        "report": ({"report": text}, 1),
        "drill": ([drilled], 5),
        "page-test": ([{"event": text, "answer": text}], 2),
    }
    for view, (found, times) in views.items():
        out = shown(found, view)
        assert out.count(told) == times, (view, out)
        assert all(one.isprintable() for one in out.replace("\n", "")), view
