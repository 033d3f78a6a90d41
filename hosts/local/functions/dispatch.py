"""The local Functions host without its sockets: every trigger as a call."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import azure.functions as func
from azure.functions.http import HttpRequest
from azure.functions.timer import TimerRequest

from engine.errors import Refused
from hosts.local.functions import webhook
from hosts.local.functions.function_table import Entry, Trigger, read_entries
from hosts.local.functions.hostfile import HostFile
from hosts.local.functions.http import Response, plain
from hosts.local.functions.invoke import Invoker, Outcome
from hosts.local.functions.pump import Pump
from hosts.local.functions.queues import Queues
from hosts.local.functions.request import Request, lowered
from hosts.local.functions.routes import NoMethod, Routes
from hosts.local.functions.timers import Timer, Timers

logger = logging.getLogger("driftwarden.host")


class Dispatcher:
    """The functions of one app, invoked as the Azure Functions host would.

    Parameters
    ----------
    app : FunctionApp
        Read once, by the constructor.
    queues : Queues
        Where queue triggers read, queue outputs write and timers keep their status.
    clock : callable
        The time of messages that functions put.
    key : str
        The function key; the same one opens the Event Grid webhook.
    host_file : HostFile
        The settings of host.json.
    settings : mapping
        App settings, for `%NAME%` in schedules and names of queues.

    Raises
    ------
    Refused
        The app has a function that this host cannot serve.
    """

    def __init__(
        self,
        app: func.FunctionApp,
        queues: Queues,
        clock: Callable[[], datetime],
        *,
        key: str,
        host_file: HostFile | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        host_file = host_file or HostFile()
        self.entries = read_entries(app, host_file.route_prefix, settings or {})
        self._by_name = {entry.name: entry for entry in self.entries}
        routed = ((e.name, e.route, e.methods) for e in self.entries if e.route is not None)
        self._routes = Routes(routed)
        self._by_queue = {e.queue: e for e in self.entries if e.trigger is Trigger.QUEUE}
        self._queues, self.key = queues, key
        self._invoker = Invoker(queues, clock)
        self._pump = Pump(queues, self._invoker, host_file)
        timed = (entry for entry in self.entries if entry.trigger is Trigger.TIMER)
        timers = tuple(Timer(entry.name, entry.schedule, entry.at_start) for entry in timed)
        self.timers = Timers(timers, queues, self._tick)

    @property
    def queue_names(self) -> tuple[str, ...]:
        """The queues that trigger a function."""
        return tuple(self._by_queue)

    def http(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """Answer one HTTP request.

        Parameters
        ----------
        path, query : str
            Still percent-encoded, without the question mark.

        Returns
        -------
        Response
            404 without a route, 405 for another method, 401 without the key where it is needed,
            500 when the function failed, 503 when it may succeed later. HEAD is answered by GET's
            function, body and all.
        """
        request = Request(method.upper(), path, query, lowered(headers), body)
        try:
            found = self._routes.find(request.method, path)
        except NoMethod as refusal:
            return plain(405, str(refusal), ("Allow", ", ".join(refusal.allowed)))
        if found is None:
            return plain(404, "no function answers this path")
        entry, values = self._by_name[found[0]], found[1]
        if entry.key_needed and not self._is_key(request.key):
            return plain(401, "this needs the function key: x-functions-key or ?code=")
        if request.method == "HEAD" and "HEAD" not in entry.methods:
            request = replace(request, method="GET")
        return self._answer(entry, request.decoded(values))

    def event_grid(
        self,
        function_name: str,
        headers: Mapping[str, str],
        body: bytes,
        key: str | None,
        method: str = "POST",
    ) -> Response:
        """Answer one request to Event Grid's webhook.

        One invocation per event, in the order of the batch; every event is tried even after one
        failed, and any failure is a 500, upon which Event Grid sends the whole batch again.

        Returns
        -------
        Response
            200 for a handshake, 202 when every event succeeded, 400 for a malformed request, 401
            without the key, 404 for an unknown function, 500 for a failure, 503 with `Retry-After`
            where the store is not available.
        """
        if not self._is_key(key):
            return plain(401, "this needs the key: ?code=")
        entry = self._by_name.get(function_name)
        if entry is None or entry.trigger is not Trigger.EVENT_GRID:
            return plain(404, f"no function {function_name!r} takes events")
        try:
            notify = partial(self._notify, entry)
            return webhook.answer(method, lowered(headers), body, notify)
        except Refused as refusal:
            logger.warning("%s refused a delivery: %s", entry.name, refusal)
            return plain(400, str(refusal))

    def run_timers(self, now: datetime) -> int:
        """Run the timers that are due, and count the runs."""
        return self.timers.run_due(now)

    def pump_queue(self, queue: str, now: datetime, limit: int | None = None) -> int:
        """Run the function of `queue` on one batch of visible messages.

        A message is deleted when the function returned. Otherwise it becomes visible after the
        retry delay, and after the last try it is moved to `<queue>-poison` with the reason.

        Parameters
        ----------
        limit : int, optional
            Messages at most (default: the batch size of host.json).

        Returns
        -------
        int
            The number of messages taken, failed ones included.

        Raises
        ------
        Refused
            No function is triggered by this queue.
        """
        if queue not in self._by_queue:
            raise Refused(f"queue {queue!r} triggers no function")
        return self._pump.work(self._by_queue[queue], now, limit)

    def next_due(self, now: datetime) -> datetime | None:
        """Return the earliest moment at which a timer or a message is due; None if none is."""
        moments = [self.timers.next_moment(name, now) for name in self.timers.names]
        visible = (self._queues.next_visible(queue) for queue in self.queue_names)
        return min([*moments, *(moment for moment in visible if moment)], default=None)

    def _is_key(self, offered: str | None) -> bool:
        return offered is not None and hmac.compare_digest(offered.encode(), self.key.encode())

    def _answer(self, entry: Entry, request: HttpRequest) -> Response:
        outcome = self._invoker.invoke(entry, lambda: request)
        failed = f"function {entry.name} failed; the host's log says why"
        return outcome.response or _failed([outcome], failed)

    def _notify(self, entry: Entry, elements: list[dict[str, object]]) -> Response:
        decode = json.dumps if entry.text else webhook.decode
        outcomes = [self._invoker.invoke(entry, partial(decode, e)) for e in elements]
        failures = [outcome for outcome in outcomes if outcome.failure]
        if failures:
            told = f"{len(failures)} of {len(elements)} events failed: send them all again"
            return _failed(failures, told)
        return Response(202)

    def _tick(self, name: str, request: TimerRequest) -> None:
        self._invoker.invoke(self._by_name[name], lambda: request)


def _failed(failures: Sequence[Outcome], told: str) -> Response:
    """Return 503 and why where another try may succeed, and 500 otherwise."""
    late = [outcome for outcome in failures if outcome.retry is not None]
    if not late:
        return plain(500, told)
    seconds = max(outcome.retry.total_seconds() for outcome in late if outcome.retry is not None)
    return plain(503, f"{told}: {late[0].failure}", ("Retry-After", f"{seconds:.0f}"))
