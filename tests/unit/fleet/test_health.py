"""Whether everything steps and every team can be told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from fleet import gauges, health
from fleet.document.policies import Fleet
from fleet.ports import World
from monitoring.alerts.paging import Page
from tests.unit.fleet.desk import NOW, Desk


class Pager:
    """Reaches those that are not down."""

    def __init__(self, down: dict[str, Exception]) -> None:
        self.down = down
        self.sent: list[Page] = []

    def page(self, page: Page, at: Any, now: Any) -> None:
        if page.receiver in self.down:
            raise self.down[page.receiver]
        self.sent.append(page)


@pytest.fixture
def desks(resolve: Callable[..., Fleet], world: World) -> Callable[..., Desk]:
    """A fleet whose team has these receivers, some of them down."""

    def made(receivers: str, **down: Exception) -> Desk:
        named = "\n".join(f"  {one}: {{kind: terminal}}" for one in ("duty", "lead", "mail"))
        fleet = resolve(("page: [duty]", receivers), ("  duty: {kind: terminal}", named))
        desk = Desk(fleet, replace(world, pager=Pager(down)))
        desk.notify()
        return desk

    return made


def later(desk: Desk, minutes: int) -> None:
    desk.clock.moment = NOW + timedelta(minutes=minutes)
    desk.service.drain("oncall:shop")


BUSY = Unavailable("HTTP 503", timedelta(seconds=30))
CASES: dict[str, tuple[str, dict[str, Exception], list[tuple[str, list[str]]], str]] = {
    "all are reached": ("page: [duty, lead]", {}, [], "ok"),
    "the first refuses": (
        "page: [duty, lead]", {"duty": Refused("HTTP 404")}, [("duty", ["lead"])], "ok",
    ),
    "the first fails": ("page: [duty, lead]", {"duty": BUSY}, [("duty", ["lead"])], "ok"),
    "both fail": (
        "page: [duty, lead]", {"duty": BUSY, "lead": BUSY}, [("duty", []), ("lead", [])],
        "unreachable",
    ),
    "the only one refuses": (
        "page: [duty]", {"duty": Refused("HTTP 404")}, [("duty", [])], "unreachable",
    ),
    "the tickets' stands in": (
        "page: [duty], ticket: [mail]", {"duty": BUSY}, [("duty", ["mail"])], "ok",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("receivers", "down", "lost", "status"), CASES.values(), ids=CASES)
def test_receivers_that_cannot_be_reached_are_named_with_those_that_are_left(
    desks: Callable[..., Desk],
    receivers: str,
    down: dict[str, Exception],
    lost: list[tuple[str, list[str]]],
    status: str,
) -> None:
    desk = desks(receivers, **down)
    for minute in (1, 2, 3, 4):
        later(desk, minute)
    found: Any = health.unreachable(desk.service.loop, desk.fleet, desk.clock.moment)
    assert [(one["receiver"], one["left"]) for one in found] == lost
    assert {one["team"] for one in found} <= {"shop"}
    said = desk.service.health()
    assert (said["status"], said["unreachable"]) == (status, found)
    points = gauges.points(desk.service.loop, desk.fleet, desk.clock.moment)
    (gauge,) = (one for one in points if one.metric == "driftwarden.receivers.unreachable")
    assert (gauge.value, gauge.attributes) == (len(lost), {"partition": "oncall:shop"})


def test_a_failure_of_less_than_a_minute_is_none(desks: Callable[..., Desk]) -> None:
    desk = desks("page: [duty, lead]", duty=BUSY)
    assert health.unreachable(desk.service.loop, desk.fleet, desk.clock.moment) == []
    assert desk.said("oncall:shop", "undelivered") == [
        {
            "what": "undelivered", "receiver": "duty", "event": "firing",
            "incident": "shop:drift-1", "reason": "HTTP 503", "permanent": False,
        }
    ]  # fmt: skip
    pager: Any = desk.world.pager
    pager.down.clear()
    later(desk, 1)
    assert desk.service.loop.head("oncall:shop").state.receivers == {}
    assert [page.receiver for page in pager.sent] == ["duty"]
    assert desk.said("oncall:shop", "delivered") == [
        {"what": "delivered", "receiver": "duty", "incident": "shop:drift-1"}
    ]
