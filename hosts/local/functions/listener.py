"""The sockets of the local host: waitress in front of a WSGI application.

Waitress reads and writes all connections in one thread and answers requests in a few. It stops
accepting at its limit of connections until one ends; here the connection that has waited longest
for a whole request is closed instead, so that idle clients never make the server deaf.
"""

from __future__ import annotations

import errno
import logging
import resource
import socket
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from engine.errors import Refused
from hosts.local.functions.connection import Connection

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

logger = logging.getLogger("driftwarden.host")

#: Event Grid delivers at most 1 MB at once; no other request needs more.
MAX_BODY = 1024 * 1024
#: Of request line and headers, as in the Functions host.
MAX_HEAD = 32 * 1024
#: Answers up to this size never need a temporary file.
MAX_ANSWER = 64 * 1024 * 1024
#: A connection whose request has not arrived, or whose answer is not read, for this long is closed.
IDLE_SECONDS = 30.0
#: How often such connections are looked for.
LOOK_SECONDS = 1.0
#: A connection is not closed to make room before it has been idle for this long.
FRESH_SECONDS = 0.25
#: Requests that are answered at the same time; a command occupies a thread for up to 5 s.
THREADS = 16
#: Open connections, if half of the descriptors that the process may have open are as many.
CONNECTIONS = 128
BACKLOG = 1024
#: How often a lack of descriptors is logged.
COMPLAINT_SECONDS = 60.0
#: How long to wait for a free descriptor where other files took them.
PAUSE_SECONDS = 0.05
OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Threads(ThreadedTaskDispatcher):
    """Waitress' threads, which do not warn about each request that waits for one."""

    queue_logger = logger.getChild("waiting")

    def __init__(self) -> None:
        super().__init__()
        self.queue_logger.setLevel(logging.ERROR)
        self.set_thread_count(THREADS)


class Listener(TcpWSGIServer):
    """Accepts connections for one application until it is stopped.

    Raises
    ------
    Refused
        The address cannot be listened on, most often because the port is taken.
    """

    channel_class = Connection
    active_channels: dict[int, Connection]  # type: ignore[assignment]
    _map: Mapping[int, socket.socket]

    def __init__(self, application: WSGIApplication, host: str, port: int) -> None:
        listening = _listening(host, port)
        self.port = int(listening.getsockname()[1])
        self._stopping = threading.Event()
        self._next_look = self._next_complaint = 0.0
        about = (listening.family, listening.type, listening.proto, listening.getsockname())
        super().__init__(
            application,
            _sock=listening,
            dispatcher=Threads(),
            adj=_adjustments(listening),
            sockinfo=about,
            bind_socket=False,
        )

    def stop(self) -> None:
        """Make `run` finish; safe in every thread."""
        self._stopping.set()
        self.pull_trigger()

    def run(self, grace: float = 0.0) -> None:
        """Answer requests until stopped; then only those under way, for `grace` seconds at most."""
        while not self._stopping.is_set():
            self._poll()
        wasyncore.dispatcher.close(self)
        end = time.monotonic() + grace
        while time.monotonic() < end and self._close_idle():
            self._poll()
        self.task_dispatcher.shutdown(timeout=1)

    def close_all(self) -> None:
        """Close the other sockets, once `run` has returned."""
        wasyncore.close_all(self._map)

    def readable(self) -> bool:
        """Tell whether to accept a connection."""
        return self.accepting and len(self._map) < self.adj.connection_limit

    def accept(self) -> tuple[socket.socket, object] | None:
        """Accept a connection; None where there is none, or no descriptor for one."""
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in OUT_OF_DESCRIPTORS:
                raise
            if time.time() >= self._next_complaint:
                self._next_complaint = time.time() + COMPLAINT_SECONDS
                logger.error("connections are closed to accept others: %s", error.strerror)
            if not self._make_room():
                time.sleep(PAUSE_SECONDS)
            return None

    def _poll(self) -> None:
        """Wait for what the connections have to say, a second at most."""
        # Closed before the wait: a descriptor that is closed during it may belong to a new
        # connection when its events are looked at.
        if time.time() >= self._next_look:
            self._close_overdue()
        crowded = len(self._map) >= self.adj.connection_limit and not self._make_room()
        seconds = FRESH_SECONDS if crowded else LOOK_SECONDS
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)

    def _close_overdue(self) -> None:
        now = time.time()
        self._next_look = now + LOOK_SECONDS
        for connection in list(self.active_channels.values()):
            if connection.overdue(now, IDLE_SECONDS):
                connection.handle_close()

    def _make_room(self) -> bool:
        """Close the connection that is idle for longest; False where none is.

        One that was just accepted is spared: while all others are busy, it is the only idle one.
        """
        latest = time.time() - FRESH_SECONDS
        idle = [
            (since, one)
            for one in self.active_channels.values()
            if one.awaited and (since := one.idle_since()) is not None and since <= latest
        ]
        if not idle:
            return False
        min(idle, key=lambda pair: pair[0])[1].handle_close()
        return True

    def _close_idle(self) -> bool:
        """Close connections without a request; tell whether there are others."""
        for connection in list(self.active_channels.values()):
            if not connection.requests and not connection.total_outbufs_len:
                connection.handle_close()
        return bool(self.active_channels)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refused(
            f"cannot listen on {host}:{port}: {reason}; stop what listens there or choose "
            "another port"
        ) from error


def _adjustments(listening: socket.socket) -> Adjustments:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = CONNECTIONS if descriptors < 0 else min(CONNECTIONS, descriptors // 2)
    return Adjustments(
        sockets=[listening],
        ident="driftwarden",
        backlog=BACKLOG,
        connection_limit=most,
        max_request_header_size=MAX_HEAD,
        # Waitress refuses what is as long as this.
        max_request_body_size=MAX_BODY + 1,
        inbuf_overflow=MAX_BODY + 1,
        outbuf_overflow=MAX_ANSWER,
        outbuf_high_watermark=MAX_ANSWER,
        log_socket_errors=False,
    )
