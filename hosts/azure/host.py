"""The whole domain on Azure's services, every port opened by identity."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import Clock
from engine.errors import Refused
from engine.loop import Loop
from engine.seal import Seal
from fleet.alarm import Alarm
from fleet.document.config import Config
from fleet.domain import FleetDomain
from fleet.ports import World
from fleet.read import Json
from fleet.service import Service
from fleet.telemetry import Silent, Telemetry
from fleet.traced import Traced, doorbell
from hosts.azure import journal_key
from hosts.azure.alerts import AzureAlerts
from hosts.azure.cloud import Cloud
from hosts.azure.eventgrid.publisher import AzurePublisher
from hosts.azure.features import lacks
from hosts.azure.settings import LOGS, Settings
from hosts.azure.storage.blobs import AzureBlobs
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.queues import AzureQueue, poison_name
from hosts.azure.storage.tables import TablesStore
from hosts.azure.world import Opened, world
from hosts.clock import SystemClock, backing_off

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

DUE_QUEUE = "driftwarden-due"
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

    Raises
    ------
    Refused
        A setting is missing, or the document needs a feature that Azure lacks.
    """

    def __init__(
        self,
        config: Config,
        beside: Path,
        settings: Mapping[str, str],
        cloud: Cloud,
        clock: Clock,
    ) -> None:
        _check(config)
        known = Settings.read(settings)
        storage, logs = _connections(config, settings)
        self.config, self.clock = config, clock
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
        publisher = AzurePublisher(cloud, known.topic)
        self._open.callback(publisher.close)
        log_blobs = self._open.enter_context(logs.blobs(cloud.credential))
        stores = (self.store, self.blobs, own_blobs, log_blobs)
        ports = world(Opened(config, beside, known, cloud, clock, *stores, publisher))
        seal = journal_key.seal(own_blobs, settings)
        alerts = AzureAlerts(cloud, known)
        self._open.callback(alerts.close)
        self.service = self._service(known, ports, seal, alerts)

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
        """Report that the timer ran, and the gauges."""
        queues = (self.poison, self.refused)
        self.service.measure({queue.name: queue.waiting() for queue in queues})

    def given_up(self) -> Iterator[tuple[bytes, str]]:
        """See `hosts.host.Host`; the Functions host gives no reason."""
        while found := self.poison.receive(1):
            yield found[0].body.encode(), "see the app's log"
            self.poison.delete(found[0])

    def close(self) -> None:
        """Export the remaining telemetry and close the connections."""
        self._open.close()

    def _service(self, known: Settings, ports: World, seal: Seal, alerts: AzureAlerts) -> Service:
        fleet = self.config.fleet
        domain = Traced(FleetDomain(fleet, ports), self.telemetry)
        return Service(
            fleet,
            Loop(self.store, domain, self.ring, backing_off(BACK_OFF), seal),
            self.clock,
            self.blobs,
            self.refused.put,
            known.logs_container,
            self.telemetry,
            Alarm(self.ring_at),
            known.workspace_id,
            alerts.listed,
        )

    def _measured(self, settings: Settings, cloud: Cloud) -> Telemetry:
        if not settings.telemetry:
            return Silent()
        # Late: the exporters take a second to import.
        from hosts.azure.telemetry import AzureTelemetry

        opened = AzureTelemetry(settings.telemetry, cloud)
        self._open.callback(opened.close)
        return opened


def open_azure(config: Config, beside: Path) -> AzureHost:
    """Open a document's fleet in Azure, by the app's settings and its identity."""
    settings = dict(os.environ)
    return AzureHost(config, beside, settings, Cloud(identity(settings)), SystemClock())


def identity(settings: Mapping[str, str]) -> TokenCredential:
    """Return the identity that the settings name, else the system's."""
    from azure.identity import DefaultAzureCredential

    # A user-assigned identity has to be named; the system's needs no name.
    client = settings.get(f"{STORAGE}__clientId") or None
    return DefaultAzureCredential(managed_identity_client_id=client)


def _connections(config: Config, settings: Mapping[str, str]) -> tuple[Connection, Connection]:
    """Return the connections to the store and to the logs, which may be the same."""
    name = config.document.store.partition(":")[2] or STORAGE
    storage = Connection.read(name, settings)
    return storage, Connection.read(LOGS, settings) if _set(LOGS, settings) else storage


def _set(name: str, settings: Mapping[str, str]) -> bool:
    return any(key == name or key.startswith(f"{name}__") for key in settings)


def _check(config: Config) -> None:
    """Refuse features that only the local host has."""
    for path, reason in lacks(config.fleet.models):
        raise Refused(f"{'.'.join(map(str, path))}: {reason}")
