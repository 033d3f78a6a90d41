"""A service on memory, driven until no bell rings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from engine import journal
from engine.clock import SetClock
from engine.loop import Loop
from engine.memory import MemoryStore
from engine.step import Delivery
from fleet.arrivals import ArrivalsPoller
from fleet.commands import Command
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.model.facts import Notified
from fleet.polling import Poller
from fleet.ports import World
from fleet.service import Service
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.paging import Page

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


class Desk:
    """A service on memory, and what it rang for."""

    def __init__(self, fleet: Fleet, world: World) -> None:
        self.rung: list[str] = []
        self.refused: list[str] = []
        self.store, self.clock, self.world = MemoryStore(), SetClock(NOW), world
        self.fleet = fleet
        self.service = self.opened(fleet)

    def opened(self, fleet: Fleet) -> Service:
        loop = Loop(self.store, FleetDomain(fleet, self.world), self.rung.append)
        arrivals = self.world.arrivals
        return Service(
            fleet, loop, self.clock, self.world.blobs, self.refused.append, lambda: "logs",
            poller=Poller(self.world.logs),
            registry=None if arrivals is None else ArrivalsPoller(arrivals),
        )  # fmt: skip

    def settle(self) -> None:
        """Answer every bell until none rings."""
        while self.rung:
            names, self.rung[:] = sorted(set(self.rung)), []
            for name in names:
                self.service.drain(name)

    def lines(self, partition: str) -> list[dict[str, Any]]:
        records = journal.read(self.store, partition)
        return [line for record in records for line in record.lines]

    def said(self, partition: str, what: str) -> list[dict[str, Any]]:
        return [line for line in self.lines(partition) if line["what"] == what]

    def command(self, verb: str, target: str, name: str = "c1", **more: Any) -> tuple[str, ...]:
        done = self.service.command(Command(verb, target, "g.hopper", "because", name, **more))
        self.settle()
        return done

    def pages(self) -> list[Page]:
        """What was sent about the drift of `demand`."""
        asked = self.world.pager.asked  # type: ignore[attr-defined]
        sent = [page for what, page, *_ in asked if what == "page"]
        return [page for page in sent if page.title == "demand: x drifted"]

    def notify(self, model: str = "demand", alert: str = "drift-1") -> None:
        notice = Notify(
            f"{model}:{alert}:firing:1", model, alert, Kind.DRIFT, Severity.PAGE, Status.FIRING,
            "x drifted", self.clock.moment, ("x",),
        )  # fmt: skip
        self.service.loop.deliver(
            Delivery("oncall:shop", notice.key, Notified(notice)), self.clock.moment
        )
        self.settle()
