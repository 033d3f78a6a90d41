"""One invocation of one function, with its bindings, as the Functions worker does it."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace

import azure.functions as func

from engine.errors import Unavailable
from hosts.local.functions.function_table import RETURN, Entry, Trigger
from hosts.local.functions.http import Response
from hosts.local.functions.queues import Queues

logger = logging.getLogger("driftwarden.host")


@dataclass(frozen=True)
class Outcome:
    """The outcome of an invocation: the answer (HTTP only), or the failure in one line.

    `retry` is there where the same invocation may succeed after that time.
    """

    response: Response | None = None
    failure: str = ""
    retry: timedelta | None = None


class Slot(func.Out[object]):
    """The `func.Out` of one invocation."""

    def __init__(self) -> None:
        self._value: object = None

    def set(self, val: object) -> None:
        """Keep `val` until the function has returned."""
        self._value = val

    def get(self) -> object:
        """Return the value that was set last."""
        return self._value


class Invoker:
    """Calls functions and delivers their queue outputs.

    Parameters
    ----------
    queues : Queues
        Receives all messages of an invocation in one commit, once the function has returned.
    clock : callable
        The time of these messages.
    """

    def __init__(self, queues: Queues, clock: Callable[[], datetime]) -> None:
        self._queues, self._clock = queues, clock
        self._numbers = itertools.count(1)

    def invoke(self, entry: Entry, supply: Callable[[], object]) -> Outcome:
        """Call `entry` with the result of `supply`; exceptions are logged and become a failure."""
        try:
            return Outcome(self._run(entry, supply()))
        except Unavailable as late:
            reason = describe(late)
            logger.error("function %s has to wait: %s", entry.name, reason)
            return Outcome(failure=reason, retry=late.delay)
        # The host survives every exception of a function, an exit included.
        except (Exception, SystemExit) as error:
            reason = describe(error)
            logger.error("function %s failed: %s", entry.name, reason)
            logger.debug("function %s failed here:", entry.name, exc_info=True)
            return Outcome(failure=reason)

    def _run(self, entry: Entry, argument: object) -> Response | None:
        slots = {name: Slot() for name, _ in entry.outputs if name != RETURN}
        arguments: dict[str, object] = {entry.argument: argument, **slots}
        if entry.context:
            arguments["context"] = SimpleNamespace(
                function_name=entry.name, invocation_id=f"{entry.name}-{next(self._numbers)}"
            )
        returned = entry.function(**arguments)
        if inspect.iscoroutine(returned):
            returned = asyncio.run(returned)
        response = _response(returned) if entry.trigger is Trigger.HTTP else None
        messages = _messages(entry, slots, returned)
        if messages:
            self._queues.put_all(messages, self._clock())
        return response


def describe(error: BaseException) -> str:
    """Return `error` in one line of at most 500 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def _messages(
    entry: Entry, slots: Mapping[str, Slot], returned: object
) -> list[tuple[str, str | bytes]]:
    found: list[tuple[str, str | bytes]] = []
    for name, queue in entry.outputs:
        value = returned if name == RETURN else slots[name].get()
        for body in value if isinstance(value, list) else [value] if value is not None else []:
            if not isinstance(body, str | bytes):
                raise TypeError(f"output {name} takes str or a list of str, not {body!r}")
            found.append((queue, body))
    bound = entry.trigger is Trigger.HTTP or any(name == RETURN for name, _ in entry.outputs)
    if returned is not None and not bound:
        raise TypeError(f"it returned {type(returned).__name__} without a $return binding")
    return found


def _response(returned: object) -> Response:
    if returned is None:
        return Response(204)
    answer = func.HttpResponse(returned) if isinstance(returned, str) else returned
    if not isinstance(answer, func.HttpResponse):
        raise TypeError(f"it returned {type(returned).__name__}, no HttpResponse or str")
    status = int(answer.status_code)
    if not 200 <= status <= 599:
        raise ValueError(f"it answered with the status {status}")
    headers = tuple(answer.headers.items())
    if "content-type" not in answer.headers:
        charset = f"; charset={answer.charset}" if answer.mimetype.startswith("text/") else ""
        headers = (("Content-Type", f"{answer.mimetype}{charset}"), *headers)
    return Response(status, headers, answer.get_body())
