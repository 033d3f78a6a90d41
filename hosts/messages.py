"""Decode events and messages of queues for the service verbs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.errors import DriftwardenError, Refused
from engine.texts import unexpected
from fleet.service import Service
from fleet.telemetry import TRACEPARENT

#: A model's name, the fleet's, or an on-call team's with its prefix.
PARTITION = re.compile(r"(?:oncall:)?[a-z0-9][a-z0-9-]{0,62}")


def ingest(service: Service, body: str) -> None:
    """Ingest one event, given as JSON."""
    try:
        event = parse(body, "event")
    except Refused as error:
        service.park(body, str(error))
        return
    service.ingest(event)


def ingest_message(service: Service, body: bytes) -> None:
    """Ingest the events of a queue message: one or an array, as JSON or as its Base64.

    Event Grid writes Base64 into a storage queue. A message that is neither is parked.
    """
    try:
        found = batch(_from_base64(body), "queue message")
    except Refused as error:
        service.park(_text(body), str(error))
        return
    ingest_batch(service, found)


def ingest_poison(service: Service, body: bytes) -> None:
    """Ingest a message of the poison queue; where a defect is the cause, it is parked.

    Otherwise it would fail at every tick.
    """
    try:
        ingest_message(service, body)
    except DriftwardenError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the defect is, it is told with the message
        service.park(_text(body), unexpected(error))


@dataclass(frozen=True)
class Batch:
    """The events of one body, and each element that is not JSON, as text with the reason."""

    events: tuple[Any, ...]
    odd: tuple[tuple[str, str], ...] = ()


def batch(body: bytes, what: str) -> Batch:
    """Read the events of a body: one or an array, as JSON.

    Raises
    ------
    Refused
        The body is not JSON. An element of an array may have NaN: it is odd then.
    """
    try:
        found = parse(body, what)
    except Refused:
        lax = _lax(body)
        if not isinstance(lax, list):
            raise
        return _sorted(lax, what)
    return Batch(tuple(found) if isinstance(found, list) else (found,))


def ingest_batch(service: Service, found: Batch) -> None:
    """Park the odd and ingest each event: one that fails holds up no other, and is raised last."""
    for text, reason in found.odd:
        service.park(text, reason)
    failed: list[Exception] = []
    for event in found.events:
        try:
            service.ingest(event)
        except Exception as error:  # noqa: BLE001 - raised below
            failed.append(error)
    if failed:
        raise failed[-1]


def _lax(body: bytes) -> object:
    """Read JSON that may contain NaN and Infinity; None where it is not even that."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found


def _sorted(elements: Iterable[object], what: str) -> Batch:
    """Tell the elements with finite numbers alone from the others."""
    events, odd = [], []
    for element in elements:
        text = json.dumps(element)
        try:
            events.append(parse(text, f"an element of the {what}"))
        except Refused as error:
            odd.append((text, str(error)))
    return Batch(tuple(events), tuple(odd))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "backslashreplace")


def _from_base64(body: bytes) -> bytes:
    """Return the content of Base64; anything else, such as JSON, as it is."""
    try:
        # JSON of an event has braces, and Base64 has none.
        return base64.b64decode(b"".join(body.split()), validate=True)
    except ValueError:
        return body


def drain(service: Service, body: bytes) -> None:
    """Drain the partition that a queue message names; an invalid message is parked."""
    try:
        name, trace = doorbell(body)
    except Refused as error:
        service.park(_text(body), str(error))
        return
    service.drain(name, trace)


def parse(body: str | bytes, what: str) -> Any:
    """Read JSON; Refused for anything else, NaN and Infinity included."""
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} is not JSON: {error}") from error


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def doorbell(body: bytes) -> tuple[str, str]:
    """Return the partition that a queue message names, and the trace that it continues.

    Refused where it names none.
    """
    found = parse(body, "queue message")
    name = found.get("partition") if isinstance(found, dict) else None
    if not isinstance(name, str) or not PARTITION.fullmatch(name):
        raise Refused('queue message names no partition; {"partition": "…"} is expected')
    trace = found.get(TRACEPARENT)
    return name, trace if isinstance(trace, str) else ""
