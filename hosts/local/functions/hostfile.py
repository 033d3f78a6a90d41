"""The settings of host.json that the local host supports."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta

from engine.errors import Refused

_TIME_SPAN = re.compile(r"(?:(\d+)\.)?([01]?\d|2[0-3]):([0-5]?\d)(?::([0-5]?\d))?")


@dataclass(frozen=True)
class HostFile:
    """The supported settings, with the defaults of the Azure Functions host.

    Attributes
    ----------
    route_prefix : str
        The prefix of every HTTP route; may be empty.
    batch_size : int
        Messages taken from a queue at once, 1 to 32.
    max_dequeue_count : int
        Tries of one message before it is moved to the poison queue.
    retry_delay : timedelta
        How long a message that failed stays invisible (`visibilityTimeout`).
    """

    route_prefix: str = "api"
    batch_size: int = 16
    max_dequeue_count: int = 5
    retry_delay: timedelta = timedelta(0)


def parse_host_file(text: str) -> HostFile:
    """Read the text of a host.json; other sections are ignored.

    Raises
    ------
    Refused
        The text is not a JSON object, or a setting has an invalid value.

    Examples
    --------
    >>> parse_host_file('{"extensions": {"queues": {"visibilityTimeout": "00:00:30"}}}').retry_delay
    datetime.timedelta(seconds=30)
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Refused(f"host.json: not JSON: {error}") from error
    extensions = _section(document, "extensions")
    http, queues = _section(extensions, "http"), _section(extensions, "queues")
    prefix = http.get("routePrefix", HostFile.route_prefix)
    if not isinstance(prefix, str):
        raise Refused("host.json: extensions.http.routePrefix: must be a string")
    return HostFile(
        route_prefix=prefix.strip("/"),
        batch_size=_count(queues, "batchSize", HostFile.batch_size, 32),
        max_dequeue_count=_count(queues, "maxDequeueCount", HostFile.max_dequeue_count, 1000),
        retry_delay=parse_time_span(queues.get("visibilityTimeout", "00:00:00")),
    )


def parse_time_span(text: object) -> timedelta:
    """Read .NET's `[d.]hh:mm[:ss]`; hours end at 23, as there.

    Examples
    --------
    >>> parse_time_span("1.02:00:30")
    datetime.timedelta(days=1, seconds=7230)
    """
    found = _TIME_SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise Refused(f"{text!r} is not a time span: write [d.]hh:mm:ss, hours up to 23")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _section(document: object, name: str) -> dict[str, object]:
    found = document.get(name, {}) if isinstance(document, dict) else None
    if not isinstance(found, dict):
        raise Refused(f"host.json: {name}: must be an object")
    return found


def _count(section: dict[str, object], name: str, default: int, most: int) -> int:
    value = section.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Refused(f"host.json: extensions.queues.{name}: must be 1 to {most}, not {value!r}")
    return value
