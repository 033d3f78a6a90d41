"""The ports that an app's settings may leave out, each with what stands in for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from engine.clock import Clock
from engine.errors import Refused
from fleet.ports import LogFiles, Publisher
from fleet.skipped import Skipped
from fleet.telemetry import Silent, Telemetry
from hosts.azure.cloud import Cloud
from hosts.azure.eventgrid.publisher import AzurePublisher, NoTopic
from hosts.azure.logs.files import AzureLogs
from hosts.azure.ml.collector import CollectorContainer
from hosts.azure.ml.workspace import Workspace
from hosts.azure.settings import LOGS, LOGS_CONTAINER, TELEMETRY, TOPIC, Settings, lacking
from hosts.azure.storage.connection import Connection
from hosts.azure.unset import UnsetLogs, UnsetTopic

logger = logging.getLogger("driftwarden.host")


class OptionalPorts:
    """Opens these ports by the app's settings; what was opened is closed with `opened`.

    Parameters
    ----------
    settings, known : the app's settings, and the same as they were read.
    """

    def __init__(
        self, settings: Mapping[str, str], known: Settings, cloud: Cloud, opened: ExitStack
    ) -> None:
        self._settings, self._known, self._cloud, self._open = settings, known, cloud, opened

    def logs(
        self, storage: Connection, skipped: Skipped, workspace: Workspace, clock: Clock
    ) -> tuple[LogFiles, Callable[[], str]]:
        """Return the files of the logs, and what tells their container.

        Their account may be the store's, `storage`; without a setting the workspace tells where
        its data collector writes.
        """
        container: Callable[[], str] = self._known.container_of_logs
        try:
            found = Connection.read(LOGS, self._settings) if self._is_set(LOGS) else storage
            blobs = self._open.enter_context(found.blobs(self._cloud.credential))
        except Refused as error:
            return UnsetLogs(str(error)), container
        if not self._settings.get(LOGS_CONTAINER, "").strip():
            container = CollectorContainer(workspace, blobs.account_name or "", clock).name
        return AzureLogs(blobs, container, skipped), container

    def publisher(self) -> Publisher:
        """Return what publishes events; without a topic none are published."""
        if not self._settings.get(TOPIC):
            return NoTopic()
        if not self._known.topic:
            return UnsetTopic(lacking([TOPIC]))
        opened = AzurePublisher(self._cloud, self._known.topic)
        self._open.callback(opened.close)
        return opened

    def telemetry(self) -> Telemetry:
        """Return what exports telemetry; without a connection string nothing does."""
        if not self._known.telemetry:
            return Silent()
        # Late: the exporters take a second to import.
        from hosts.azure.telemetry import AzureTelemetry

        try:
            opened = AzureTelemetry(self._known.telemetry, self._cloud)
        except ValueError:
            # Its message could quote the connection string with its key.
            logger.error("app settings: %s is no connection string; no telemetry", TELEMETRY)
            return Silent()
        self._open.callback(opened.close)
        return opened

    def _is_set(self, name: str) -> bool:
        return any(key == name or key.startswith(f"{name}__") for key in self._settings)
