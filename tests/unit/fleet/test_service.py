"""The service verbs on a real loop and store: what any face may ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from engine import journal
from engine.errors import Broken, Refused, Unavailable
from engine.step import Delivery
from fleet.commands import Command
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.instruments import METRICS, Instrument
from fleet.model.facts import Asked
from fleet.model.results import Reported
from fleet.partitions import FLEET
from fleet.telemetry import Silent
from monitoring.alerts.lifecycle import Severity
from tests.doubles import azure_alerts as azure
from tests.unit.fleet.desk import NOW, Desk

VIEWS = (
    "there are models, alerts, halted, unreachable, metrics, events/MODEL, journal/MODEL and "
    "reports/MODEL"
)


def test_begin_configures_every_model_once(desk: Desk) -> None:
    for name in ("demand", "fraud"):
        hashed = desk.fleet.models[name].hash
        assert desk.said(name, "policy") == [{"what": "policy", "hash": hashed}]
    assert desk.said("demand", "reference")[0]["rows"] == 80
    before = len(desk.lines("demand"))
    desk.service.begin()
    desk.settle()
    assert len(desk.lines("demand")) == before


def test_a_reference_that_cannot_be_read_is_told(desk: Desk) -> None:
    (line,) = desk.said("fraud", "refused")
    assert line["reason"] == "fraud.parquet: no such file"
    assert desk.said("fraud", "alert")[0]["reason"].startswith("build_reference was refused: ")


def test_a_changed_policy_is_journalled_and_back_again(
    desk: Desk, resolve: Callable[..., Fleet]
) -> None:
    other = resolve(("slow_ms: 100", "slow_ms: 200"))
    first = desk.service
    for service in (desk.opened(other), first, desk.opened(other)):
        desk.service = service
        service.begin()
        desk.settle()
    hashes = [line["hash"] for line in desk.said("demand", "policy")]
    mine, theirs = desk.fleet.models["demand"].hash, other.models["demand"].hash
    assert hashes == [mine, theirs, mine, theirs]


def test_ingest_delivers_parks_or_lets_pass(desk: Desk) -> None:
    event = {"id": "e1", "type": "Driftwarden.RetrainRequested", "data": {"model": "demand"}}
    assert desk.service.ingest(event) == "demand"
    assert desk.service.ingest({"id": "e2", "type": "Contoso.Lunch"}) == "fleet"
    assert desk.service.ingest({"nonsense": object()}) == "fleet"
    own = {"modelTags": {"driftwarden.run": "r"}}
    kind = "Microsoft.MachineLearningServices.ModelRegistered"
    assert desk.service.ingest({"id": "e3", "type": kind, "data": own}) is None
    desk.settle()
    assert [line["type"] for line in desk.said("fleet", "unknown")] == ["Contoso.Lunch"]
    (parked,) = desk.said("fleet", "parked")
    assert parked["reason"] == "event: 'id' is missing; every event carries one"
    assert desk.said("demand", "command")[0]["verb"] == "event"


def test_the_same_event_twice_is_taken_in_once(desk: Desk) -> None:
    for _ in range(2):
        for event in (
            {"id": "e1", "type": "Driftwarden.RetrainRequested", "data": {"model": "demand"}},
            {"id": "e2", "type": "Contoso.Lunch"},
            {"broken": True},
        ):
            desk.service.ingest(event)
        desk.settle()
    assert len(desk.said("demand", "command")) == 1
    assert len(desk.said("fleet", "parked")) == 1
    desk.service.ingest({"id": "e9", "type": "Contoso.Lunch"})
    desk.settle()
    assert len(desk.said("fleet", "unknown")) == 1


def test_what_is_malformed_is_refused_once_for_as_long_as_it_is_remembered(desk: Desk) -> None:
    broken = {"id": "e1", "type": "Driftwarden.RetrainRequested", "data": {"model": "nobody"}}
    for _ in range(3):
        assert desk.service.ingest(broken) == "fleet"
        desk.settle()
    (message,) = desk.refused
    assert json.loads(message) == {
        "reason": "event e1: model 'nobody' is not in fleet.yaml",
        "at": "2024-03-04T10:00:00.000000Z",
        "event": broken,
    }
    assert len(desk.said("fleet", "parked")) == 1
    desk.clock.moment = NOW + timedelta(days=9)
    desk.service.sweep()
    desk.service.ingest(broken)
    assert len(desk.refused) == 2


def test_a_worker_that_dies_while_it_refuses_loses_nothing(desk: Desk) -> None:
    def dies(message: str) -> None:
        desk.refused.append(message)
        raise Unavailable("the queue took it and did not answer")

    broken = {"id": "e1"}
    with pytest.raises(Unavailable):
        replace(desk.service, refuse=dies).ingest(broken)
    desk.service.ingest(broken)
    desk.settle()
    assert len(set(desk.refused)) == 1
    assert len(desk.said("fleet", "parked")) == 1


@pytest.mark.parametrize(
    "content",
    [
        None, 7, "text", [1], {"id": "\ud800"}, {"id": "e" * 100_000, "type": "x"},
        {"id": "e1", "type": "x", "subject": "\ud800" * 3000, "data": "x" * 2_000_000},
        {"id": ["x" * 70_000]},
    ],
)  # fmt: skip
def test_nothing_that_comes_makes_ingest_raise(desk: Desk, content: Any) -> None:
    assert desk.service.ingest(content) == "fleet"
    desk.settle()
    assert len(desk.said("fleet", "parked")) == 1
    (message,) = desk.refused
    assert len(message.encode()) <= 48 * 1024


@pytest.mark.parametrize(
    "content",
    [
        {"id": "e1", "eventType": "Driftwarden.RetrainRequested", "data": {"model": "demand"}},
        {"id": "e2", "type": "Driftwarden.RetrainRequested", "data": {"model": "demand"}},
        {"id": "e3", "eventType": "Contoso.Thing", "data": {"é": ["\U0001f600", 1.5, None]}},
        {"id": "e4", "eventType": "Driftwarden.RetrainRequested", "data": {}},
        "no event",
    ],
)
def test_an_event_that_the_store_cannot_take_is_kept_for_later(desk: Desk, content: Any) -> None:
    kept: list[tuple[str, timedelta]] = []
    late = Unavailable("the table is busy", timedelta(seconds=7))
    service = replace(desk.service, keep=lambda body, delay: kept.append((body, delay)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(service.loop), "deliver", raising(late))
        assert service.ingest(content) is None
    ((body, delay),) = kept
    assert (json.loads(body), delay) == (content, late.delay)
    assert service.ingest(json.loads(body)) in ("demand", FLEET)


@pytest.mark.parametrize("reason", [Refused("a message of 70000 bytes"), Unavailable("no queue")])
def test_an_event_that_cannot_be_kept_is_sent_again(desk: Desk, reason: Exception) -> None:
    late = Unavailable("the table is busy")
    document = {"id": "e1", "eventType": "Contoso.Thing"}
    for keep in (None, raising(reason)):
        service = replace(desk.service, keep=keep)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(type(service.loop), "deliver", raising(late))
            with pytest.raises(Unavailable, match="the table is busy"):
                service.ingest(document)


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_files_of_other_containers_are_left_alone(desk: Desk) -> None:
    subject = "/blobServices/default/containers/{}/blobs/traffic/shop-demand/a.jsonl"
    event = {"id": "e1", "type": "Microsoft.Storage.BlobCreated", "data": {"contentLength": 3}}
    assert desk.service.ingest({**event, "subject": subject.format("others")}) is None
    assert desk.service.ingest({**event, "subject": subject.format("logs")}) == "demand"
    assert desk.refused == []


def test_tick_rings_for_what_is_due(desk: Desk) -> None:
    assert desk.service.tick() == ()
    due = desk.store.next_wake()
    assert due is not None
    desk.clock.moment = due
    assert "demand" in desk.service.tick() or "fraud" in desk.service.tick()
    assert desk.rung


def test_sweep_forgets_what_is_over_and_rings_for_all(desk: Desk) -> None:
    desk.clock.moment = NOW + timedelta(days=9)
    assert desk.service.sweep() > 0
    assert {"demand", "fraud"} <= set(desk.rung)
    desk.settle()
    desk.rung.clear()
    journal.verify(desk.store, "demand")


def test_commands_reach_whom_they_concern(desk: Desk) -> None:
    assert desk.command("retrain", "demand", "1") == ("demand",)
    later = NOW + timedelta(days=1)
    assert desk.command("freeze", "--all", "2", until=later) == ("demand", "fraud")
    assert desk.command("unfreeze", "--all", "3") == ("demand", "fraud")
    assert desk.command("rollback", "demand", "4") == ("demand",)
    assert desk.command("approve", "demand-rollout-1", "5") == ("demand",)
    assert desk.command("silence", "demand/x", "6", until=later) == ("oncall:shop",)
    assert desk.command("unsilence", "6", "7") == ("oncall:shop",)
    said = [line["verb"] for line in desk.said("demand", "command")]
    assert said == ["retrain", "freeze", "unfreeze"]
    assert [line["id"] for line in desk.said("demand", "refused")] == ["4", "5"]
    (first, *_) = desk.said("demand", "command")
    assert (first["by"], first["reason"], first["target"]) == ("g.hopper", "because", "demand")


def test_a_change_is_reported_by_a_command_or_an_event_of_one_model_or_of_all(
    desk: Desk,
) -> None:
    until = NOW + timedelta(days=1)
    assert desk.command("note", "demand", "c1", kind="campaign", until=until) == ("demand",)
    assert desk.command("note", "--all", "c2", at=NOW - timedelta(days=9)) == ("demand", "fraud")
    event = {
        "id": "e1", "type": "Driftwarden.Changed", "source": "/ci", "time": "2024-03-04T09:00:00Z",
        "data": {"model": "--all", "text": "new prices", "kind": "deployment"},
    }  # fmt: skip
    for _ in range(2):
        assert desk.service.ingest(event) == "fleet"
    desk.settle()
    told = [[line["subject"] for line in desk.said(name, "noted")] for name in ("demand", "fraud")]
    assert told == [["because", "because", "new prices"], ["because", "new prices"]]
    (first, *_) = desk.said("demand", "noted")
    assert (first["kind"], first["by"], first["until"]) == (
        "campaign", "g.hopper", "2024-03-05T10:00:00.000000Z",
    )  # fmt: skip
    assert desk.said("fleet", "parked") == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"kind": "party"}, "note demand: kind 'party'; known are note, deployment, schema"),
        ({"until": NOW - timedelta(days=1), "at": NOW}, "note demand: until 2024-03-03T10:00Z is"),
        ({"until": NOW - timedelta(days=1)}, "note demand: until 2024-03-03T10:00Z is before at"),
        ({"at": NOW.replace(year=9999)}, "note demand: at the year 9999"),
        ({"target": "demand/x"}, "note demand/x: write MODEL"),
        ({"verb": "retrain", "kind": "schema"}, "retrain demand: kind and at belong to `note`"),
        ({"verb": "freeze", "at": NOW}, "freeze demand: kind and at belong to `note`"),
    ],
)
def test_a_note_that_makes_no_sense_is_refused(
    desk: Desk, more: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        desk.command(**{"verb": "note", "target": "demand", **more})
    assert str(refused.value).startswith(reason)


@pytest.mark.parametrize(
    ("verb", "target", "reason"),
    [
        ("retrain", "nobody", "retrain nobody: no such model; known are demand, fraud"),
        ("retrain", "--all", "retrain --all: no such model; known are demand, fraud"),
        ("ack", "nobody:drift-1", "ack nobody:drift-1: no such model; known are demand, fraud"),
        ("freeze", "demand", "freeze demand: 'until' is missing; a freeze needs an end"),
        ("dance", "demand", "unknown verb 'dance'; known are ack, approve, cancel, freeze, note, "
         "reference, report, resume, retrain, rollback, silence, unfreeze, unsilence"),
    ],
)  # fmt: skip
def test_a_command_that_makes_no_sense_is_refused(
    desk: Desk, verb: str, target: str, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        desk.command(verb, target)
    assert str(refused.value) == reason


LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("verb", "target", "until"),
    [
        ("unfreeze", "demand", None),
        ("retrain", "demand", None),
        ("freeze", "demand", LATER + timedelta(days=1)),
        ("freeze", "--all", LATER),
        ("rollback", "demand", None),
        ("report", "demand", None),
    ],
)
@pytest.mark.parametrize("taken", [True, False], ids=["taken in", "waiting"])
def test_an_id_of_another_command_is_refused_and_not_answered_as_done(
    desk: Desk, verb: str, target: str, until: datetime | None, taken: bool
) -> None:
    first = Command("freeze", "demand", "g.hopper", "because", "c1", LATER)
    desk.service.command(first)
    if taken:
        desk.settle()
    with pytest.raises(Refused) as refused:
        desk.service.command(Command(verb, target, "g.hopper", "because", "c1", until))
    told = "the id c1 was given to another command; give this one a new id"
    assert str(refused.value) == f"{verb} {target}: {told}"
    # The same command again is the same command.
    assert desk.service.command(first) == ("demand",)
    desk.settle()
    assert [line["verb"] for line in desk.said("demand", "command")] == ["freeze"]
    assert desk.said("fraud", "command") == []


DAYS = ("2024-03-01", "2024-03-02")


def test_a_reference_that_is_asked_for_is_built_and_told(desk: Desk) -> None:
    before = desk.service.loop.head("demand").state.windows.reference
    assert desk.command("reference", "demand", days=(DAYS[1], DAYS[1])) == ("demand",)
    state = desk.service.loop.head("demand").state
    assert state.windows.reference != before
    told = desk.said("demand", "reference")[-1]
    assert (told["before"], told["reference"]) == (before, state.windows.reference)
    assert (told["by"], told["reason"], told["rows"]) == ("g.hopper", "because", 40)
    # The same delivery again is the same command.
    desk.command("reference", "demand", days=(DAYS[1], DAYS[1]))
    assert len(desk.said("demand", "reference")) == 2


def test_a_table_that_is_no_reference_is_refused_and_tickets(desk: Desk) -> None:
    before = desk.service.loop.head("demand").state.windows.reference
    desk.world.tables["bad.parquet"] = pa.table({"day": [DAYS[0]]})
    desk.command("reference", "demand", data="bad.parquet")
    state = desk.service.loop.head("demand").state
    assert state.windows.reference == before
    assert "bad.parquet: needs a column 'time'" in desk.said("demand", "refused")[0]["reason"]
    assert state.alerting.alerts["refused-build-reference"].severity is Severity.TICKET


@pytest.mark.parametrize(
    ("reason", "fields", "why"),
    [
        (" ", {"data": "a"}, "give a reason; the reference never changes without one"),
        ("r", {}, "give a table, or a first and a last day"),
        ("r", {"data": "a", "days": DAYS}, "give a table, or a first and a last day"),
        ("r", {"days": (DAYS[1], DAYS[0])}, "2024-03-01 is before 2024-03-02"),
        ("r", {"days": (DAYS[1], "")}, "a first and a last day as 2026-01-31: "),
        *(
            ("r", {"data": path}, "give a table below the folder of fleet.yaml: ")
            for path in (
                ".env",
                "/etc/passwd",
                "../a.csv",
                "data/../../a.csv",
                "data/.cache/a.csv",
                "az://rows/.git/a.csv",
                "az://../a.csv",
            )
        ),
    ],
)
def test_what_could_never_become_a_reference_is_refused_at_once(
    desk: Desk, reason: str, fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused) as refused:
        desk.service.command(Command("reference", "demand", "g", reason, "c", **fields))
    assert str(refused.value).startswith(f"reference demand: {why}")


def test_a_page_goes_out_and_an_acknowledgement_comes_back(desk: Desk) -> None:
    """`group_wait` is nothing: the page is sent in the step that hears of the alert."""
    desk.notify()
    (page,) = desk.pages()
    assert (page.receiver, page.severity) == ("duty", Severity.PAGE)
    (alert,) = [alert for alert in desk.service.read("alerts") if alert["model"] == "demand"]
    assert (alert["id"], alert["team"], alert["firing"]) == ("demand:drift-1", "shop", True)
    assert alert["acknowledged_by"] is None
    assert desk.command("ack", "demand:drift-1") == ("oncall:shop",)
    (alert,) = [alert for alert in desk.service.read("alerts") if alert["model"] == "demand"]
    assert alert["acknowledged_by"] == "g.hopper"
    # The model is told: it knows no such alert here, which it writes down.
    (told,) = desk.said("demand", "command")
    assert (told["verb"], told["target"]) == ("ack", "drift-1")


@pytest.mark.parametrize(
    ("model", "alert"),
    [
        ("oncall:shop", "unreachable-pager-1"),
        ("oncall:ops", "halted-2024-03-04T10"),
        ("fleet", "halted-2024-03-04T10"),
    ],
)
def test_an_alert_of_no_model_is_acknowledged_where_it_is_known(
    desk: Desk, model: str, alert: str
) -> None:
    desk.notify(model, alert)
    assert desk.command("ack", f"{model}:{alert}") == ("oncall:shop",)
    found: Any = desk.service.read("alerts")
    known = {one["id"]: one["acknowledged_by"] for one in found}
    assert known[f"{model}:{alert}"] == "g.hopper"


def test_a_silence_holds_a_page_until_it_is_lifted(desk: Desk) -> None:
    desk.command("silence", "demand", "s1", until=NOW + timedelta(hours=4))
    desk.notify()
    assert desk.pages() == []
    (alert,) = [alert for alert in desk.service.read("alerts") if alert["model"] == "demand"]
    assert alert["muted"] == "silenced by g.hopper until 2024-03-04 14:00 UTC"
    desk.command("unsilence", "s1", "c2")
    assert len(desk.pages()) == 1


def test_a_silence_of_one_feature_leaves_the_others_alone(desk: Desk) -> None:
    desk.command("silence", "demand/score", "s1", until=NOW + timedelta(hours=4))
    desk.notify()
    assert len(desk.pages()) == 1


def test_views(desk: Desk) -> None:
    models: Any = desk.service.read("models")
    assert [model["name"] for model in models] == ["demand", "fraud"]
    assert models[0]["latest_window"] == "2024-03-02"
    one: Any = desk.service.read("models", "demand")
    assert list(one["days"]) == ["2024-03-01", "2024-03-02"]
    records = desk.service.read("journal", "demand")
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert desk.service.read("journal", "demand", "2024-03-05T00:00Z") == []
    assert desk.service.read("journal", "fleet") == []
    assert desk.service.read("journal", "oncall:shop") != []
    partitions = len(desk.store.partitions())
    assert desk.service.health() == {
        "status": "ok", "partitions": partitions, "halted": [], "unreachable": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("view", "name", "since", "reason"),
    [
        ("models", "nobody", None, "no model 'nobody'; known are demand, fraud"),
        ("journal", "nobody", None, "no model 'nobody'; known are demand, fraud"),
        ("journal", None, None, "no view 'journal'; " + VIEWS),
        ("alerts", "x", None, "no view 'alerts'; " + VIEWS),
        ("pets", None, None, "no view 'pets'; " + VIEWS),
        ("journal", "demand", "soon", "since 'soon' is not an ISO 8601 instant, e.g. "
         "2026-01-31T00:00Z"),
        ("journal", "demand", "2024-01-01", "since '2024-01-01' has no zone; add Z for UTC"),
    ],
)  # fmt: skip
def test_a_view_that_is_not_there_is_refused(
    desk: Desk, view: str, name: str | None, since: str | None, reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        desk.service.read(view, name, since)
    assert str(refused.value) == reason


def test_a_model_that_left_the_file_is_left_alone_and_comes_back(
    desk: Desk, resolve: Callable[..., Fleet]
) -> None:
    fewer = Fleet({"fraud": desk.fleet.models["fraud"]}, desk.fleet.teams)
    before = desk.service
    desk.service = desk.opened(fewer)
    desk.service.begin()
    desk.settle()
    with pytest.raises(Refused, match="no model 'demand'; known are fraud"):
        desk.service.read("models", "demand")
    desk.service = before
    desk.service.begin()
    desk.settle()
    model: Any = desk.service.read("models", "demand")
    assert model["champion"] == "v1"


def test_every_metric_of_a_model_is_measured_and_no_other(desk: Desk) -> None:
    desk.service.begin()
    desk.settle()
    points: Any = desk.service.read("metrics")
    measured = {
        name
        for name, metric in METRICS.items()
        if metric.instrument is Instrument.GAUGE and {"model", "partition"} & {*metric.attributes}
    }
    assert {point["metric"] for point in points} == measured | {"driftwarden.unmeasured"}
    assert all(set(p["attributes"]) == set(METRICS[p["metric"]].attributes) for p in points)
    found = {p["metric"]: p["value"] for p in points if "demand" in p["attributes"].values()}
    assert found["driftwarden.traffic.weight"] == 100
    assert found["driftwarden.effects.owed"] == 0
    assert found["driftwarden.alerts.firing"] == 0


def test_a_model_that_left_the_document_sleeps_and_keeps_its_state(desk: Desk) -> None:
    desk.service.begin()
    desk.settle()
    before = desk.service.loop.head("demand").state
    others = {name: kept for name, kept in desk.fleet.models.items() if name != "demand"}
    smaller = desk.opened(Fleet(others, desk.fleet.teams))
    desk.service = smaller
    for _ in range(2):
        smaller.begin()
        desk.settle()
    after = smaller.loop.head("demand").state
    assert after.dormant
    assert after.champion == before.champion
    assert len(desk.said("demand", "dormant")) == 1
    desk.service = desk.opened(desk.fleet)
    desk.service.begin()
    desk.settle()
    assert not desk.service.loop.head("demand").state.dormant


@pytest.mark.parametrize("partition", ["demand", "oncall:shop"])
def test_a_halt_is_lifted_by_a_command_that_is_written_down(
    desk: Desk, partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*words: Any) -> None:
        raise Broken("a defect")

    with monkeypatch.context() as defect:
        defect.setattr(FleetDomain, "step", broken)
        told = Delivery(partition, "one", Asked("freeze", "a.turing", "", "c0", "demand", NOW))
        desk.service.loop.deliver(told, NOW)
        with pytest.raises(Broken, match="halted: a defect"):
            desk.service.drain(partition)
        assert desk.service.loop.head(partition).halted == "a defect"
        desk.rung.clear()
    assert desk.command("resume", partition) == (partition,)
    assert desk.service.loop.head(partition).halted == ""
    (said,) = (line for line in desk.said(partition, "command") if line["verb"] == "resume")
    assert said == {
        "what": "command", "verb": "resume", "by": "g.hopper", "reason": "because",
        "target": partition, "halted": "a defect", "id": "c1",
    }  # fmt: skip
    # The fact that waited was taken in.
    assert not desk.store.scan(partition, "in:", pending=True)
    journal.verify(desk.store, partition)


def test_only_what_is_halted_is_resumed(desk: Desk) -> None:
    with pytest.raises(Refused, match="demand is not halted"):
        desk.command("resume", "demand")
    with pytest.raises(Refused, match="resume nobody: no such model"):
        desk.command("resume", "nobody")


def test_a_report_is_asked_for_told_and_read(desk: Desk) -> None:
    with pytest.raises(Refused, match="report demand: a window as 2026-01-31"):
        desk.command("report", "demand", days=("monday", ""))
    desk.command("report", "demand", "c2", days=("2024-03-02", ""))
    (line,) = desk.service.read("reports", "demand")
    assert (line["of"], line["window"]) == ("c2", "2024-03-02")
    assert line["note"] == "no report: this host draws no reports"
    with pytest.raises(Refused, match=r"^no report: this host draws no reports$"):
        desk.service.report("demand", "c2")
    with pytest.raises(Refused, match=r"^no report 'c3' of demand yet$"):
        desk.service.report("demand", "c3")


def test_a_report_is_the_newest_of_its_name_and_no_other_blob(desk: Desk) -> None:
    kept = [desk.service.blobs.put(text) for text in (b"old", b"new")]
    for number, name in enumerate(kept):
        fact = Reported("2024-03-02", "drift-1", name)
        desk.service.loop.deliver(Delivery("demand", f"r{number}", fact), NOW)
        desk.settle()
    assert desk.service.report("demand", "drift-1") == b"new"
    with pytest.raises(Refused):
        desk.service.report("demand", kept[0])
    with pytest.raises(Refused, match="no model 'pets'"):
        desk.service.report("pets", "drift-1")


def told_by_azure(desk: Desk) -> list[tuple[str, str]]:
    desk.settle()
    return [(line["phase"], line["rule"]) for line in desk.said("demand", "azure_alert")]


def test_an_alert_of_azure_is_taken_in_once_and_opens_an_alert_of_ours(desk: Desk) -> None:
    for _ in range(3):
        assert desk.service.azure_alert(azure.payload()) == ("demand",)
    assert told_by_azure(desk) == [("Fired", "High latency (P99)")]
    assert desk.said("demand", "alert")[-1]["alert"] == "azure-high-latency-p99-1"
    assert desk.said("fraud", "azure_alert") == []


def test_an_end_that_overtakes_the_begin_leaves_nothing_open(desk: Desk) -> None:
    desk.service.azure_alert(azure.resolved())
    desk.settle()
    desk.service.azure_alert(azure.payload())
    assert told_by_azure(desk) == [("Resolved", "High latency (P99)")]
    assert not desk.service.loop.head("demand").state.alerting.live


def test_alerts_on_resources_of_others_are_counted_and_never_parked(desk: Desk) -> None:
    counted: list[str] = []
    telemetry = Silent()
    telemetry.add = lambda metric, *_: counted.append(metric)  # type: ignore[method-assign]
    service = replace(desk.service, telemetry=telemetry)
    own = ["/subscriptions/s/resourceGroups/g/providers/microsoft.insights/components/driftwarden"]
    for targets in (own, [], None):
        document = azure.payload(alertTargetIDs=targets, configurationItems=None)
        assert service.azure_alert(document) == ()
    assert counted == ["driftwarden.azure_alerts.ignored"] * 3
    assert counted[0] in METRICS
    assert desk.refused == []
    assert desk.rung == []


def test_an_alert_that_cannot_be_read_is_refused_and_not_parked(desk: Desk) -> None:
    with pytest.raises(Refused, match="enable the common alert schema"):
        desk.service.azure_alert({"schemaId": "AzureMonitorMetricAlert"})
    assert desk.refused == []


def test_what_the_webhook_missed_is_found_in_the_list(desk: Desk) -> None:
    listed: list[object] = []
    desk.service = replace(desk.service, listed=lambda: listed)
    assert desk.service.reconcile() == 0
    ended = {"monitorCondition": "Resolved"}
    listed[:] = [None, {"id": 7}, azure.element(**ended)]
    assert desk.service.reconcile() == 0, "nothing of it is open"
    listed[:] = [{"id": 7}, azure.element()]
    assert desk.service.reconcile() == 1
    assert desk.service.reconcile() == 0, "delivered, though not yet taken in"
    assert told_by_azure(desk) == [("Fired", "High latency (P99)")]
    assert desk.service.azure_alert(azure.payload()) == ("demand",)
    listed[:] = [azure.element(**ended)]
    assert desk.service.reconcile() == 1
    desk.settle()
    assert desk.service.reconcile() == 0
    assert told_by_azure(desk)[1:] == [("Resolved", "High latency (P99)")]


def test_odd_alerts_of_the_list_and_a_page_that_is_refused_hold_up_no_other(desk: Desk) -> None:
    counted: list[tuple[str, float, dict[str, str]]] = []
    telemetry = Silent()
    telemetry.add = lambda *told: counted.append(told)  # type: ignore[method-assign]

    def pages() -> Iterator[object]:
        yield from (None, 7, [azure.element()], {"id": 7}, {"properties": {"essentials": 1}})
        yield azure.element()
        raise Refused("the next page is on example.org")

    desk.service = replace(desk.service, listed=pages, telemetry=telemetry)
    assert desk.service.reconcile() == 1
    desk.settle()
    assert told_by_azure(desk) == [("Fired", "High latency (P99)")]
    assert len(desk.said("fleet", "noticed")) == 1
    assert counted == [("driftwarden.input.odd", 1, {"list": "alerts"})] * 5
    desk.service.azure_alert(azure.payload(configurationItems=[None, 7]))
    assert counted[5:] == [("driftwarden.input.odd", 2, {"list": "targets"})]


def test_a_list_that_may_not_be_read_is_told_once_a_day(desk: Desk) -> None:
    def forbidden() -> list[object]:
        raise Refused("the app's identity needs Microsoft.AlertsManagement/alerts/read")

    desk.service = replace(desk.service, listed=forbidden)
    for _ in range(3):
        assert desk.service.reconcile() == 0
        desk.settle()
    (line,) = desk.said("fleet", "noticed")
    assert line["reason"].startswith("alerts are not reconciled: the app's identity needs")
