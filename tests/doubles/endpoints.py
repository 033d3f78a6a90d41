"""Our serving, opened on a double of Azure Machine Learning with one endpoint, `flights`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.clock import SetClock
from engine.memory import MemoryStore
from hosts.azure.ml.batch import AzureBatchServing
from hosts.azure.ml.deployments import BATCH, Deployments, Names
from hosts.azure.ml.serving import AzureServing, Rules
from hosts.azure.ml.settling import SETTLES
from hosts.azure.ml.workspace import Workspace
from hosts.azure.storage.lease import Lease
from tests.doubles.azureml import AzureML

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)
ENDPOINT = "flights-live"
TEMPLATE = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
environment: azureml:scoring:1
instance_type: Standard_DS3_v2
instance_count: 1
"""


@dataclass
class Stand:
    """The double and what was opened on it."""

    service: AzureML
    workspace: Workspace
    store: MemoryStore
    clock: SetClock
    deployments: Deployments
    serving: AzureServing

    def endpoint(self) -> dict[str, Any]:
        """Return the online endpoint as the service has it."""
        return self.service.online.endpoints[ENDPOINT]

    def others_split(self, traffic: dict[str, int]) -> None:
        """Let somebody else set a split, when our last write is long settled."""
        self.clock.moment += SETTLES
        self.service.online.split(ENDPOINT, traffic, {})

    def weights(self) -> dict[str, int]:
        """Return what each deployment gets of the live traffic, by the service's own word."""
        return dict(self.endpoint()["properties"]["traffic"])

    def puts(self) -> int:
        """Return how often the endpoint was written."""
        return len(self.service.requests(f"PUT .*Endpoints/{ENDPOINT}$"))


def emptied(service: AzureML) -> None:
    """Forget what earlier tests left in the double."""
    service.exchanges.clear()
    service.faults.clear()
    service.operations.clear()
    for kept in (service.online, service.batch):
        kept.endpoints.clear()
        kept.deployments.clear()
    service.online.pending.clear()
    service.online.older.clear()
    service.online.lingering.clear()
    service.online.stale, service.online.stale_tags = 0, False
    service.polls, service.poll_after = 0, 0.01


def stand(
    service: AzureML,
    opened: Workspace,
    *,
    rules: Rules | None = None,
    template: Path | None = None,
    wait: timedelta = timedelta(seconds=5),
    batch: bool = False,
    names: Callable[[str], Names] = Names,
) -> Stand:
    """Open our serving on an endpoint that the double has already."""
    store, clock = MemoryStore(), SetClock(NOON)
    kind = {"kind": BATCH} if batch else {}
    deployments = Deployments(
        opened, lambda _: ENDPOINT, lambda _: template, names, wait=wait, **kind
    )
    serving = (AzureBatchServing if batch else AzureServing)(
        opened,
        Lease(store, clock),
        lambda _: ENDPOINT,
        deployments,
        lambda _: rules or Rules(),
        wait=wait,
    )
    return Stand(service, opened, store, clock, deployments, serving)
