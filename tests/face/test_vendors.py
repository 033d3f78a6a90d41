"""Each vendor over a real socket: what becomes of one incident, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.clock import SetClock
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery
from fleet.document.config import load
from fleet.domain import FleetDomain
from fleet.model.facts import Asked, Notified
from fleet.ports import World
from fleet.service import Service
from hosts.local.receivers import OPENERS
from hosts.receivers.paging import Surroundings, open_pager
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.paging import Event, Page
from tests.unit.hosts.receivers.vendors import (
    acs,
    alertmanager,
    azure_monitor,
    pagerduty,
    server,
    slack,
    smtp,
    teams,
)
from tests.unit.hosts.receivers.vendors.server import Answer, Vendor

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
FLEET = """\
version: 1
base_url: https://ops.example/driftwarden
receivers:
  vendor: {RECEIVER}
teams:
  shop: {page: [vendor], group_wait: PT0S, escalate_after: PT20M}
models:
  demand:
    team: shop
    logs: {endpoint: demand}
    reference: {data: reference.parquet}
    serving: {champion: v1}
"""
MAIL = "sender: driftwarden@ops.example, to: [ann@ops.example, bob@ops.example]"

MANAGED = "@0d1e2f3a.azurecomm.net, to"
MANAGED_LIMITS = ((5, timedelta(minutes=1)), (10, timedelta(hours=1)))


@dataclass
class Way:
    """A kind of receiver: how it is written, its double, and the states of one whole incident."""

    written: str
    made: Callable[[SetClock], Any]
    states: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    serving: Callable[[Any], AbstractContextManager[Any]] = server.serving
    #: Whether a page that was taken twice is shown twice: the vendor has no way to know it.
    repeats: bool = False


FIRED, ALL = ("firing", "resolved"), ("firing", "reminder", "acknowledged", "resolved")
WAYS = {
    "pagerduty": Way(
        'kind: pagerduty, routing_key: "env:KEY", url: "URL"',
        lambda clock: pagerduty.PagerDuty(),
        ("trigger", "trigger", "acknowledge", "resolve"),
        {"KEY": pagerduty.KEY},
    ),
    "webhook": Way('kind: webhook, url: "URL"', lambda clock: alertmanager.Alertmanager(), FIRED),
    "alertmanager": Way(
        'kind: alertmanager, url: "URL", token: "env:TOKEN"',
        lambda clock: alertmanager.Alertmanager("t"),
        FIRED,
        {"TOKEN": "t"},
    ),
    "slack": Way(
        f'kind: slack, token: "env:TOKEN", channel: {slack.CHANNEL}, url: "URL"',
        lambda clock: slack.Slack(),
        ("resolved", "reminder", "acknowledged", "resolved"),
        {"TOKEN": slack.TOKEN},
    ),
    "teams": Way('kind: teams, url: "URL"', lambda clock: teams.Teams(), ALL, repeats=True),
    "email": Way(
        f'kind: email, url: "URL", tls: none, {MAIL}',
        lambda clock: smtp.Smtp(),
        ALL,
        serving=smtp.serving,
    ),
    "acs": Way(
        f'kind: acs, url: "URL", key: "env:KEY", {MAIL}'.replace("@ops.example, to", MANAGED),
        lambda clock: acs.Acs(clock.now, MANAGED_LIMITS),
        ALL,
        {"KEY": acs.KEY},
    ),
    "azure-monitor": Way(
        'kind: azure-monitor, url: "URL"',
        lambda clock: azure_monitor.AzureMonitor(),
        ("Fired", "Resolved"),
    ),
}


class Dying:
    """A pager whose process dies after the vendor took a message: nothing is committed."""

    def __init__(self, pager: Any) -> None:
        self.pager, self.dies = pager, 0

    def page(self, page: Page, at: datetime, now: datetime) -> str | None:
        handle: str | None = self.pager.page(page, at, now)
        if self.dies:
            self.dies -= 1
            raise KeyboardInterrupt
        return handle


@dataclass
class Night:
    """A fleet on a jumping clock, with one receiver at a vendor."""

    service: Service
    clock: SetClock
    vendor: Vendor
    pager: Dying

    def notify(
        self,
        status: Status = Status.FIRING,
        number: int = 1,
        reason: str = "why",
        kind: Kind = Kind.DRIFT,
        again: int = 1,
        severity: Severity = Severity.PAGE,
        model: str = "demand",
        lines: tuple[str, ...] = (),
    ) -> None:
        at = self.clock.now()
        key = f"{model}:{kind}-{number}:{status}:{again}"
        notice = Notify(key, model, f"{kind}-{number}", kind, severity, status, reason, at)
        notice = replace(notice, lines=lines)
        self.tell(Delivery("oncall:shop", key, Notified(notice)))

    def tell(self, delivery: Delivery) -> None:
        self.service.loop.deliver(delivery, self.clock.now())
        self.drain(delivery.partition)

    def drain(self, name: str) -> None:
        try:
            self.service.drain(name)
        except KeyboardInterrupt:
            self.service.drain(name)

    def until(self, end: datetime) -> None:
        """Jump from wake to wake."""
        store = self.service.loop.store
        while (wake := store.next_wake()) is not None and wake <= end:
            self.clock.moment = max(wake, self.clock.moment)
            for name in self.service.tick():
                self.drain(name)
        self.clock.moment = end

    def later(self, minutes: float) -> None:
        self.until(self.clock.now() + timedelta(minutes=minutes))

    def incident(self, between: Callable[[], None] = lambda: None) -> None:
        """Trigger, remind, acknowledge and resolve one incident; `between` happens before each."""
        between()
        self.notify()
        self.later(5)
        between()
        self.notify(again=2)
        self.later(5)
        between()
        self.tell(Delivery("oncall:shop", "c1", Asked("ack", "kim", "", "c1", "demand:drift-1")))
        self.later(5)
        between()
        self.notify(Status.RESOLVED)
        self.later(5)


@pytest.fixture
def stack(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    monkeypatch.setenv("no_proxy", "*")
    with ExitStack() as opened:
        yield opened


def night(stack: ExitStack, folder: Path, way: Way, vendor: Vendor | None = None) -> Night:
    clock = SetClock(NOW)
    vendor = stack.enter_context(way.serving(vendor or way.made(clock)))
    written = "{" + way.written.replace("URL", vendor.url) + "}"
    config = load(FLEET.replace("{RECEIVER}", written), "fleet.yaml", lambda _: "")
    around = Surroundings(folder, way.settings, config.document.base_url)
    pager = Dying(open_pager(config.document.receivers, OPENERS, around))
    nothing: Any = None
    ports: dict[str, Any] = dict.fromkeys(World.__dataclass_fields__) | {"pager": pager}
    world = World(**ports)
    loop = Loop(MemoryStore(), FleetDomain(config.fleet, world), lambda _: None)
    return Night(Service(config.fleet, loop, clock, nothing), clock, vendor, pager)


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


def test_trigger_reminder_acknowledgement_and_end_are_one_incident(
    stack: ExitStack, tmp_path: Path, way: Way
) -> None:
    there = night(stack, tmp_path, way)
    there.incident()
    assert there.vendor.incidents() == [way.states]


def test_so_they_are_where_the_process_dies_after_each_message_was_taken(
    stack: ExitStack, tmp_path: Path, way: Way
) -> None:
    there = night(stack, tmp_path, way)

    def dies() -> None:
        there.pager.dies = 1

    there.incident(dies)
    (states,) = there.vendor.incidents()
    assert tuple(dict.fromkeys(states)) == tuple(dict.fromkeys(way.states))
    assert there.service.health()["status"] == "ok"


@pytest.mark.parametrize(
    "down", [Answer(503), Answer(429, "", {"Retry-After": "300"})], ids=["503", "429"]
)
def test_so_they_are_after_ten_minutes_of_outage(
    stack: ExitStack, tmp_path: Path, way: Way, down: Answer
) -> None:
    there = night(stack, tmp_path, way)
    if way.serving is smtp.serving:
        down = Answer(451)
    there.vendor.down = down
    there.notify()
    there.later(4)
    there.notify(again=2)
    there.later(6)
    assert there.vendor.incidents() == []
    there.vendor.down = None
    there.later(10)
    there.tell(Delivery("oncall:shop", "c1", Asked("ack", "kim", "", "c1", "demand:drift-1")))
    there.notify(Status.RESOLVED)
    there.later(20)
    (states,) = there.vendor.incidents()
    assert tuple(dict.fromkeys(states)) == tuple(dict.fromkeys(way.states))


ODD = (
    "quotes \" ' `", "<b>bold</b> & <script>alert(1)</script>", "*bold* _it_ ~x~ [a](http://b)",
    "emoji 🚨👩\u200d💻", "שלום عالم", "<!channel> <@U1> {{x}}", "a\\b %s ${x}",
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_come_out_as_text(stack: ExitStack, tmp_path: Path, way: Way, odd: str) -> None:
    there = night(stack, tmp_path, way)
    there.notify(reason=f"feature {odd} moved", lines=(f"seen in {odd}",))
    (states,) = there.vendor.incidents()
    assert len(states) == 1
    assert f"feature {odd} moved" in there.vendor.text()


def test_what_turns_the_text_around_or_breaks_the_line_is_shown_escaped(
    stack: ExitStack, tmp_path: Path, way: Way
) -> None:
    there = night(stack, tmp_path, way)
    there.notify(reason="a\u202eb\nSubject: c\x1b[2J")
    assert len(there.vendor.incidents()) == 1
    assert "a\\u202eb\\nSubject: c\\x1b[2J" in there.vendor.text()


def test_half_a_megabyte_of_reasons_is_cut_to_what_the_vendor_takes_and_counted(
    stack: ExitStack, tmp_path: Path, way: Way
) -> None:
    there = night(stack, tmp_path, way)
    long = "🚨 reason <&> " * 2000
    alerts = tuple(f"demand:drift-{number}" for number in range(20))
    lines = tuple(f"{alert}: {long}" for alert in alerts)
    page = Page("k", "vendor", Event.FIRING, Severity.PAGE, long, lines, alerts, "shop:drift-1")
    assert sum(map(len, page.lines)) > 500_000
    there.pager.page(page, NOW, NOW)
    assert len(there.vendor.incidents()) == 1
    assert getattr(there.vendor, "dropped", 0) == 0
    text = there.vendor.text()
    assert "characters)" in text or "characters left out" in text
    # The first reason does not hide the others.
    assert text.count("🚨 reason <&>") >= 20


def test_a_vendor_that_limits_its_rate_is_asked_no_sooner_than_it_says(
    stack: ExitStack, tmp_path: Path, way: Way
) -> None:
    if way.serving is smtp.serving:
        pytest.skip("SMTP has no Retry-After")
    there = night(stack, tmp_path, way)
    there.vendor.faults = [Answer(429, "", {"Retry-After": "600"})]
    there.notify()
    assert len(there.vendor.requests) == 1
    there.later(9.9)
    assert len(there.vendor.requests) == 1
    there.later(6)
    assert len(there.vendor.incidents()) >= 1


def test_forty_alerts_in_a_minute_lose_no_page(stack: ExitStack, tmp_path: Path, way: Way) -> None:
    there = night(stack, tmp_path, way)
    for number in range(40):
        there.clock.moment += timedelta(seconds=1.5)
        # Each alone: an incident begins when the one before is over.
        kind = list(Kind)[number % 8]
        there.notify(number=number + 1, kind=kind, reason=f"reason-{number}-")
        there.notify(Status.RESOLVED, number=number + 1, kind=kind, reason=f"reason-{number}-")
    there.later(60)
    text = there.vendor.text()
    missing = [n for n in range(40) if f"reason-{n}-" not in text]
    assert missing == []
    assert not [one for one in there.vendor.said if one.status == 429]


FAULTS: list[tuple[Answer, str]] = [
    (Answer(401), "authError"), (Answer(403), "authError"), (Answer(404), "clientError"),
    (Answer(429), "rateLimited"), (Answer(500), "serverError"),
]  # fmt: skip


@pytest.mark.parametrize(("down", "kind"), FAULTS)
def test_a_dead_vendor_is_shown_with_the_class_of_its_failure(
    stack: ExitStack, tmp_path: Path, way: Way, down: Answer, kind: str
) -> None:
    if way.serving is smtp.serving:
        replies = {401: 535, 403: 530, 404: 550, 429: 451, 500: 421}
        down, kind = Answer(replies[down.status]), kind.replace("rateLimited", "serverError")
    there = night(stack, tmp_path, way)
    there.vendor.down = down
    there.notify()
    there.later(2)
    health: Any = there.service.health()
    (lost,) = health["unreachable"]
    assert lost["receiver"] == "vendor"
    assert lost["reason"].endswith(f"({kind})")
    for secret in way.settings.values():
        assert len(secret) < 3 or secret not in str(health)


def test_links_are_absolute(stack: ExitStack, tmp_path: Path, way: Way) -> None:
    there = night(stack, tmp_path, way)
    there.notify(lines=("Evidently report, once drawn: /models/demand?report=drift-1",))
    place = "https://ops.example/driftwarden/models/demand?report=drift-1"
    assert place in there.vendor.text()
