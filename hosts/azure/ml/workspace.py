"""The Azure Machine Learning workspace: one client, opened when it is first used."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from hosts.azure.cloud import Cloud
from hosts.azure.settings import RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE, Settings

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

#: Seconds. The outbox retries later, so that no function waits long inside the SDK.
CONNECT, READ, POLL = 10, 60, 5


class Workspace:
    """Opens `client` lazily: importing azure-ai-ml takes seconds."""

    def __init__(self, settings: Settings, cloud: Cloud) -> None:
        self._settings = settings
        self._cloud = cloud
        self._lock = threading.Lock()
        self._client: MLClient | None = None

    @property
    def client(self) -> MLClient:
        """The client of this workspace; Unavailable where a setting for it is missing."""
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> MLClient:
        self._settings.needs(SUBSCRIPTION, RESOURCE_GROUP, WORKSPACE)
        from azure.ai.ml import MLClient

        # It prints a warning for every experimental class.
        logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)
        cloud: dict[str, Any] = {"cloud": self._cloud.name}
        if self._cloud.metadata is not None:
            cloud["cloud_metadata"] = dict(self._cloud.metadata)
        return MLClient(
            self._cloud.credential,
            self._settings.subscription,
            self._settings.resource_group,
            self._settings.workspace,
            enable_telemetry=False,
            show_progress=False,
            connection_verify=self._cloud.verify,
            connection_timeout=CONNECT,
            read_timeout=READ,
            # The SDK would sleep through a Retry-After of minutes.
            retry_total=0,
            polling_interval=POLL,
            **cloud,
        )
