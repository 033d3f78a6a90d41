"""The whole domain on Azure's services, every port opened by identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.clock import Clock
from engine.errors import Refused
from engine.loop import Loop
from fleet.alarm import Alarm
from fleet.arrivals import ArrivalsPoller
from fleet.document.config import Config
from fleet.domain import FleetDomain
from fleet.links import Linking
from fleet.polling import Poller
from fleet.ports import Pager
from fleet.read import Json
from fleet.service import Service
from fleet.skipped import Skipped
from fleet.traced import Traced, doorbell
from hosts.azure import journal_key
from hosts.azure.alerts import AzureAlerts
from hosts.azure.cloud import Cloud
from hosts.azure.features import lacks
from hosts.azure.ml.workspace import Workspace
from hosts.azure.optional import OptionalPorts
from hosts.azure.receivers import OPENERS, surroundings
from hosts.azure.settings import Settings
from hosts.azure.storage.app_queues import AppQueues
from hosts.azure.storage.blobs import AzureBlobs
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.dead_letters import DeadLetters
from hosts.azure.storage.tables import TablesStore
from hosts.azure.world import Opened, world
from hosts.clock import backing_off
from hosts.linked import LinkedPager, link_keys
from hosts.receivers.paging import open_pager

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
        self._skipped = Skipped()
        self._open = ExitStack()
        optional = OptionalPorts(settings, known, cloud, self._open)
        self.telemetry = optional.telemetry()
        tables = self._open.enter_context(storage.tables(cloud.credential))
        self.store = TablesStore(tables)
        own_blobs = self._open.enter_context(storage.blobs(cloud.credential))
        self.blobs = AzureBlobs(own_blobs)
        self.queues = AppQueues(self._open.enter_context(storage.queues(cloud.credential)))
        self.dead_letters = DeadLetters(own_blobs)
        workspace = Workspace(known, cloud)
        logs, self._container = optional.logs(storage, self._skipped, workspace, clock)
        stores = (self.store, self.blobs, own_blobs, logs, optional.publisher())
        self._seal = journal_key.seal(own_blobs, settings)
        self._link_keys = link_keys(settings, self._seal)
        pager = self._pager(config, beside)
        self._opened = Opened(config, beside, known, cloud, clock, workspace, *stores, pager, home)
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
        self.queues.due.put(doorbell(partition, self.telemetry))

    def ring_at(self, partition: str, at: datetime) -> None:
        """Put a partition on the due queue, to be taken at a moment."""
        self.queues.due.put(doorbell(partition, self.telemetry), at - self.clock.now())

    def health(self) -> Json:
        """See `hosts.host.Host`."""
        return self.service.health()

    def measure(self) -> None:
        """Report the gauges, and that the timer ran."""
        dead = self.dead_letters
        self.service.measure({**self.queues.waiting(), dead.name: dead.waiting})

    def poison_doorbells(self) -> Iterator[tuple[bytes, str]]:
        """See `hosts.host.Host`."""
        return self.queues.each_poison_doorbell()

    def poison_events(self) -> Iterator[bytes]:
        """See `hosts.host.Host`."""
        return self.queues.each_poison_event()

    def close(self) -> None:
        """Export the remaining telemetry and close the connections."""
        self._open.close()

    def _pager(self, config: Config, beside: Path) -> Pager:
        around = surroundings(config, beside, self._settings, self._cloud)
        pager = open_pager(config.document.receivers, OPENERS, around)
        return LinkedPager(pager, Linking(config.document.base_url, self._link_keys))

    def _service(self, known: Settings) -> Service:
        fleet = self.config.fleet
        domain = Traced(FleetDomain(fleet, self.ports), self.telemetry)
        return Service(
            fleet,
            Loop(self.store, domain, self.ring, backing_off(BACK_OFF), self._seal),
            self.clock,
            self.blobs,
            self.queues.refused.put,
            self._container,
            self.telemetry,
            Alarm(self.ring_at),
            Poller(self.ports.logs),
            self.queues.events.put,
            known.workspace_id,
            self._alerts.listed,
            self._skipped,
            None if self.ports.arrivals is None else ArrivalsPoller(self.ports.arrivals),
            self._link_keys,
        )


def _check(config: Config) -> None:
    """Refuse features that only the local host has."""
    for path, reason in lacks(config.fleet.models):
        raise Refused(f"{'.'.join(map(str, path))}: {reason}")
