"""What comes into the fleet from outside: events, files that grow, versions, alerts, bad input."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from engine import inbox
from engine.blobs import Blobs
from engine.clock import Clock
from engine.errors import DriftwardenError, Refused, Unavailable
from engine.loop import Loop
from engine.step import Delivery
from engine.texts import cut, unexpected
from fleet import arrivals, azure_alerts, envelope, events, growth, refused
from fleet.alarm import Alarm, by_the_timer
from fleet.arrivals import ArrivalsPoller
from fleet.azure_resources import Resources
from fleet.document.policies import Fleet
from fleet.model.facts import Documented, Noticed
from fleet.partitions import FLEET
from fleet.polling import Poller
from fleet.skipped import Skipped
from fleet.telemetry import TRACEPARENT, Silent, Telemetry
from fleet.workspace_events import Foreign

#: Files that were left out, told at one tick.
MOST_TOLD = 20


def _written_down_only(message: str) -> None:
    del message


@dataclass(frozen=True)
class Incoming:
    """The fleet on one store, as senders reach it.

    Attributes
    ----------
    blobs : where reports are kept; those of the host's `World`.
    refuse : keeps the message about rejected input; see `fleet.refused.message`.
    container : tells the container of the logs; empty for any.
    telemetry : receives spans and gauges.
    alarm : rings for pages that wait for their receiver; without it they wait for the timer.
    poller : looks for log files that have grown; without it events alone tell of them.
    keep : keeps an event, as JSON, that the store cannot take for a while; without it the sender is
        asked to try again.
    workspace : the resource id of the workspace that the models are served from; empty for any.
    listed : lists the alerts of Azure Monitor around that workspace.
    skipped : receives the files that a listing leaves out.
    registry : looks for versions that others registered; without it events alone tell of them.
    link_keys : sign the links in pages; see `fleet.links`.
    """

    fleet: Fleet
    loop: Loop
    clock: Clock
    blobs: Blobs
    refuse: Callable[[str], None] = _written_down_only
    container: Callable[[], str] = str
    telemetry: Telemetry = field(default_factory=Silent)
    alarm: Alarm = field(default_factory=lambda: Alarm(by_the_timer))
    poller: Poller | None = None
    keep: Callable[[str, timedelta], None] | None = None
    workspace: str = ""
    listed: Callable[[], Iterable[object]] = tuple
    skipped: Skipped = field(default_factory=Skipped)
    registry: ArrivalsPoller | None = None
    link_keys: Sequence[bytes] = ()

    def ingest(self, document: object) -> str | None:
        """Deliver an event and return its partition; None where it carries no news, or is kept.

        A malformed event is parked with its reason and not raised: a retry would not help. One
        about files, models and runs of others is counted. One that comes while the store does not
        answer is kept for later where that is possible, because Event Grid delays all deliveries to
        an app whose answers fail.

        Raises
        ------
        Unavailable
            The store, or who tells the container, does not answer, and the event could not be kept.
        """
        said = document.get(TRACEPARENT) if isinstance(document, Mapping) else None
        trace = said if isinstance(said, str) else ""
        with self.telemetry.span("driftwarden.ingest", {}, trace):
            try:
                return self._deliver(document)
            except Unavailable as error:
                self._keep(document, error)
                return None

    def _deliver(self, document: object) -> str | None:
        try:
            found = events.delivery(
                envelope.event(document), self.fleet, self.container, self.workspace
            )
        except Refused as error:
            return self.park(document, str(error))
        if isinstance(found, Foreign):
            self.telemetry.add("driftwarden.events.foreign", 1, {"about": found})
            return None
        if isinstance(found, events.Hint):
            found = growth.hinted(self.poller, self.fleet, found)
        if isinstance(found, events.Everywhere):
            for name in self.fleet.models:
                self.loop.deliver(Delivery(name, found.id, found.fact), self.clock.now())
            return FLEET
        if found is None:
            return None
        self.loop.deliver(found, self.clock.now())
        return found.partition

    def _keep(self, document: object, late: Unavailable) -> None:
        if self.keep is None:
            raise late
        try:
            self.keep(json.dumps(document), late.delay)
        except (Refused, Unavailable):
            # It is too large for a queue, or nothing of the account answers.
            raise late from None

    def park(self, content: object, reason: str) -> str:
        """Keep rejected input for operators; return the partition whose journal records it.

        Repeats are ignored for as long as the inbox remembers the first.
        """
        now = self.clock.now()
        told = refused.delivery(FLEET, content, reason)
        # The message comes first: after a crash in between both are written again.
        if self.loop.store.get(FLEET, inbox.row_key(told.id)) is None:
            self.refuse(refused.message(content, reason, now))
        self.loop.deliver(told, now)
        return FLEET

    def azure_alert(self, document: object) -> tuple[str, ...]:
        """Deliver an alert of Azure Monitor to the models that it is about; return them.

        One about a resource of others is counted, and ignored.

        Raises
        ------
        Refused
            It is no alert of the common schema.
        """
        with self.telemetry.span("driftwarden.ingest", {}):
            ours = Resources(self.fleet, self.workspace)
            found = azure_alerts.notified(document, ours, partial(self._odd, "targets"))
            now = self.clock.now()
            for one in found:
                self.loop.deliver(one, now)
            if not found:
                self.telemetry.add("driftwarden.azure_alerts.ignored", 1, {})
            return tuple(one.partition for one in found)

    def reconcile(self) -> int:
        """Deliver what the list of Azure Monitor's alerts says and no webhook told; count it.

        Every team is told, once a day, where the list may not be read.
        """
        now = self.clock.now()
        ours = Resources(self.fleet, self.workspace)
        found: list[Delivery] = []
        try:
            for document in self.listed():
                try:
                    found += azure_alerts.listed(document, ours)
                except Refused:
                    self._odd("alerts", 1)
        except Refused as error:
            # What the pages before have named is delivered all the same.
            self.notice("azure-alerts", f"alerts are not reconciled: {error}", f"{now:%Y-%m-%d}")
        heads = {name: self.loop.head(name) for name in {one.partition for one in found}}
        news = azure_alerts.missed(found, lambda name: heads[name].state.alerting.azure, now)
        return sum(self.loop.deliver(one, now) for one in news)

    def _odd(self, of: str, number: int) -> None:
        """Count the elements of a list that could not be read: they hold up none of the others."""
        self.telemetry.add("driftwarden.input.odd", number, {"list": of})

    def poll(self) -> None:
        """Deliver the growth of log files, and then versions that others registered.

        A fault that lasts is told, and stops no other model. So is each file that a listing left
        out, the rest of very many at the next ticks.
        """
        now = self.clock.now()
        models = self.fleet.models.values()
        if (files := self.poller) is not None:
            for one in models:
                look = partial(growth.deliver, self.loop, files, one, now)
                self._look("logs", "log files", one.name, look)
            self._tell_skipped()
        if (registry := self.registry) is not None:
            for one in models:
                look = partial(arrivals.deliver, self.loop, registry, one, now, self.park)
                self._look("registry", "registered versions", one.name, look)

    def _tell_skipped(self) -> None:
        for _ in range(MOST_TOLD):
            if (found := self.skipped.first()) is None:
                return
            path, reason = found
            self.notice(f"log-file:{path}", f"log file {path} is left out: {reason}", "once")
            self.skipped.told()

    def _look(self, what: str, named: str, model: str, look: Callable[[], str]) -> None:
        try:
            fault = look()
        except DriftwardenError:
            raise
        except Exception as error:  # noqa: BLE001 - one model's fault holds up no other model
            fault = unexpected(error)
        if fault:
            said = f"the {named} of {model} cannot be listed: {fault}"
            self.notice(f"{what}:{model}", said, f"{self.clock.now():%Y-%m-%dT%H}")

    def notice(self, name: str, reason: str, when: str) -> None:
        """Tell every team what happened to the host; once for the same name and time."""
        told = Noticed(name, cut(reason, refused.MAX_REASON))
        self.loop.deliver(Delivery(FLEET, f"noticed:{name}:{when}", told), self.clock.now())

    def documented(self, version: str, fault: str = "") -> None:
        """Tell which version of the document holds, and why a changed one does not."""
        told, head = Documented(version, cut(fault, refused.MAX_REASON)), self.loop.head(FLEET)
        if told != head.state.document:
            # Numbered, because an earlier version may be restored.
            name = f"document:{version}:{bool(fault)}:{head.seq}"
            self.loop.deliver(Delivery(FLEET, name, told), self.clock.now())
