"""The whole domain opened on one machine."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import journal
from engine.clock import SetClock
from engine.errors import Refused, Unavailable
from hosts import open_host, read_config, ticking
from hosts.local.functions.messages import poison_name
from hosts.local.host import DUE_QUEUE, EVENTS_QUEUE, REFUSED_QUEUE, STORE_FILE, LocalHost
from hosts.local.opening import ShiftedClock
from retrain.ports import TrainingJob
from tests.unit.hosts.receivers.pages import AT, PAGE

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


@pytest.fixture
def host(tiny: Path) -> Iterator[LocalHost]:
    opened = LocalHost(read_config(tiny / "fleet.yaml"), tiny, SetClock(NOW), durable=False)
    yield opened
    opened.close()


def drained(host: LocalHost, partition: str) -> None:
    host.service.drain(partition)


def test_everything_lies_below_one_folder(host: LocalHost, tiny: Path) -> None:
    assert host.root == tiny / "var"
    assert (host.root / STORE_FILE).exists()
    host.service.begin()
    drained(host, "demand")
    assert {path.name for path in host.root.iterdir()} >= {"blobs", "models", "traffic"}


def test_a_bell_is_one_message_that_names_a_partition(host: LocalHost) -> None:
    host.ring("demand")
    (message,) = host.queues.peek(DUE_QUEUE)
    assert json.loads(message.body) == {"partition": "demand"}


def test_a_poison_doorbell_is_told_and_rung_again(host: LocalHost) -> None:
    poison = poison_name(DUE_QUEUE)
    for body in (b'{"partition": "demand"}', b"noise"):
        host.queues.put(poison, body, NOW)
    ticking.revive(host)
    drained(host, "fleet")
    lines = [line for record in journal.read(host.store, "fleet") for line in record.lines]
    told = [line["reason"] for line in lines if line["what"] in ("parked", "noticed")]
    assert sorted(told) == [
        "queue message is not JSON: Expecting value: line 1 column 1 (char 0)",
        "work on demand failed too often and is tried again: ",
    ]
    assert host.queues.peek(poison) == []
    rung = [json.loads(message.body)["partition"] for message in host.queues.peek(DUE_QUEUE)]
    assert set(rung) == {"demand", "fleet", "oncall:shop"}


def test_poison_events_are_ingested_again(host: LocalHost) -> None:
    poison = poison_name(EVENTS_QUEUE)
    event = b'{"id": "e1", "type": "Driftwarden.RetrainRequested", "data": {"model": "demand"}}'
    for body in (base64.b64encode(event), event, b"noise"):
        host.queues.put(poison, body, NOW)
    ticking.revive(host)
    assert host.queues.peek(poison) == []
    waiting = [str(row.props["id"]) for row in host.store.scan("demand", "in:", pending=True)]
    assert [name for name in waiting if "Retrain" in name] == ["Driftwarden.RetrainRequested:e1:"]
    assert len(host.queues.peek(REFUSED_QUEUE)) == 1


def test_files_with_odd_names_are_told_once_and_hold_up_no_other(host: LocalHost) -> None:
    folder = host.logs / f"modelDataCollector/demand/v1/model_inputs/{NOW:%Y/%m/%d/%H}"
    folder.mkdir(parents=True)
    names = [os.fsencode(f"a\x1b{number}.jsonl") for number in range(25)]
    for name in (b"\xff.jsonl", b"ok.jsonl", *names):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(b"one")
    for _ in range(3):
        ticking.tick(host)
        drained(host, "fleet")
    lines = [line for record in journal.read(host.store, "fleet") for line in record.lines]
    told = [str(line["reason"]) for line in lines if line["what"] == "noticed"]
    assert len(told) == len(set(told)) == 26
    assert sum(r"\udcff.jsonl is left out: its path has" in reason for reason in told) == 1
    assert all(reason.isprintable() for reason in told)
    ids = {str(row.props["id"]) for row in host.store.scan("demand", "in:", pending=True)}
    assert any("ok.jsonl" in name for name in ids)


def test_the_timer_finds_files_that_have_grown(host: LocalHost) -> None:
    ticking.tick(host)
    file = host.logs / f"modelDataCollector/demand/v1/model_inputs/{NOW:%Y/%m/%d/%H}/a.jsonl"
    file.parent.mkdir(parents=True)
    for content in (b"one", b"one, two"):
        file.write_bytes(content)
        ticking.tick(host)
    ids = {str(row.props["id"]) for row in host.store.scan("demand", "in:", pending=True)}
    path = file.relative_to(host.logs)
    assert {f"grew:3:{path}", f"grew:8:{path}"} <= ids


def test_a_doorbell_that_cannot_be_told_stays_in_the_poison_queue(
    host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    host.queues.put(poison_name(DUE_QUEUE), b'{"partition": "demand"}', NOW)
    monkeypatch.setattr(host.store, "commit", full)
    with pytest.raises(Unavailable):
        ticking.revive(host)
    assert len(host.queues.peek(poison_name(DUE_QUEUE))) == 1


def test_a_bell_for_a_moment_is_hidden_until_then(host: LocalHost) -> None:
    at = host.clock.now() + timedelta(seconds=30)
    host.ring_at("oncall:shop", at)
    assert host.queues.get(DUE_QUEUE, at - timedelta(seconds=1), 9) == []
    (message,) = host.queues.get(DUE_QUEUE, at, 9)
    assert json.loads(message.body) == {"partition": "oncall:shop"}


def test_a_fleet_begins_with_its_champion_and_reference(host: LocalHost) -> None:
    host.service.begin()
    drained(host, "demand")
    state = host.service.loop.head("demand").state
    assert (state.champion, state.traffic.weights) == ("first", {"first": 100})
    assert len(state.windows.past) == 29
    assert host.router.traffic("demand").weights == {"first": 100}


def test_a_trainer_is_handed_files(host: LocalHost, tiny: Path) -> None:
    """Blobs are named by content; a command gets paths."""
    name = host.blobs.put(b"rows")
    spec = "python -c 'import sys; print(open(sys.argv[1]).read())' {data}"
    job = TrainingJob("r1", "demand", spec, (), (), {"data": name}, timedelta(minutes=1))
    host.trainer.submit(job)
    end = datetime.now(UTC) + timedelta(seconds=30)
    while str(host.trainer.poll("r1", NOW).phase) == "running" and datetime.now(UTC) < end:
        pass
    assert "rows" in (host.root / "jobs" / "r1" / "log.txt").read_text()


def test_a_webhook_takes_its_address_from_a_setting(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (tiny / "fleet.yaml").read_text()
    webhook = 'duty: {kind: webhook, url: "env:PAGER_URL"}'
    (tiny / "fleet.yaml").write_text(text.replace("duty: {kind: file, path: pages.jsonl}", webhook))
    config = read_config(tiny / "fleet.yaml")
    monkeypatch.delenv("PAGER_URL", raising=False)
    host = LocalHost(config, tiny, SetClock(NOW))
    page = replace(PAGE, receiver="duty")
    domain: Any = host.service.loop.domain
    with pytest.raises(Refused, match=r"^receivers.duty: the setting PAGER_URL is not there; set"):
        domain.world.pager.page(page, AT, AT)
    host.close()
    monkeypatch.setenv("PAGER_URL", "http://127.0.0.1:9/hook")
    LocalHost(config, tiny, SetClock(NOW)).close()


def test_a_receiver_that_the_documents_host_lacks_is_refused_when_it_is_read(tiny: Path) -> None:
    text = (tiny / "fleet.yaml").read_text()
    assert "store: local:" in text
    (tiny / "fleet.yaml").write_text(text.replace("store: local:", "store: azure:"))
    with pytest.raises(Refused) as refused:
        read_config(tiny / "fleet.yaml")
    assert str(refused.value).splitlines() == [
        "fleet.yaml:6: receivers.duty: kind file has no place in Azure; take pagerduty, teams, "
        "slack, email, acs, azure-monitor, alertmanager, webhook or terminal",
        "fleet.yaml:26: models.demand.training.command: Azure takes a job file, training.job",
    ]


def test_two_hosts_share_one_store(host: LocalHost, tiny: Path) -> None:
    other = LocalHost(host.config, tiny, SetClock(NOW), durable=False)
    host.service.begin()
    other.service.drain("demand")
    assert host.service.loop.head("demand").state.champion == "first"
    other.close()


def test_a_host_is_opened_by_its_document(tiny: Path) -> None:
    opened = open_host(tiny / "fleet.yaml")
    assert isinstance(opened, LocalHost)
    opened.close()
    with pytest.raises(Refused, match=r"none\.yaml: cannot be read: No such file or directory"):
        open_host(tiny / "none.yaml")
    (tiny / "fleet.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Refused, match="not UTF-8 text"):
        open_host(tiny / "fleet.yaml")


def test_a_document_in_a_missing_folder_file_names_it(tiny: Path) -> None:
    text = (tiny / "fleet.yaml").read_text().replace("countries: [DE]", "ics: [none.ics]")
    (tiny / "fleet.yaml").write_text(text)
    with pytest.raises(Refused) as refused:
        open_host(tiny / "fleet.yaml")
    line = text.split("\n").index("    ics: [none.ics]") + 1
    assert str(refused.value) == (
        f"fleet.yaml:{line}: calendars.berlin.ics: none.ics: cannot be read: No such file or "
        "directory"
    )


def test_a_shifted_clock_goes_on_from_where_it_was_put() -> None:
    inner = SetClock(NOW)
    clock = ShiftedClock(inner, timedelta(days=10))
    assert clock.now() == NOW - timedelta(days=10)
    inner.moment = NOW + timedelta(hours=1)
    assert clock.now() == NOW - timedelta(days=10) + timedelta(hours=1)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("serving: {", "serving: {kind: batch, ", "serving.kind: batch endpoints need Azure"),
        ("logs: {", "logs: {traffic: true, ", "logs: tables need Log Analytics"),
        ("command: [", "job: train.yml #", "training.job: needs Azure ML"),
    ],
)
def test_what_only_azure_can_do_is_refused(tiny: Path, old: str, new: str, words: str) -> None:
    file = tiny / "fleet.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(Refused, match=rf"fleet\.yaml:\d+: models\.demand\.{words}"):
        read_config(file)
