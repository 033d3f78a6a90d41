"""A team's pages over real sockets: whatever its first receiver does, somebody hears in time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import journal
from engine.clock import SetClock
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery
from fleet.document.config import Config, load
from fleet.domain import FleetDomain
from fleet.model.facts import Notified
from fleet.ports import World
from fleet.service import Service
from hosts.local.receivers import OPENERS
from hosts.receivers import http
from hosts.receivers.paging import Surroundings, open_pager
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from tests.unit.hosts.receivers import broken

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
FLEET = """\
version: 1
receivers:
  first: {kind: webhook, url: "FIRST"}
  second: {kind: webhook, url: "SECOND"}
  queue: {kind: file, path: queue.jsonl}
teams:
  shop: {page: [first, second], ticket: [queue], group_wait: PT0S, escalate_after: PT20M}
models:
  demand:
    team: shop
    logs: {endpoint: demand}
    reference: {data: reference.parquet}
    serving: {champion: v1}
"""
#: What the first receiver does, and how it is addressed.
WAYS: dict[str, tuple[broken.Behaviour | None, str]] = {
    "connection refused": (None, "http"),
    "no such name": (None, "name"),
    "hangs": (broken.hanging, "http"),
    "drips": (broken.dripping, "http"),
    "hangs up": (broken.dropping, "http"),
    "speaks no HTTP": (broken.speaking, "http"),
    "speaks no TLS": (broken.speaking, "https"),
    "TLS of nobody": (broken.hanging, "https"),
    "400": (broken.answering(400), "http"),
    "401": (broken.answering(401), "http"),
    "403": (broken.answering(403), "http"),
    "404": (broken.answering(404), "http"),
    "410": (broken.answering(410), "http"),
    "429 for an hour": (broken.answering(429, "Retry-After: 3600"), "http"),
    "500": (broken.answering(500), "http"),
    "503 for a day": (broken.answering(503, "Retry-After: 86400"), "http"),
    "redirects elsewhere": (broken.answering(302, "Location: http://127.0.0.1:9/"), "http"),
}


class Works:
    """A receiver that keeps what it is sent, unless it is told to fail."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.fails: broken.Behaviour | None = None

    def __call__(self, connection: Any) -> None:
        if self.fails is not None:
            self.fails(connection)
            return
        message = broken.request(connection)
        self.messages.append(message)
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    def told(self, about: str) -> list[str]:
        return [one["event"] for one in self.messages if about in names(one)]


def names(message: dict[str, Any]) -> list[str]:
    """The alerts of a message, by their names across the fleet."""
    labels = [one["labels"] for one in message["alerts"]]
    return [f"{one['model']}:{one['alertname']}" for one in labels]


@dataclass
class Night:
    """A fleet on a jumping clock, and what its receivers got."""

    service: Service
    clock: SetClock
    folder: Path

    def notify(self, kind: Kind, status: Status, severity: Severity = Severity.PAGE) -> None:
        at = self.clock.now()
        notice = Notify(
            f"demand:{kind}-1:{status}", "demand", f"{kind}-1", kind, severity, status, "why", at
        )
        self.service.loop.deliver(Delivery("oncall:shop", notice.key, Notified(notice)), at)
        self.service.drain("oncall:shop")

    def until(self, end: datetime) -> None:
        """Jump from wake to wake."""
        store = self.service.loop.store
        while (wake := store.next_wake()) is not None and wake <= end:
            self.clock.moment = max(wake, self.clock.moment)
            for name in self.service.tick():
                self.service.drain(name)
        self.clock.moment = end

    def tickets(self) -> list[str]:
        file = self.folder / "queue.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return [f"{one['event']} {' '.join(one['alerts'])}" for one in map(json.loads, lines)]


