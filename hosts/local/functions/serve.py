"""Serve an unmodified Functions app on one machine until told to stop."""

from __future__ import annotations

import ipaddress
import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func

from engine.errors import Refused
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import HostFile, parse_host_file
from hosts.local.functions.queues import Queues
from hosts.local.functions.server import Server

logger = logging.getLogger("driftwarden.host")


@dataclass(frozen=True)
class Options:
    """How an app is served.

    Attributes
    ----------
    host, port : str, int
        The address that is listened on; port 0 takes a free one.
    key : str, optional
        The function key. Without one a key is made up, and only this machine is listened to.
    root : Path
        The folder of host.json; defaults hold where there is none.
    settings : mapping, optional
        App settings (default: the environment), for `%NAME%` in schedules and names of queues.
    """

    host: str = "127.0.0.1"
    port: int = 7071
    key: str | None = None
    root: Path = Path()
    settings: Mapping[str, str] | None = None


def serve(
    app: func.FunctionApp,
    queues: Queues,
    options: Options,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ready: Callable[[Server], None] | None = None,
) -> None:
    """Serve `app` until SIGINT or SIGTERM, then finish what is running.

    Parameters
    ----------
    ready : callable, optional
        Called once requests are answered, with the server's `url` and `key`.

    Raises
    ------
    Refused
        The app, host.json, the address or the lack of a key does not allow it.
    """
    host = options.host
    if options.key == "":
        raise Refused("DRIFTWARDEN_KEY is empty: set a key, or unset it and one is made up")
    if options.key is None and not _is_loopback(host):
        raise Refused(
            f"without a function key the host listens on loopback addresses only, not on {host}: "
            "set DRIFTWARDEN_KEY"
        )
    dispatcher = Dispatcher(
        app,
        queues,
        clock,
        key=options.key or secrets.token_urlsafe(24),
        host_file=_host_file(options.root / "host.json"),
        settings=os.environ if options.settings is None else options.settings,
    )
    with Server(dispatcher, queues, clock, host, options.port) as server, _signals(server.stop):
        logger.info("listening on %s", server.url)
        if ready is not None:
            ready(server)
        server.wait()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_file(path: Path) -> HostFile:
    try:
        return parse_host_file(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return HostFile()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: {error}") from error


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Stop on SIGINT and SIGTERM; only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: stop()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
