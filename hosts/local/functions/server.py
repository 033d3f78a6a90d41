"""A dispatcher behind sockets, with a thread that runs its timers and queues."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from engine.errors import Unavailable
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.invoke import describe
from hosts.local.functions.listener import Listener
from hosts.local.functions.queues import Queues
from hosts.local.functions.wsgi import Application

logger = logging.getLogger("driftwarden.host")

#: How often the pump looks for due timers and messages while idle.
POLL_SECONDS = 0.2
#: How long a stop waits for running functions; an interrupted message is retried.
GRACE_SECONDS = 10.0


class Server:
    """A dispatcher behind sockets, with a thread that pumps its timers and queues.

    Parameters
    ----------
    dispatcher : Dispatcher
        Requests are answered in a few threads, timers and queues run in one more.
    queues : Queues
        Messages that a killed host held are released at the start.
    clock : callable
        The time of the pump.
    host, port :
        Port 0 takes a free one, see `url`.

    Raises
    ------
    Refused
        The address cannot be listened on.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        queues: Queues,
        clock: Callable[[], datetime],
        host: str = "127.0.0.1",
        port: int = 7071,
    ) -> None:
        self._dispatcher, self._queues, self._clock = dispatcher, queues, clock
        self._listener = Listener(Application(dispatcher, host), host, port)
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._threads = (
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._pump, daemon=True),
        )
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._listener.port}/"
        self.key = dispatcher.key

    def __enter__(self) -> Server:
        self._queues.release()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._listener.stop()
        for thread in self._threads:
            thread.join(GRACE_SECONDS + 1)
        self._listener.close_all()

    def stop(self) -> None:
        """Make `wait` return; safe in a signal handler."""
        self._stopping.set()

    def wait(self) -> None:
        """Return after `stop`; raise the exception that broke the pump, if any."""
        # In turns: a signal may be taken by another thread, and Python calls its handler once the
        # main thread runs again.
        while not self._stopping.wait(POLL_SECONDS):
            pass
        if self._failure is not None:
            raise self._failure

    def _listen(self) -> None:
        with self._fatal("connections"):
            self._listener.run(GRACE_SECONDS)

    def _pump(self) -> None:
        with self._fatal("timers and queues"):
            while not self._stopping.is_set():
                if not self._turn():
                    self._stopping.wait(POLL_SECONDS)

    @contextmanager
    def _fatal(self, what: str) -> Iterator[None]:
        """End the server with the exception that broke one of its threads."""
        try:
            yield
        except Exception as error:
            logger.critical("%s stopped: %s", what, describe(error), exc_info=True)
            self._failure = error
            self._stopping.set()

    def _turn(self) -> int:
        """Run what is due, one batch per queue, so that none starves the rest."""
        done = 0
        try:
            done += self._dispatcher.run_timers(self._clock())
            for queue in self._dispatcher.queue_names:
                if not self._stopping.is_set():
                    done += self._dispatcher.pump_queue(queue, self._clock())
        except Unavailable as unavailable:
            logger.warning("timers and queues are delayed: %s", unavailable)
            self._stopping.wait(unavailable.delay.total_seconds())
        return done