@pytest.fixture
def stack(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(http, "TIMEOUT", 0.3)
    with ExitStack() as opened:
        yield opened


def night(
    tmp_path: Path,
    first: str,
    second: str,
    document: str = FLEET,
    settings: Mapping[str, str] | None = None,
) -> Night:
    text = document.replace("FIRST", first).replace("SECOND", second)
    config: Config = load(text, "fleet.yaml", lambda _: "")
    pager = open_pager(config.document.receivers, OPENERS, Surroundings(tmp_path, settings or {}))
    nothing: Any = None
    ports: dict[str, Any] = dict.fromkeys(World.__dataclass_fields__) | {"pager": pager}
    world = World(**ports)
    clock = SetClock(NOW)
    loop = Loop(MemoryStore(), FleetDomain(config.fleet, world), lambda _: None)
    return Night(Service(config.fleet, loop, clock, nothing), clock, tmp_path)


def address(stack: ExitStack, behave: broken.Behaviour | None, how: str) -> str:
    if how == "name":
        return "http://no-such-host.invalid/hook"
    if behave is None:
        with broken.served(broken.dropping) as place:
            return f"http://{place}/hook"
    return f"{how}://{stack.enter_context(broken.served(behave))}/hook"


#: Ways that another one of them is like.
ALIKE = ("TLS of nobody", "400", "403", "410", "503 for a day", "hangs up")


@pytest.mark.parametrize(
    ("behave", "how"),
    [
        pytest.param(*way, id=name, marks=[pytest.mark.slow] if name in ALIKE else [])
        for name, way in WAYS.items()
    ],
)
def test_a_page_whose_first_receiver_is_dead_reaches_the_second_within_a_minute(
    stack: ExitStack, tmp_path: Path, behave: broken.Behaviour | None, how: str
) -> None:
    second = Works()
    works = f"http://{stack.enter_context(broken.served(second))}/"
    shop = night(tmp_path, address(stack, behave, how), works)
    shop.notify(Kind.DRIFT, Status.FIRING)
    # The page waits for nothing but its own receiver; the tickets and other pages do not wait.
    shop.notify(Kind.RUN, Status.FIRING, Severity.TICKET)
    assert shop.tickets() == ["firing demand:run-1"]
    shop.until(NOW + timedelta(minutes=1))
    assert second.told("demand:drift-1") == ["escalated"]
    shop.notify(Kind.SLO, Status.FIRING)
    shop.until(shop.clock.now() + timedelta(minutes=1))
    assert second.told("demand:slo-1") == ["escalated"]
    shop.until(NOW + timedelta(minutes=5))
    assert second.told("oncall:shop:unreachable-first-1") == ["firing"]
    health: Any = shop.service.health()
    (lost,) = health["unreachable"]
    assert (lost["receiver"], lost["left"]) == ("first", ["second"])
    assert health["status"] == "ok"
    for kind in (Kind.DRIFT, Kind.SLO, Kind.RUN):
        shop.notify(kind, Status.RESOLVED)
    assert second.told("demand:drift-1") == second.told("demand:slo-1") == ["escalated", "resolved"]
    assert shop.tickets()[-1] == "resolved demand:run-1"
    assert not shop.service.loop.head("oncall:shop").halted
    journal.verify(shop.service.loop.store, "oncall:shop")


BACK = {
    "500": broken.answering(500), "401": broken.answering(401), "hangs": broken.hanging,
    "429 for an hour": broken.answering(429, "Retry-After: 3600"), "drops": broken.dropping,
}  # fmt: skip


@pytest.mark.parametrize("behave", BACK.values(), ids=BACK)
def test_who_heard_before_the_outage_hears_the_end_after_it(
    stack: ExitStack, tmp_path: Path, behave: broken.Behaviour
) -> None:
    first, second = Works(), Works()
    places = [f"http://{stack.enter_context(broken.served(one))}/" for one in (first, second)]
    shop = night(tmp_path, places[0], places[1])
    shop.notify(Kind.DRIFT, Status.FIRING)
    assert first.told("demand:drift-1") == ["firing"]
    first.fails = behave
    shop.notify(Kind.DRIFT, Status.RESOLVED)
    shop.until(NOW + timedelta(minutes=10))
    assert second.told("oncall:shop:unreachable-first-1") == ["firing"]
    assert shop.service.health()["unreachable"]
    first.fails = None
    shop.until(NOW + timedelta(minutes=75))
    assert first.told("demand:drift-1") == ["firing", "resolved"]
    about = [one for one in first.messages if "demand:drift-1" in names(one)]
    assert len({one["incident"] for one in about}) == 1
    assert second.told("oncall:shop:unreachable-first-1") == ["firing", "resolved"]
    assert shop.service.health()["unreachable"] == []


def test_a_receiver_that_fails_for_a_moment_gets_its_page_soon_and_nobody_else_is_woken(
    stack: ExitStack, tmp_path: Path
) -> None:
    first, second = Works(), Works()
    places = [f"http://{stack.enter_context(broken.served(one))}/" for one in (first, second)]
    shop = night(tmp_path, places[0], places[1])
    first.fails = broken.answering(503)
    shop.notify(Kind.DRIFT, Status.FIRING)
    first.fails = None
    shop.until(NOW + timedelta(minutes=5))
    assert first.told("demand:drift-1") == ["firing"]
    assert second.messages == []


def test_with_one_receiver_its_outage_is_seen_where_operators_look(
    stack: ExitStack, tmp_path: Path
) -> None:
    document = FLEET.replace("page: [first, second], ticket: [queue]", "page: [first]")
    first = Works()
    place = f"http://{stack.enter_context(broken.served(first))}/"
    shop = night(tmp_path, place, "http://127.0.0.1:9/", document)
    first.fails = broken.answering(500)
    shop.notify(Kind.DRIFT, Status.FIRING)
    shop.until(NOW + timedelta(minutes=3))
    health: Any = shop.service.health()
    assert health["status"] == "unreachable"
    (lost,) = health["unreachable"]
    assert (lost["team"], lost["receiver"], lost["left"]) == ("shop", "first", [])
    assert lost["reason"] == "HTTP 500 (serverError)"
    assert shop.service.read("unreachable") == [lost]
    points: Any = shop.service.read("metrics")
    found = {
        p["metric"]: p["value"] for p in points if p["attributes"].get("partition") == "oncall:shop"
    }
    assert found["driftwarden.receivers.unreachable"] == 1
    assert found["driftwarden.effects.owed"] == 1
    assert found["driftwarden.effects.oldest"] == 180
    first.fails = None
    shop.until(NOW + timedelta(minutes=8))
    assert first.told("demand:drift-1") == ["firing"]
    assert shop.service.health()["status"] == "ok"


#: What a setting holds that the first receiver takes its address from, and what is said of it.
UNSET: dict[str, tuple[dict[str, str], str]] = {
    "absent": ({}, "the setting PAGER_URL is not there"),
    "empty": ({"PAGER_URL": ""}, "the setting PAGER_URL is empty"),
    "blank": ({"PAGER_URL": " \n"}, "the setting PAGER_URL is empty"),
    "in other letters": ({"pager_url": "http://127.0.0.1:9/"}, "PAGER_URL is not there"),
    "a reference to a secret that is not there": (
        {"PAGER_URL": "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/pager/)"},
        "the setting PAGER_URL is a Key Vault reference that could not be resolved",
    ),
    "no address": ({"PAGER_URL": "pager.example"}, "give an http or https address with a host"),
    "another setting": (
        {"PAGER_URL": "env:OTHER", "OTHER": "http://127.0.0.1:9/"},
        "give an http or https address with a host",
    ),
}


@pytest.mark.parametrize(("settings", "fault"), UNSET.values(), ids=UNSET)
def test_a_missing_setting_stops_its_receiver_alone(
    stack: ExitStack, tmp_path: Path, settings: dict[str, str], fault: str
) -> None:
    second = Works()
    works = f"http://{stack.enter_context(broken.served(second))}/"
    shop = night(tmp_path, "env:PAGER_URL", works, settings=settings)
    shop.notify(Kind.DRIFT, Status.FIRING)
    assert second.told("demand:drift-1") == ["escalated"]
    assert second.told("oncall:shop:unreachable-first-1") == ["firing"]
    lost = "oncall:shop:unreachable-first-1"
    (told,) = [one for one in second.messages if lost in names(one)]
    assert fault in str(told)
    health: Any = shop.service.health()
    assert (health["status"], health["unreachable"][0]["left"]) == ("ok", ["second"])


def test_a_missing_setting_of_the_only_receiver_is_seen_where_operators_look(
    tmp_path: Path,
) -> None:
    document = FLEET.replace("page: [first, second], ticket: [queue]", "page: [first]")
    shop = night(tmp_path, "env:PAGER_URL", "http://127.0.0.1:9/", document)
    shop.notify(Kind.DRIFT, Status.FIRING)
    health: Any = shop.service.health()
    assert health["status"] == "unreachable"
    assert "the setting PAGER_URL is not there; set it" in health["unreachable"][0]["reason"]
