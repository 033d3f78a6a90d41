"""Open a local fleet for the command line, and serve it."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import azure.functions as func
from rich.console import Console

from engine.clock import Clock
from engine.errors import Refused
from fleet.document.config import Config
from hosts.clock import SystemClock
from hosts.host import Host
from hosts.local import leftovers
from hosts.local.functions.serve import Options, serve
from hosts.local.functions.server import Server
from hosts.local.host import STORE_FILE, LocalHost
from hosts.local.position import position
from hosts.local.sqlite import SqliteStore
from hosts.local.stderr_log import logged

KEY_SETTING = "DRIFTWARDEN_KEY"
#: The folder of host.json.
ROOT = Path(__file__).parents[2]


class ShiftedClock:
    """A clock that continues from the end of a replay, whose fleet knows no later time."""

    def __init__(self, clock: Clock, behind: timedelta) -> None:
        self._clock, self._behind = clock, behind

    def now(self) -> datetime:
        """Return the end of the replay plus the time since this clock was made."""
        return self._clock.now() - self._behind


def open_local(config: Config, beside: Path) -> LocalHost:
    """Open a document's fleet on this machine; a replayed one continues at its own time.

    Raises
    ------
    Refused
        A replay of it was interrupted and not resumed.
    """
    file = beside / config.document.store.partition(":")[2] / STORE_FILE
    clock: Clock = SystemClock()
    if file.exists():
        store = SqliteStore(file)
        stands = position(store)
        store.close()
        if stands is not None and not stands.finished:
            raise Refused(f"{file}: a replay was interrupted at {stands.at}; `replay` resumes it")
        if stands is not None:
            clock = ShiftedClock(clock, clock.now() - stands.at)
    return LocalHost(config, beside, clock)


def serve_fleet(host: Host, app: func.FunctionApp, port: int) -> None:
    """Serve the app on this machine until SIGINT or SIGTERM.

    Raises
    ------
    Refused
        The fleet is not on this machine, or the address cannot be listened on.
    """
    if not isinstance(host, LocalHost):
        raise Refused("this fleet's store is not on this machine: the Functions app serves it")

    def ready(server: Server) -> None:
        console = Console(stderr=True, highlight=False)
        console.print(f"dashboard   {server.url}")
        if KEY_SETTING not in os.environ:
            console.print(f"function key for POST and events: {server.key}")
        console.print("stop with Ctrl-C")

    options = Options(port=port, key=os.environ.get(KEY_SETTING), root=ROOT)
    leftovers.remove(host.root)
    try:
        with logged():
            serve(app, host.queues, options, clock=host.clock.now, ready=ready)
    finally:
        leftovers.remove(host.root, own=True)
