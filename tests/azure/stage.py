"""A stage of the replay on Azure's host: Azurite, the doubles, and the Functions app between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import pyarrow as pa

from commands.replay.driver import TICK, deliver
from commands.replay.scenario import Scenario, VersionPlan
from engine.clock import SetClock
from engine.errors import Broken
from engine.store import Store
from hosts import read_config
from hosts.azure import settings
from hosts.azure.cloud import Cloud
from hosts.azure.host import STORAGE, AzureHost
from hosts.azure.storage.app_queues import DUE_QUEUE
from hosts.azure.storage.queues import AzureQueue
from hosts.azure.storage.tables import TablesStore
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.queues import Queues
from hosts.local.position import Position
from tests.azure.behind import LOGS, Behind
from tests.doubles import azurite
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential
from tests.doubles.azureml_data import DataAssets
from tests.doubles.eventgrid import Topic
from tests.doubles.insights import Insights
from tests.doubles.relay import Relay
from tests.doubles.tls import Authority

TRIES = 4


@dataclass
class Around:
    """The services around the host, and the storage account as it is without faults."""

    service: AzureML
    topic: Topic
    insights: Insights
    account: azurite.Account
    relays: dict[str, Relay]


class AzureStage:
    """Implements `hosts.local.position.Stage`.

    The Functions host is played by the local one's dispatcher: it takes messages off the storage
    queue and invokes the app's own functions with them.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        host: AzureHost,
        behind: Behind,
        clock: SetClock,
        scratch: Path,
        around: Around,
    ) -> None:
        self.host, self.behind = host, behind
        self.service, self.topic, self.insights = around.service, around.topic, around.insights
        self.relays = around.relays
        # What the replay itself reads and writes takes no part in any fault.
        account = around.account
        self._store = TablesStore(account.tables())
        self._due = AzureQueue(account.queues(), DUE_QUEUE)
        self._taken = Queues(scratch, durable=False)
        self.dispatcher = Dispatcher(app, self._taken, clock.now, key="replay")
        self._clock = clock
        self._stands: Position | None = None

    @property
    def store(self) -> Store:
        """See `Stage`."""
        return self._store

    def stands(self) -> Position | None:
        """See `Stage`."""
        return self._stands

    def keep(self, position: Position) -> None:
        """See `Stage`: nobody kills this one, so it need not outlive the process."""
        self._stands = position

    def begin(self) -> None:
        """See `Stage`: nothing was killed here."""

    def retry_at(self) -> datetime | None:
        """See `Stage`."""
        self._take(self._clock.now())
        return self._taken.next_visible(DUE_QUEUE)

    def tick(self, at: datetime) -> None:
        """See `Stage`."""
        # The timer fires every minute: one that failed is followed by another.
        for _ in range(TRIES):
            self.dispatcher.timers.run(TICK, at)
            if not self.relays:
                return

    def work(self, at: datetime) -> bool:
        """See `Stage`."""
        self._take(at)
        return self.dispatcher.pump_queue(DUE_QUEUE, at) > 0

    def _take(self, at: datetime) -> None:
        """Take messages off the storage queue, whose own clock is not the replay's."""
        for message in self._due.receive(32):
            self._taken.put(DUE_QUEUE, message.body, at)
            self._due.delete(message)

    def announce(self, events: Sequence[dict[str, Any]]) -> None:
        """See `Stage`; Event Grid sends again what was answered with "try later"."""
        for _ in range(TRIES - 1):
            with suppress(Broken):
                deliver(self.dispatcher, events)
                return
        deliver(self.dispatcher, events)

    def serve(self, model: str, rows: pa.Table, start: datetime) -> list[tuple[str, int]]:
        """See `Stage`."""
        return self.behind.serve(model, rows, start)

    def keep_labels(self, path: str, content: bytes) -> None:
        """See `Stage`."""
        self.behind.upload(path, content)

    def register(self, plan: VersionPlan) -> None:
        """See `Stage`."""
        self.behind.make(plan)

    def close(self) -> None:
        """Close what this opened."""
        self._taken.close()


@contextmanager
def staged(
    app: func.FunctionApp,
    fleet: Path,
    scenario: Scenario,
    clock: SetClock,
    root: Path,
    authority: Authority,
    *,
    mirror: int,
    relayed: bool = False,
    kind: type[AzureStage] = AzureStage,
) -> Iterator[AzureStage]:
    """Open Azure's host on Azurite and doubles of everything else.

    With `relayed` the host reaches Azurite through relays, which can break what passes.
    """
    credential = WorkspaceCredential()
    account = azurite.account()
    relays = {kind: Relay(port) for kind, port in azurite.running().items()} if relayed else {}
    with (
        ExitStack() as stack,
        AzureML(authority, credential) as service,
        Topic(authority, lambda: credential.bearer) as topic,
        Insights(authority, lambda: credential.bearer) as insights,
    ):
        for relay in relays.values():
            stack.enter_context(relay)
        ports = {kind: relay.port for kind, relay in relays.items()}
        DataAssets(service)
        # No setting names the container of the logs: the workspace is asked.
        service.assets.own_datastore(azurite.ACCOUNT, LOGS)
        service.polls, service.now = 0, clock.now
        cloud = Cloud(
            credential, service.cloud_name, service.metadata, trusted=str(authority.bundle)
        )
        known = {
            settings.SUBSCRIPTION: service.subscription,
            settings.RESOURCE_GROUP: service.resource_group,
            settings.WORKSPACE: service.workspace,
            settings.TOPIC: topic.endpoint,
            settings.TELEMETRY: insights.connection,
            STORAGE: azurite.connection_string(ports or None),
        }
        config = read_config(fleet)
        policy = config.fleet.models[scenario.model].policy
        behind = Behind(
            service, account.blobs(), clock, scenario, fleet.parent / "behind", root,
            mirror=mirror, baseline=str(policy.serving.baseline),
        )  # fmt: skip
        host = AzureHost(config, fleet.parent, known, cloud, clock)
        around = Around(service, topic, insights, account, relays)
        stage = kind(app, host, behind, clock, fleet.parent / "scratch.sqlite", around)
        try:
            yield stage
        finally:
            stage.close()
            host.close()
            behind.close()
            account.close()
