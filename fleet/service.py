"""The service verbs, called by triggers, API and command line. Each reads the clock once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from engine.errors import Broken, Newer, Refused, Unavailable
from engine.step import Delivery
from engine.store import instant
from engine.texts import cut, unexpected
from fleet import anchors, backwards, command_delivery, gauges, health, links, moved, views
from fleet.commands import LONGEST_REASON, Command, concerned
from fleet.envelope import sound
from fleet.incoming import Incoming
from fleet.model.facts import Configured, Followed, Link
from fleet.outcomes import Awaited
from fleet.partitions import FLEET, ONCALL
from fleet.read import Json


@dataclass(frozen=True)
class Service(Incoming):
    """The fleet on one store: what comes in, what is due, what operators ask for."""

    def begin(self) -> None:
        """Sign older states, deliver changed policies to their models, ring for every partition."""
        now = self.clock.now()
        self.adopt()
        known = set(self.loop.store.partitions())
        for name, watched in self.fleet.models.items():
            head = self.loop.head(name)
            if head.state.policy != watched.hash or head.state.dormant:
                # Numbered, because an earlier policy may be restored.
                told = Delivery(name, f"policy:{watched.hash}:{head.seq}", Configured(watched.hash))
                self.loop.deliver(told, now)
            for notice in moved.halts(self.loop, name, head):
                self.loop.deliver(notice, now)
        for name in sorted(known - set(self.fleet.models) - {FLEET}):
            if not name.startswith(ONCALL):
                seq = self.loop.head(name).seq
                gone = Configured("", "left fleet.yaml")
                self.loop.deliver(Delivery(name, f"policy::{seq}", gone), now)
        fleet = self.loop.head(FLEET)
        planned = {name for name, team in self.fleet.teams.items() if team.digest is not None}
        if planned - set(fleet.state.digests):
            # Its step begins their days; later ones follow by its wakes, and by each anchor.
            begun = Configured("", "digests begin")
            self.loop.deliver(Delivery(FLEET, f"digests:{fleet.seq}", begun), now)
        for told in moved.teams(self.loop, self.fleet):
            self.loop.deliver(told, now)
        for name in sorted(known):
            self.loop.ring(name)

    def adopt(self) -> None:
        """Record every state of an older format in the present one; see `engine.loop.Loop`."""
        for partition in self.loop.store.partitions():
            # One that cannot be read halts with its next step, and tells its operators.
            with suppress(Broken, Newer):
                self.loop.adopt(partition, self.clock.now())

    def tick(self) -> tuple[str, ...]:
        """Ring for every partition that is due, and return them; tell of a clock that went back."""
        now = self.clock.now()
        newest = backwards.newer(self.loop.store, now)
        if newest is not None:
            self.notice("clock", backwards.told(newest, now), instant(newest))
        due = self.loop.store.due(now)
        for partition in due:
            self.loop.ring(partition)
        return tuple(due)

    def ring_again(self, partition: str, reason: str) -> None:
        """Ring for a partition whose doorbell failed too often, and tell that, once an hour."""
        hour = f"{self.clock.now():%Y-%m-%dT%H}"
        said = f"work on {partition} failed too often and is tried again: {reason}"
        self.notice(f"work:{partition}", said, hour)
        self.loop.ring(partition)

    def anchor(self) -> None:
        """Deliver the anchors of all journals, once an hour; see `fleet.anchors`."""
        now = self.clock.now()
        for found in anchors.deliveries(self.loop.store, now):
            self.loop.deliver(found, now)

    def measure(self, places: Mapping[str, Callable[[], int]]) -> None:
        """Report every gauge, and then the heartbeat: everything was measured.

        `places` count what waits for an operator, by the name of a queue or a container. A defect
        that keeps something from being measured is told to every team, once an hour.
        """
        now = self.clock.now()
        found = gauges.points(self.loop, self.fleet, now, self._unmeasured)
        gauges.tick(self.telemetry, chain(found, gauges.depths(places, self._unmeasured)))

    def _unmeasured(self, subject: str, error: Exception) -> None:
        """Tell of a defect; a store that does not answer is measured again at the next tick."""
        if not isinstance(error, Unavailable):
            hour = f"{self.clock.now():%Y-%m-%dT%H}"
            said = f"the gauges of {subject} could not be measured: {unexpected(error)}"
            self.notice(f"measure:{subject}", said, hour)

    def drain(self, partition: str, trace: str = "") -> None:
        """Settle the facts of a partition and pay its effects; `trace` is the parent span."""
        with self.telemetry.span("driftwarden.work", {"partition": partition}, trace):
            now = self.clock.now()
            self.loop.drain(partition, now)
            if partition.startswith(ONCALL):
                self.alarm.after(partition, self.loop.head(partition), now)

    def sweep(self) -> int:
        """Delete expired rows and ring for all partitions; return the number of deleted rows."""
        now = self.clock.now()
        partitions = self.loop.store.partitions()
        gone = sum(self.loop.sweep(partition, now) for partition in partitions)
        for partition in partitions:
            self.loop.ring(partition)
        return gone

    def command(self, command: Command, expect: int | None = None) -> tuple[str, ...]:
        """Deliver a command to the partitions that it concerns; return them.

        With `expect` only while the journal of the partition ends with that record.

        Raises
        ------
        Outdated
            The journal has gone on since.
        Refused
            A text or a moment is out of bounds, the verb or the target is unknown, a freeze has no
            end, the partition to resume is not halted, a reference lacks a reason or exactly one
            source, a window is not a day, or another command has the id.
        """
        now = self.clock.now()
        return command_delivery.deliver(self.loop, self.fleet, self.blobs, command, expect, now)

    def awaited(self, command: Command) -> Awaited:
        """Return what looks for the outcome of a command that was delivered."""
        partitions = concerned(command, self.fleet, self.loop.store.partitions)
        return Awaited(self.loop, command, partitions)

    def opened(self, text: str) -> Link:
        """Return what a link in a page does; Forged where it was not made here."""
        return links.opened(text, self.link_keys)

    def follow(self, text: str, by: str, reason: str, use: str) -> Awaited:
        """Use a link in a page; `use` names this use. The team's partition decides and journals it.

        Without `by` its author is the receiver of the page.

        Raises
        ------
        Forged
            The link was not made here; that is told to every team, once an hour.
        Refused
            Its team is not in fleet.yaml, or no store keeps the reason.
        """
        now = self.clock.now()
        try:
            link = self.opened(text)
        except links.Forged as error:
            self.notice("link", f"a link was refused: {error}", f"{now:%Y-%m-%dT%H}")
            raise
        team = link.incident.partition(":")[0]
        if team not in self.fleet.teams:
            raise Refused(f"{link.incident}: team {team} is not in fleet.yaml")
        partition, name = ONCALL + team, f"{link.id}-{use}"
        by = by or f"link to {link.to}"
        told = sound(cut(reason, LONGEST_REASON), "reason")
        awaited = Awaited(self.loop, Command(link.verb, link.incident, by, "", name), (partition,))
        fact = Followed(link, by, told, name)
        self.loop.deliver(Delivery(partition, f"link:{name}", fact), now)
        return awaited

    def read(
        self, view: str, name: str | None = None, since: str | None = None
    ) -> Json | list[Json]:
        """Return a view as JSON: models, alerts, or one model or journal by name.

        Raises
        ------
        Refused
            There is no such view, or nothing of that name.
        """
        return views.shown(self.loop, self.fleet, self.clock.now(), view, name, since)

    def report(self, name: str, of: str) -> bytes:
        """Return the newest report that the alert or command `of` asked for.

        Raises
        ------
        NotFound
            There is none yet, or it could not be drawn; the message says why.
        """
        return views.report(self.loop, self.fleet, self.blobs, name, of)

    def health(self) -> Json:
        """See `fleet.health.health`."""
        return health.health(self.loop, self.fleet, self.clock.now())
