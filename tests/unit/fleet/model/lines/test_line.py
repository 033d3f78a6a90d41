"""Journal lines: each kind as it is written, and read back."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from engine import codec, journal
from fleet.model.lines import alerting, logs, operations, serving, training, windows
from fleet.model.lines.line import KINDS, Line, Other, read_line, what_of, write_line
from hosts.local.host import STORE_FILE
from hosts.local.sqlite import SqliteStore
from monitoring.alerts.lifecycle import Phase
from monitoring.drift.verdict import Verdict

STORES = Path(__file__).parents[4] / "resources" / "stores"

#: Every kind as it stands in the journal; of one with fields that may be left out, both forms.
WRITTEN: tuple[tuple[Line, dict[str, Any]], ...] = (
    (operations.Documented("0f3a"), {"what": "documented", "version": "0f3a"}),
    (
        operations.Documented("0f3a", "fleet.yaml:3: no such team"),
        {"what": "documented", "version": "0f3a", "fault": "fleet.yaml:3: no such team"},
    ),
    (
        logs.Read("a.jsonl", 0, 90, 3),
        {"what": "read", "blob": "a.jsonl", "start": 0, "end": 90, "rows": 3},
    ),
    (
        logs.Read("a.jsonl", 0, 90, 3, 0, 2, "byte 9: no object"),
        {
            "what": "read", "blob": "a.jsonl", "start": 0, "end": 90, "rows": 3,
            "unknown": 0, "bad": 2, "reason": "byte 9: no object",
        },
    ),
    (
        logs.Counted("2024-03-04", 80),
        {"what": "counted", "window": "2024-03-04", "rows": 80},
    ),
    (logs.Late("2024-03-04", 80), {"what": "late", "window": "2024-03-04", "rows": 80}),
    (
        logs.Late("1990-01-01", 80, "2023-12-31"),
        {"what": "late", "window": "1990-01-01", "rows": 80, "last": "2023-12-31"},
    ),
    (logs.Shrank("a", 9, 4), {"what": "shrank", "blob": "a", "read": 9, "size": 4}),
    (
        logs.Unread("a", 7, "it failed 5 times: KeyError: 'x'"),
        {"what": "unread", "blob": "a", "start": 7, "reason": "it failed 5 times: KeyError: 'x'"},
    ),
    (
        windows.Unjudged("2024-03-04", "inputs", "no such blob"),
        {"what": "unjudged", "window": "2024-03-04", "of": "inputs", "reason": "no such blob"},
    ),
    (
        logs.Ahead("a.jsonl", 5, "2031-01-01", "2031-01-02"),
        {
            "what": "ahead", "blob": "a.jsonl", "rows": 5, "first": "2031-01-01",
            "last": "2031-01-02",
        },
    ),
    (
        logs.Unmatched("l.jsonl", "never predicted"),
        {"what": "unmatched", "blob": "l.jsonl", "reason": "never predicted"},
    ),
    (
        logs.Unfinished("a.jsonl", 90, 1, "byte 90: 7 bytes"),
        {
            "what": "unfinished", "blob": "a.jsonl", "start": 90, "bad": 1,
            "reason": "byte 90: 7 bytes",
        },
    ),
    (
        logs.Stranger("blue", "a.jsonl", "no version has this name"),
        {
            "what": "stranger", "deployment": "blue", "source": "a.jsonl",
            "reason": "no version has this name",
        },
    ),
    (
        windows.Assessed(
            "2024-03-04", 100, Verdict.STABLE, {}, {"x": 0.25, "y": None}, None, None, (), "r",
        ),
        {
            "what": "assessed", "window": "2024-03-04", "rows": 100, "verdict": "stable",
            "stream": {}, "psi": {"x": 0.25, "y": None}, "score_psi": None, "event": None,
            "quality": [], "report": "r",
        },
    ),
    (
        windows.Assessed(
            "2024-03-04", 100, Verdict.DRIFTED, {"x": Verdict.DRIFTING}, {"x": 0.25}, 0.5,
            "strike", ("x is missing",), "r", "3 Sundays", {"x": "2024-03-02"},
            {"brier": (0.2, 0.1, 0.3)},
        ),
        {
            "what": "assessed", "window": "2024-03-04", "rows": 100, "verdict": "drifted",
            "stream": {"x": "drifting"}, "psi": {"x": 0.25}, "score_psi": 0.5, "event": "strike",
            "quality": ["x is missing"], "report": "r", "against": "3 Sundays",
            "since": {"x": "2024-03-02"}, "estimate": {"brier": [0.2, 0.1, 0.3]},
        },
    ),
    (
        windows.Joined(
            "2024-03-04", 90, 100, 1, "healthy", "as usual",
            {"served": {"auc": 0.7, "brier": None}}, {"auc": 0.7}, "j", "strike",
        ),
        {
            "what": "joined", "window": "2024-03-04", "labelled": 90, "expected": 100,
            "contradictions": 1, "health": "healthy", "reason": "as usual",
            "scores": {"served": {"auc": 0.7, "brier": None}}, "rolling": {"auc": 0.7},
            "rows": "j", "explained_by": "strike",
        },
    ),
    (
        windows.Reference("v1", "ref", 89, 7000),
        {"what": "reference", "version": "v1", "reference": "ref", "days": 89, "rows": 7000},
    ),
    (
        windows.Reference(
            "v1", "ref", 2, 200, "old", "g.hopper", "new terminal", "2024-03-01", "2024-03-02",
            "3 rows were left out",
        ),
        {
            "what": "reference", "version": "v1", "reference": "ref", "days": 2, "rows": 200,
            "before": "old", "by": "g.hopper", "reason": "new terminal", "first": "2024-03-01",
            "last": "2024-03-02", "note": "3 rows were left out",
        },
    ),
    (
        windows.Report("2024-03-04", "drift-1", "blob"),
        {"what": "report", "window": "2024-03-04", "of": "drift-1", "report": "blob"},
    ),
    (
        windows.Report("2024-03-04", "drift-1", note="no report: rows are gone"),
        {
            "what": "report", "window": "2024-03-04", "of": "drift-1",
            "note": "no report: rows are gone",
        },
    ),
    (
        windows.Event(
            "strike", "2024-03-11", "2024-03-12", "other", "strike.ics", "unused", "unused", 0, 0
        ),
        {
            "what": "event", "event": "strike", "first": "2024-03-11", "last": "2024-03-12",
            "category": "other", "source": "strike.ics", "outcome": "unused", "reason": "unused",
            "windows": 0, "alerts": 0,
        },
    ),
    (
        training.Trigger(False, "drift", "cooling down"),
        {"what": "trigger", "fire": False, "kind": "drift", "reason": "cooling down"},
    ),
    (
        training.Trigger(
            True, "drift", "x drifted", "m-run-1", ("2024-03-01",), ("2024-03-02",), ()
        ),
        {
            "what": "trigger", "fire": True, "kind": "drift", "reason": "x drifted",
            "run": "m-run-1", "days": ["2024-03-01"], "holdout": ["2024-03-02"], "left_out": [],
        },
    ),
    (
        training.Run("m-run-1", "failed", None, "exit 1"),
        {"what": "run", "run": "m-run-1", "phase": "failed", "version": None, "reason": "exit 1"},
    ),
    (
        training.Registered("v2", None, ""),
        {"what": "registered", "version": "v2", "waived_by": None, "reason": ""},
    ),
    (
        training.Surveyed("2024-03-04T10:00:00.000000Z"),
        {"what": "surveyed", "newest": "2024-03-04T10:00:00.000000Z"},
    ),
    (
        training.Gate("m-run-1", "v2", "drift", "passed", "better"),
        {
            "what": "gate", "id": "m-run-1", "version": "v2", "trigger": "drift",
            "verdict": "passed", "reason": "better",
        },
    ),
    (
        serving.Rollout(
            "m-rollout-1", "v2", "v1", "canary", 1, "held", None, {"errors": "cleared"}
        ),
        {
            "what": "rollout", "id": "m-rollout-1", "challenger": "v2", "champion": "v1",
            "phase": "canary", "stage": 1, "reason": "held", "waived_by": None,
            "guards": {"errors": "cleared"},
        },
    ),
    (
        serving.Champion("v2", "v1", "adopted"),
        {"what": "champion", "version": "v2", "before": "v1", "reason": "adopted"},
    ),
    (
        serving.Traffic({"v1": 100}, ("v2",)),
        {"what": "traffic", "weights": {"v1": 100}, "shadow": ["v2"]},
    ),
    (
        serving.Foreign({"v2": 100}, {"v1": 100}, (), "hold"),
        {
            "what": "foreign", "weights": {"v2": 100}, "wanted": {"v1": 100}, "shadow": [],
            "policy": "hold",
        },
    ),
    (
        serving.Foreign({"v1": 100}, {"v1": 100}, reason="v2 had 100 %"),
        {
            "what": "foreign", "weights": {"v1": 100}, "wanted": {"v1": 100},
            "reason": "v2 had 100 %",
        },
    ),
    (
        serving.Mirror((), ("v2",), "the mirror was dropped"),
        {"what": "mirror", "shadow": [], "wanted": ["v2"], "reason": "the mirror was dropped"},
    ),
    (serving.Restored({"v1": 100}), {"what": "restored", "weights": {"v1": 100}}),
    (
        alerting.Alert("drift-1", Phase.FIRING, "drift", "page", "x drifted", ("x",), None),
        {
            "what": "alert", "alert": "drift-1", "phase": "firing", "kind": "drift",
            "severity": "page", "reason": "x drifted", "features": ["x"], "explained_by": None,
        },
    ),
    (
        alerting.Slo("available", "burning", ("14.4 times",)),
        {
            "what": "slo", "objective": "available", "verdict": "burning",
            "reasons": ["14.4 times"],
        },
    ),
    (
        alerting.AzureAlert(
            "High latency", "Fired", "Sev1", "endpoint e", "2024-03-04T10:00:00.000000Z", "slow"
        ),
        {
            "what": "azure_alert", "rule": "High latency", "phase": "Fired", "severity": "Sev1",
            "target": "endpoint e", "at": "2024-03-04T10:00:00.000000Z", "reason": "slow",
        },
    ),
    (
        alerting.Silence("no request", 41.5),
        {"what": "silence", "reason": "no request", "expected": 41.5},
    ),
    (
        alerting.Quiet("few requests", None),
        {"what": "quiet", "reason": "few requests", "expected": None},
    ),
    (
        alerting.Notified("m:drift-1", "firing", "page", "x drifted"),
        {
            "what": "notified", "alert": "m:drift-1", "status": "firing", "severity": "page",
            "reason": "x drifted",
        },
    ),
    (
        alerting.Page("duty", "page", "escalated", "unanswered: x drifted"),
        {
            "what": "page", "receiver": "duty", "severity": "page", "event": "escalated",
            "title": "unanswered: x drifted",
        },
    ),
    (
        alerting.Undelivered("duty", "firing", "shop:drift-1", "HTTP 404", True),
        {
            "what": "undelivered", "receiver": "duty", "event": "firing",
            "incident": "shop:drift-1", "reason": "HTTP 404", "permanent": True,
        },
    ),
    (
        alerting.Delivered("duty", "shop:drift-1"),
        {"what": "delivered", "receiver": "duty", "incident": "shop:drift-1"},
    ),
    (operations.Policy("c0ffee"), {"what": "policy", "hash": "c0ffee"}),
    (operations.Dormant("left fleet.yaml"), {"what": "dormant", "reason": "left fleet.yaml"}),
    (
        operations.Command("freeze", "g.hopper", "sale", "m"),
        {"what": "command", "verb": "freeze", "by": "g.hopper", "reason": "sale", "target": "m"},
    ),
    (
        operations.Command("resume", "g.hopper", "fixed", "m", "a defect"),
        {
            "what": "command", "verb": "resume", "by": "g.hopper", "reason": "fixed",
            "target": "m", "halted": "a defect",
        },
    ),
    (operations.Refused("no such alert"), {"what": "refused", "reason": "no such alert"}),
    (
        operations.Refused("no receiver", "page:k"),
        {"what": "refused", "id": "page:k", "reason": "no receiver"},
    ),
    (
        operations.Parked("e1", "no size"),
        {"what": "parked", "id": "e1", "reason": "no size"},
    ),
    (
        operations.Noticed("clock", "the clock went back"),
        {"what": "noticed", "id": "clock", "reason": "the clock went back"},
    ),
    (
        operations.Noted("Some.ModelDeployed", "endpoints/m", None),
        {"what": "noted", "type": "Some.ModelDeployed", "subject": "endpoints/m", "at": None},
    ),
    (
        operations.Unknown("Some.Event", "somewhere"),
        {"what": "unknown", "type": "Some.Event", "source": "somewhere"},
    ),
)  # fmt: skip


@pytest.mark.parametrize(("line", "written"), WRITTEN, ids=[what_of(line) for line, _ in WRITTEN])
def test_a_line_is_written_as_json_and_read_back(line: Line, written: dict[str, Any]) -> None:
    assert json.loads(json.dumps(write_line(line))) == written
    assert read_line(written) == line


def test_every_kind_is_among_the_written_ones() -> None:
    assert {what_of(line) for line, _ in WRITTEN} == set(KINDS)


@pytest.mark.parametrize("archive", sorted(STORES.glob("*.tar.xz")), ids=lambda path: path.stem)
def test_recorded_journals_are_written_again_byte_for_byte(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    store = SqliteStore(tmp_path / "var" / STORE_FILE)
    kinds = set()
    for partition in store.partitions():
        for record in journal.read(store, partition):
            lines = [read_line(line) for line in record.lines]
            assert not [line for line in lines if isinstance(line, Other)]
            again = [write_line(line) for line in lines]
            assert codec.to_json(again) == codec.to_json(list(record.lines))
            kinds |= {what_of(line) for line in lines}
    store.close()
    assert kinds >= {"policy", "read", "assessed", "joined", "trigger", "run", "gate", "rollout"}


@pytest.mark.parametrize(
    "written",
    [
        {"what": "tomorrow", "sun": [1, {"a": None}]},
        {"what": "late", "window": "2024-03-04"},
        {"what": "late", "window": "2024-03-04", "rows": "many"},
    ],
    ids=["another kind", "a field is missing", "a field is of another type"],
)
def test_a_line_that_does_not_fit_is_kept_as_it_is(written: dict[str, Any]) -> None:
    line = read_line(written)
    assert isinstance(line, Other)
    assert what_of(line) == written["what"]
    assert write_line(line) == written


def test_a_field_that_an_earlier_version_did_not_write_has_its_default() -> None:
    written = dict(next(one for line, one in WRITTEN if isinstance(line, windows.Joined)))
    del written["explained_by"]
    line = read_line(written)
    assert isinstance(line, windows.Joined)
    assert line.explained_by is None
