"""Every port that a worker uses, on Azure's services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from engine.clock import Clock
from engine.store import Store
from fleet.document.config import Config
from fleet.ports import LogFiles, Pager, Publisher, World
from hosts.azure.cloud import Cloud
from hosts.azure.features import MIRROR_LIMIT
from hosts.azure.logs.analytics import Analytics
from hosts.azure.logs.counting import AzureCounting
from hosts.azure.logs.metrics import Metrics
from hosts.azure.logs.platform import Platform
from hosts.azure.logs.reference import AzureTables
from hosts.azure.ml.batch import AzureBatchServing
from hosts.azure.ml.deployments import BATCH, Deployments, Names
from hosts.azure.ml.endpoints import Endpoints
from hosts.azure.ml.registry import AzureRegistry
from hosts.azure.ml.reports import AzureReports
from hosts.azure.ml.scoring import AzureScoring
from hosts.azure.ml.scoring_client import ScoringClient
from hosts.azure.ml.serving import AzureServing, Rules
from hosts.azure.ml.split import Foreign
from hosts.azure.ml.training import AzureTrainer
from hosts.azure.ml.workspace import Workspace
from hosts.azure.settings import Settings
from hosts.azure.storage.anchors import AnchorBlobs
from hosts.azure.storage.blobs import CONTAINER, AzureBlobs
from hosts.azure.storage.exchange import CONTAINER as REPORTS
from hosts.azure.storage.exchange import Exchange
from hosts.azure.storage.lease import Lease
from retrain.ports import Serving, Traffic


class ServingByModel:
    """Implements `retrain.ports.Serving` by the kind of each model's endpoint."""

    def __init__(self, by_model: Mapping[str, Serving]) -> None:
        self._by_model = by_model

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        """See `retrain.ports.Serving`."""
        self._by_model[model].set_traffic(model, traffic, key, replaces)

    def traffic(self, model: str) -> Traffic | None:
        """See `retrain.ports.Serving`."""
        return self._by_model[model].traffic(model)


@dataclass(frozen=True)
class Opened:
    """The connections that a host has opened, and its configuration.

    `own_blobs` is the app's storage account. `home` is the folder of fleet.yaml as the path of a
    table, where it lies in a container.
    """

    config: Config
    beside: Path
    settings: Settings
    cloud: Cloud
    clock: Clock
    workspace: Workspace
    store: Store
    blobs: AzureBlobs
    own_blobs: BlobServiceClient
    logs: LogFiles
    publisher: Publisher
    pager: Pager
    home: str = ""

    def endpoint_of(self, model: str) -> str:
        """Return the endpoint that a model is served by."""
        return self.config.fleet.models[model].policy.logs.endpoint

    def names_of(self, model: str) -> Names:
        """Return the names of a model's deployments and its name in the registry."""
        watched = self.config.fleet.models[model]
        return Names(watched.registered_as, watched.policy.logs.deployments)

    def registered_as(self, model: str) -> str:
        """Return the name of a model in the registry."""
        return self.config.fleet.models[model].registered_as

    def template_of(self, model: str) -> Path | None:
        """Return the deployment template of a model."""
        file = self.config.fleet.models[model].policy.serving.deployment
        return None if file is None else self.beside / file


def world(opened: Opened) -> World:
    """Open the ports; no service is called yet."""
    workspace = opened.workspace
    registry = AzureRegistry(workspace, opened.registered_as)
    private = (CONTAINER, REPORTS)
    tables = AzureTables(opened.own_blobs, opened.beside, private, opened.home)
    online = Deployments(workspace, opened.endpoint_of, opened.template_of, opened.names_of)
    return World(
        blobs=opened.blobs,
        logs=opened.logs,
        tables=tables,
        scoring=AzureScoring(
            ScoringClient(workspace, verify=opened.cloud.verify),
            online,
            registry,
            opened.endpoint_of,
            tables.read,
        ),
        trainer=AzureTrainer(workspace, opened.beside, opened.blobs.address, opened.registered_as),
        serving=_serving(opened, workspace, online),
        registry=registry,
        pager=opened.pager,
        publisher=opened.publisher,
        anchors=AnchorBlobs(opened.own_blobs),
        counting=AzureCounting(
            Analytics(opened.cloud),
            opened.settings.analytics,
            Platform(Metrics(opened.cloud), Endpoints(workspace).resource),
        ),
        reports=AzureReports(
            workspace,
            Exchange(opened.own_blobs),
            opened.clock,
            opened.config.document.reports.compute,
        ),
        arrivals=registry,
        store=opened.store,
    )


def _serving(opened: Opened, workspace: Workspace, online: Deployments) -> Serving:
    batch = Deployments(
        workspace, opened.endpoint_of, opened.template_of, opened.names_of, kind=BATCH
    )
    models = opened.config.fleet.models

    def rules_of(model: str) -> Rules:
        policy = models[model].policy.serving
        return Rules(policy.mirror or MIRROR_LIMIT, Foreign(policy.foreign))

    # The lease lies in our own store, because the last writer of an endpoint wins.
    lease = Lease(opened.store, opened.clock)
    kinds: dict[str, Callable[[], Serving]] = {
        "online": lambda: AzureServing(workspace, lease, opened.endpoint_of, online, rules_of),
        "batch": lambda: AzureBatchServing(workspace, lease, opened.endpoint_of, batch, rules_of),
    }
    opened_kinds = {kind: open_kind() for kind, open_kind in kinds.items()}
    return ServingByModel(
        {name: opened_kinds[watched.policy.serving.kind] for name, watched in models.items()}
    )
