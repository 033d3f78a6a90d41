"""JSON that a receiver is posted, and the receipt for the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping

from engine.errors import Refused
from fleet.document.addresses import FORM, address_fault
from hosts.receivers import failures
from hosts.receivers.http import Answer
from hosts.receivers.paging import Receipt, Surroundings
from hosts.receivers.wording import plain

#: Characters of an answer that people are shown.
SHOWN = 300
JSON = {"Content-Type": "application/json"}


def encoded(body: object) -> bytes:
    """Return JSON as it is sent: ASCII, so that nothing on the way can encode it otherwise."""
    return json.dumps(body).encode("ascii")


def size(text: str) -> int:
    r"""Return the octets of a text in JSON, where everything outside of ASCII is escaped.

    >>> size("a"), size("é"), size("\n")
    (1, 6, 2)
    """
    return len(json.dumps(text)) - 2


def post(receiver: str, url: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Post a body as JSON; see `hosts.receivers.failures.posted`."""
    return failures.posted(receiver, url, encoded(body), {**JSON, **(headers or {})})


def receipt(answer: Answer, handle: str = "") -> Receipt:
    """Return the receipt for an answer that accepts a message."""
    return Receipt(f"HTTP {answer.status} {plain(answer.text[:SHOWN])}".strip(), handle)


def address(name: str, url: str, around: Surroundings) -> str:
    """Return the address in the field `url` of a receiver, without a slash at its end.

    Refused where it is no HTTP address, or its setting is missing.
    """
    found = around.resolved(name, url)
    if (fault := address_fault(found)) is not None or found.startswith("env:"):
        raise Refused(f"receivers.{name}.url: {fault or FORM}")
    return found


def secret(name: str, setting: str | None, around: Surroundings) -> str:
    """Return the secret in a setting, empty where the receiver has none."""
    return around.resolved(name, setting).strip() if setting is not None else ""
