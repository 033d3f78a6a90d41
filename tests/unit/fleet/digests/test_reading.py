"""A team's digests on a real loop: from the fleet's timer to the receiver's message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine import journal
from engine.errors import Unavailable
from engine.memory import MemoryStore
from engine.step import Delivery
from engine.store import HEAD, Operation, Replace
from fleet.document.policies import Fleet
from fleet.model.facts import AzureAlerted, Noted
from fleet.partitions import FLEET, ONCALL
from fleet.ports import World
from monitoring.alerts.azure import Phase, Sev
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page
from monitoring.slo.forecast import Sample
from tests.unit.fleet.desk import NOW, Desk

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TEAM = "  shop: {page: [duty], group_wait: PT0S"
PLAN = "digest: {receiver: post, at: '12:00', zone: Europe/Berlin, weekly: friday}"
RECEIVER = ("  duty: {kind: terminal}\n", "  duty: {kind: terminal}\n  post: {kind: terminal}\n")
PLANNED = (RECEIVER, (TEAM, f"{TEAM}, {PLAN}"))
#: Noon in Berlin, on the day of `NOW` and on the days after.
NOON = NOW.replace(hour=11)


class Daily(Desk):
    """A service whose fleet is anchored each hour, as the hosts do, and woken each minute."""

    def __init__(self, fleet: Fleet, world: World) -> None:
        super().__init__(fleet, world)
        self.world = replace(world, store=self.store)
        self.service = self.opened(fleet)
        self.service.begin()
        self.until(NOW)

    def until(self, moment: datetime) -> None:
        """Play up to a moment, hour by hour; nothing ran before it where it lies further off."""
        while self.clock.moment < moment:
            self.clock.moment = min(moment, self.clock.moment + HOUR)
            self.hour()
        self.hour()

    def hour(self) -> None:
        self.service.anchor()
        self.service.tick()
        self.settle()

    def sent(self) -> list[Page]:
        """Every digest that the receiver got, once for each time it got it."""
        asked = self.world.pager.asked  # type: ignore[attr-defined]
        pages = [page for what, page, *_ in asked if what == "page"]
        return [page for page in pages if page.event is Event.DIGEST]

    def tell(self, model: str, name: str, fact: Any) -> None:
        self.service.loop.deliver(Delivery(model, name, fact), self.clock.moment)
        self.settle()


@pytest.fixture
def planned(resolve: Callable[..., Fleet], desk: Desk) -> Daily:
    return Daily(resolve(*PLANNED), desk.world)


def test_a_day_without_anything_is_told_in_one_line_and_once(planned: Daily) -> None:
    planned.until(NOON - timedelta(minutes=1))
    assert planned.sent() == []
    planned.until(NOON + DAY - timedelta(minutes=1))
    (first,) = planned.sent()
    planned.until(NOON + DAY + 5 * HOUR)
    planned.hour()
    (_, page) = planned.sent()
    assert first.key == "shop:digest-2024-03-04:post"
    assert (page.receiver, page.severity, page.alerts) == ("post", Severity.TICKET, ())
    assert page.key == "shop:digest-2024-03-05:post"
    assert page.title == "digest of shop, 2024-03-05: nothing happened"
    assert page.lines == (
        "nothing happened to 2 models, and no change was reported",
        "open alerts, the oldest first:",
        "  fraud:refused-build-reference-1 (ticket, 26 h): "
        "build_reference was refused: fraud.parquet: no such file",
    )


def test_a_digest_tells_what_happened_and_how_things_stand(planned: Daily) -> None:
    planned.until(NOON + HOUR)
    planned.tell("demand", "a1", AzureAlerted("a", "CPU", Sev.SEV2, Phase.FIRED, "x"))
    planned.tell("demand", "n1", Noted("t", "<b>\u202e", planned.clock.moment, "schema", "ada"))
    planned.command("note", "--all", "n2", kind="incident")
    planned.command("ack", "demand:azure-cpu-1", "k1")
    head = planned.service.loop.head("demand")
    budgets = {"fast": (Sample(NOW - DAY, 0.6), Sample(NOW, 0.5))}
    state = replace(head.state, objectives=replace(head.state.objectives, budgets=budgets))
    written = replace(head, state=state).write("demand", planned.service.loop.domain.version)
    assert isinstance(written, Replace)
    row = planned.store.get("demand", HEAD)
    assert row is not None
    kept = Replace(HEAD, {**row.props, **written.props}, row.etag)
    planned.store.commit("demand", [kept])
    planned.until(NOON + DAY)
    (_, page) = planned.sent()
    assert page.title == "digest of shop, 2024-03-05: 1 alert fired, 3 reported changes"
    text = "\n".join(page.lines)
    assert "  demand:azure-cpu-1 (ticket): Azure Monitor: CPU fired (Sev2) on x" in text
    assert r"  demand: schema: <b>\u202e, by ada (2024-03-04 12:00 UTC)" in text
    assert "  fraud: incident: because, by g.hopper (2024-03-04 12:00 UTC)" in text
    assert "  demand: fast: 50.0 % left, spent on 2024-03-09 at the pace of these days" in text
    assert "  demand:azure-cpu-1 (ticket, 23 h): taken by g.hopper: Azure Monitor: CPU" in text


def test_days_on_which_nothing_ran_are_told_by_the_next(planned: Daily) -> None:
    planned.until(NOON + HOUR)
    planned.clock.moment += 3 * DAY
    planned.hour()
    daily = [page for page in planned.sent() if "week" not in page.key]
    assert [page.key for page in daily] == [
        "shop:digest-2024-03-04:post", "shop:digest-2024-03-07:post",
    ]  # fmt: skip
    assert daily[1].lines[0] == (
        "2 digests before this one could not be made; it tells of all since 2024-03-04 11:00 UTC"
    )
    planned.until(NOON + 4 * DAY)
    assert {page.key for page in planned.sent()[2:]} == {
        "shop:digest-2024-03-08:post", "shop:digest-week-2024-03-08:post",
    }  # fmt: skip


def test_a_model_that_cannot_be_read_is_named_and_hides_no_other(planned: Daily) -> None:
    planned.until(NOON + HOUR)
    planned.tell("demand", "a1", AzureAlerted("a", "CPU", Sev.SEV2, Phase.FIRED, "x"))
    planned.until(NOON + DAY - HOUR)
    row = planned.store.get("fraud", HEAD)
    assert row is not None
    planned.store.commit("fraud", [Replace(HEAD, {**row.props, "state": b"x"}, row.etag)])
    planned.clock.moment = NOON + DAY
    planned.service.drain(FLEET)
    planned.service.drain(f"{ONCALL}shop")
    (_, page) = planned.sent()
    assert "not read:" in page.lines
    assert [line for line in page.lines if line.startswith("  fraud")]
    assert "1 alert fired" in page.title


def test_a_team_without_models_or_without_digests(
    resolve: Callable[..., Fleet], desk: Desk
) -> None:
    other = (TEAM, f"  till: {{page: [duty], {PLAN}}}\n{TEAM}")
    alone = Daily(resolve(RECEIVER, other), desk.world)
    alone.until(NOON + HOUR)
    alone.until(NOON + DAY)
    (_, page) = alone.sent()
    assert page.title == "digest of till, 2024-03-05: nothing happened"
    assert page.lines[0] == "the team has no models"
    assert page.incident == "till:digest-2024-03-05"


def test_a_store_that_cannot_be_read_is_told_instead_of_a_digest(planned: Daily) -> None:
    planned.until(NOON + HOUR)
    planned.world = replace(planned.world, store=None)
    planned.service = planned.opened(planned.fleet)
    planned.until(NOON + DAY)
    assert len(planned.sent()) == 1
    (line,) = planned.said(FLEET, "noticed")
    assert line["reason"] == (
        "a digest could not be made: this host cannot read the journals that a digest tells of"
    )


def test_a_receiver_that_is_away_gets_the_digest_when_it_is_back(planned: Daily) -> None:
    planned.until(NOON + HOUR)
    pager = planned.world.pager
    away = Away(pager)
    planned.world = replace(planned.world, pager=away)
    planned.service = planned.opened(planned.fleet)
    planned.until(NOON + DAY)
    away.back = True
    planned.until(NOON + DAY + 2 * HOUR)
    assert [page.key for page in away.got if page.event is Event.DIGEST] == [
        "shop:digest-2024-03-05:post"
    ]


class Away:
    """A pager that cannot be reached until it is back."""

    def __init__(self, pager: Any) -> None:
        self.pager, self.back, self.got = pager, False, list[Page]()

    def page(self, page: Page, at: datetime, now: datetime) -> None:
        if not self.back:
            raise Unavailable("away", timedelta(minutes=1))
        self.got.append(page)
        self.pager.page(page, at, now)


class Killed(BaseException):
    """The worker dies: nobody catches that."""


class Dying(MemoryStore):
    """A store whose worker dies at the n-th commit, before or after it."""

    commits, at, after = 0, -1, False

    def commit(self, partition: str, operations: Any) -> None:
        changes: list[Operation] = list(operations)
        self.commits += 1
        if self.commits == self.at and not self.after:
            raise Killed
        super().commit(partition, changes)
        if self.commits == self.at:
            raise Killed


@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_anywhere_leaves_one_digest_a_day(planned: Daily, after: bool) -> None:
    """At every commit of the hour in which the digests of a day and a week are made."""
    planned.until(NOON + 4 * DAY - HOUR)
    rows = {name: dict(found) for name, found in planned.store._rows.items()}
    writes, sent = planned.store._writes, len(planned.sent())
    at = 1
    while True:
        store = Dying()
        store._rows = {name: dict(found) for name, found in rows.items()}
        store._writes, store.at, store.after = writes, at, after
        planned.store = store
        planned.world = replace(planned.world, store=store)
        planned.service = planned.opened(planned.fleet)
        planned.clock.moment = NOON + 4 * DAY
        died = _survived(planned)
        pages = planned.sent()[sent:]
        assert {page.key for page in pages} == {
            "shop:digest-2024-03-08:post", "shop:digest-week-2024-03-08:post",
        }  # fmt: skip
        assert len({(page.key, page.title, page.lines) for page in pages}) == 2
        sent = len(planned.sent())
        if not died:
            break
        at += 1
    assert at > 8


def _survived(planned: Daily) -> bool:
    """Play an hour, and again after a death; the rung bells are lost with the worker."""
    died = False
    for _ in range(3):
        try:
            planned.hour()
        except Killed:
            died = True
            planned.rung.clear()
            for name in planned.store.partitions():
                planned.service.loop.ring(name)
    return died


def test_a_journal_is_read_from_the_first_record_of_a_span(planned: Daily) -> None:
    planned.until(NOON + DAY)
    last = planned.service.loop.head(FLEET).seq
    every = list(journal.read(planned.store, FLEET))
    for moment in [NOW - DAY, NOW, *(NOW + i * HOUR for i in range(30))]:
        found = list(journal.since(planned.store, FLEET, moment, last))
        assert found == [one for one in every if datetime.fromisoformat(one.at) >= moment]
    assert list(journal.since(planned.store, "nobody", NOW, 0)) == []
