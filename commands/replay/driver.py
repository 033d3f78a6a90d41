"""The stage of a replay on one machine: the local host, its router, its registry."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import azure.functions as func
import pyarrow as pa

from commands.replay.announcements import Json
from commands.replay.scenario import Scenario, VersionPlan
from engine.clock import Clock
from engine.errors import Broken, Refused
from engine.store import Store
from hosts import folders, private
from hosts.local.files import replace_file
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.host import DUE_QUEUE, LocalHost
from hosts.local.models.processes import plain_environment
from hosts.local.position import Position, keep, position

INGEST, TICK = "ingest", "tick"
NOTIFICATION = {"aeg-event-type": "Notification", "content-type": "application/json"}


class LocalStage:
    """Implements `commands.replay.stage.Stage` on an open local host.

    Parameters
    ----------
    app : the Functions app whose triggers are driven.
    folder : where the scenario's commands run.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        host: LocalHost,
        clock: Clock,
        scenario: Scenario,
        folder: Path,
    ) -> None:
        self._host, self._scenario, self._folder = host, scenario, folder
        self._dispatcher = Dispatcher(app, host.queues, clock.now, key="replay")

    @property
    def store(self) -> Store:
        """See `Stage`."""
        return self._host.store

    def stands(self) -> Position | None:
        """See `Stage`."""
        return position(self._host.store)

    def keep(self, position: Position) -> None:
        """See `Stage`."""
        keep(self._host.store, position)

    def begin(self) -> None:
        """See `Stage`."""
        self._host.queues.release()

    def retry_at(self) -> datetime | None:
        """See `Stage`."""
        return self._host.queues.next_visible(DUE_QUEUE)

    def tick(self, at: datetime) -> None:
        """See `Stage`."""
        self._dispatcher.timers.run(TICK, at)

    def work(self, at: datetime) -> bool:
        """See `Stage`."""
        return self._dispatcher.pump_queue(DUE_QUEUE, at) > 0

    def announce(self, events: Sequence[Json]) -> None:
        """See `Stage`."""
        deliver(self._dispatcher, events)

    def serve(self, model: str, rows: pa.Table, start: datetime) -> list[tuple[str, int]]:
        """See `Stage`."""
        return self._host.router.serve(model, rows, start)

    def keep_labels(self, path: str, content: bytes) -> None:
        """See `Stage`."""
        replace_file(self._host.logs / path, content)

    def register(self, plan: VersionPlan) -> None:
        """See `Stage`."""
        make_version(self._host, self._scenario, self._folder, plan)


def deliver(dispatcher: Dispatcher, events: Sequence[Json]) -> None:
    """Deliver events to the app as Event Grid does; Broken where it refuses them."""
    body = json.dumps(list(events)).encode()
    answer = dispatcher.event_grid(INGEST, NOTIFICATION, body, dispatcher.key)
    if answer.status != 202:
        raise Broken(f"the app refused {len(events)} events: {answer.body.decode()}")


def prepare(host: LocalHost, scenario: Scenario, folder: Path) -> None:
    """Run the scenario's preparations, and train the versions that serve from the start."""
    for command in scenario.prepare:
        run_command(command, folder)
    for plan in scenario.versions:
        if plan.register_at is None:
            make_version(host, scenario, folder, plan)


def make_version(host: LocalHost, scenario: Scenario, folder: Path, plan: VersionPlan) -> None:
    """Train a version outside of Driftwarden and register it, once."""
    if plan.name in host.models.versions(scenario.model):
        return
    # The command runs in a different working folder.
    out = (host.root / "made" / plan.name).resolve()
    with suppress(OSError):
        folders.remove(out)
    private.make_folder(out.parent)
    filled = {"out": str(out), "version": plan.name}
    run_command([word.format_map(filled) for word in plan.train], folder)
    private.close_to_others(out)
    host.models.register(out)


def run_command(command: Sequence[str], folder: Path) -> None:
    """Run one command of a scenario; Refused with its last line where it fails."""
    words = [sys.executable if word == "python" else word for word in command]
    try:
        done = subprocess.run(
            words, cwd=folder, env=plain_environment(), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise Refused(f"{' '.join(command)}: {error.filename}: {error.strerror}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Refused(
            f"{' '.join(command)}: exit code {done.returncode}: {said[-1] if said else ''}"
        )
