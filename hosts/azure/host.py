"""The whole domain on Azure's services, every port opened by identity."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.clock import Clock
from engine.errors import Refused
from engine.loop import Loop
from fleet.alarm import Alarm
from fleet.document.config import Config
from fleet.domain import FleetDomain
from fleet.polling import Poller
from fleet.ports import LogFiles, Publisher
from fleet.read import Json
from fleet.service import Service
from fleet.telemetry import Silent, Telemetry
from fleet.traced import Traced, doorbell
from hosts.azure import journal_key
from hosts.azure.alerts import AzureAlerts
from hosts.azure.cloud import Cloud
from hosts.azure.eventgrid.publisher import AzurePublisher, NoTopic
from hosts.azure.features import lacks
from hosts.azure.logs.files import AzureLogs
from hosts.azure.receivers import OPENERS, surroundings
from hosts.azure.settings import LOGS, TELEMETRY, TOPIC, Settings, lacking
from hosts.azure.storage.blobs import AzureBlobs
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.dead_letters import DeadLetters
from hosts.azure.storage.queues import AzureQueue, poison_name
from hosts.azure.storage.tables import TablesStore
from hosts.azure.unset import UnsetLogs, UnsetTopic
from hosts.azure.world import Opened, world
from hosts.clock import backing_off
from hosts.receivers.paging import Pager, open_pager

logger = logging.getLogger("driftwarden.host")

DUE_QUEUE = "driftwarden-due"
EVENTS_QUEUE = "events"
REFUSED_QUEUE = "driftwarden-refused"
#: The connection that the Functions host itself uses.
STORAGE = "AzureWebJobsStorage"
BACK_OFF = 0.05


class AzureHost:
    """Opens every port.

    Parameters
    ----------
    config : the document; its store is `azure:` or `azure:CONNECTION`, the name of the app settings
        that lead to the storage account.
    beside : the folder that the document's relative paths start from.
    settings : the app's settings.
    cloud : the addresses of the services, and the credential.
    clock : tells `now`, once a service verb.
    home : see `hosts.azure.world.Opened`.

    Raises
    ------
    Refused
        No setting leads to the store, its journals' key is of no use, or the document needs a
        feature that Azure lacks.
    """

    def __init__(
        self,
        config: Config,
        beside: Path,
        settings: Mapping[str, str],
        cloud: Cloud,
        clock: Clock,
        home: str = "",
    ) -> None:
        _check(config)
        known = Settings.read(settings)
        storage = Connection.read(config.document.store.partition(":")[2] or STORAGE, settings)
        self.clock, self._settings, self._cloud = clock, settings, cloud
        self._look: Callable[[], None] | None = None
        self._open = ExitStack()
        self.telemetry = self._measured(known, cloud)
        tables = self._open.enter_context(storage.tables(cloud.credential))
        queues = self._open.enter_context(storage.queues(cloud.credential))
        self.store = TablesStore(tables)
        own_blobs = self._open.enter_context(storage.blobs(cloud.credential))
        self.blobs = AzureBlobs(own_blobs)
        self.due = AzureQueue(queues, DUE_QUEUE)
        self.refused = AzureQueue(queues, REFUSED_QUEUE)
        self.poison = AzureQueue(queues, poison_name(DUE_QUEUE))
        self.events = AzureQueue(queues, EVENTS_QUEUE)
        self.lost = AzureQueue(queues, poison_name(EVENTS_QUEUE))
        self.dead_letters = DeadLetters(own_blobs)
        logs = self._logs(known, settings, storage, cloud)
        stores = (self.store, self.blobs, own_blobs, logs, self._publisher(known, cloud))
        pager = self._pager(config, beside)
        self._opened = Opened(config, beside, known, cloud, clock, *stores, pager, home)
        self._seal = journal_key.seal(own_blobs, settings)
        self._alerts = AzureAlerts(cloud, known)
        self._open.callback(self._alerts.close)
        self.use(config, beside)

    def use(self, config: Config, beside: Path) -> Service:
        """Work on a document from the next call of `service` on; what has begun ends on the old."""
        pager = self._pager(config, beside)
        opened = replace(self._opened, config=config, beside=beside, pager=pager)
        self.config, self.ports = config, world(opened)
        self.service = self._service(opened.settings)
        return self.service

    def follow_with(self, look: Callable[[], None], opened: ExitStack) -> None:
        """Let `look` take changed documents over; what it needs, `opened`, is closed at the end."""
        self._look = look
        self._open.push(opened)

    def follow(self) -> None:
        """See `hosts.host.Host`."""
        if self._look is not None:
            self._look()

    def ring(self, partition: str) -> None:
        """Put a partition on the due queue, with the current trace."""
        self.due.put(doorbell(partition, self.telemetry))

    def ring_at(self, partition: str, at: datetime) -> None:
        """Put a partition on the due queue, to be taken at a moment."""
        self.due.put(doorbell(partition, self.telemetry), at - self.clock.now())

    def health(self) -> Json:
        """See `hosts.host.Host`."""
        return self.service.health()

    def measure(self) -> None:
        """Report the gauges, and that the timer ran."""
        places = (self.poison, self.lost, self.refused, self.dead_letters)
        self.service.measure({place.name: place.waiting for place in places})

    def given_up(self) -> Iterator[tuple[bytes, str]]:
        """See `hosts.host.Host`; the Functions host gives no reason."""
        return ((message.body.encode(), "see the app's log") for message in self.poison.each())

    def lost_events(self) -> Iterator[bytes]:
        """See `hosts.host.Host`."""
        return (message.body.encode() for message in self.lost.each())

    def close(self) -> None:
        """Export the remaining telemetry and close the connections."""
        self._open.close()

    def _pager(self, config: Config, beside: Path) -> Pager:
        around = surroundings(config, beside, self._settings, self._cloud)
        return open_pager(config.document.receivers, OPENERS, around)

    def _service(self, known: Settings) -> Service:
        fleet = self.config.fleet
        domain = Traced(FleetDomain(fleet, self.ports), self.telemetry)
        return Service(
            fleet,
            Loop(self.store, domain, self.ring, backing_off(BACK_OFF), self._seal),
            self.clock,
            self.blobs,
            self.refused.put,
            known.logs_container,
            self.telemetry,
            Alarm(self.ring_at),
            Poller(self.ports.logs),
            self.events.put,
            known.workspace_id,
            self._alerts.listed,
        )

    def _logs(
        self, known: Settings, settings: Mapping[str, str], storage: Connection, cloud: Cloud
    ) -> LogFiles:
        """Return the files of the logs, whose account may be the store's."""
        try:
            found = Connection.read(LOGS, settings) if _set(LOGS, settings) else storage
            blobs = self._open.enter_context(found.blobs(cloud.credential))
        except Refused as error:
            return UnsetLogs(str(error))
        return AzureLogs(blobs, known.logs_container)

    def _publisher(self, known: Settings, cloud: Cloud) -> Publisher:
        if not self._settings.get(TOPIC):
            return NoTopic()
        if not known.topic:
            return UnsetTopic(lacking([TOPIC]))
        opened = AzurePublisher(cloud, known.topic)
        self._open.callback(opened.close)
        return opened

    def _measured(self, settings: Settings, cloud: Cloud) -> Telemetry:
        if not settings.telemetry:
            return Silent()
        # Late: the exporters take a second to import.
        from hosts.azure.telemetry import AzureTelemetry

        try:
            opened = AzureTelemetry(settings.telemetry, cloud)
        except ValueError:
            # Its message could quote the connection string with its key.
            logger.error("app settings: %s is no connection string; no telemetry", TELEMETRY)
            return Silent()
        self._open.callback(opened.close)
        return opened


def _set(name: str, settings: Mapping[str, str]) -> bool:
    return any(key == name or key.startswith(f"{name}__") for key in settings)


def _check(config: Config) -> None:
    """Refuse features that only the local host has."""
    for path, reason in lacks(config.fleet.models):
        raise Refused(f"{'.'.join(map(str, path))}: {reason}")
