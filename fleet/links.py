"""Signed links in pages: acknowledge an incident, or silence its kind, without the command line.

A link is a text that only the holder of the key can make (HMAC-SHA256, RFC 2104); it works once and
until it expires. Its use is a fact of the team's partition, which decides.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from engine import codec
from engine.errors import Refused
from fleet.model.facts import Link, Verb
from monitoring.alerts.paging import Event, Page

#: How long a link works; a reminder brings new ones.
LASTS = timedelta(days=1)
SILENCED = timedelta(hours=4)
#: Messages about alerts that fire.
LINKED = (Event.FIRING, Event.REMINDER, Event.ESCALATED)
LONGEST = 2000
FORGED = "this link was not made here, or was damaged on its way"
LABELS: Mapping[Verb, str] = {"ack": "acknowledge", "silence": "silence for 4 h"}


class Forged(Refused):
    """A link that no key of ours has signed."""


@dataclass(frozen=True)
class Linking:
    """Where links lead, and the keys that sign them: the first one signs, all of them verify."""

    base_url: str
    keys: Sequence[bytes]

    def added(self, page: Page, at: datetime) -> Page:
        """Return a page with its links; one decided at `at` has the same links at every try."""
        if not self.base_url or not self.keys or page.event not in LINKED or not page.incident:
            return page
        lines = [
            f"{label}: {self.base_url.rstrip('/')}/links/{signed(link(page, verb, at), self.keys)}"
            for verb, label in LABELS.items()
        ]
        # In front: a receiver cuts a long message at its end.
        return replace(page, lines=(*lines, *page.lines))


def link(page: Page, verb: Verb, at: datetime) -> Link:
    """Return the link of a page; it names the model where the page is about one."""
    models = {alert.rpartition(":")[0] for alert in page.alerts}
    return Link(
        verb=verb,
        incident=page.incident,
        model=models.pop() if len(models) == 1 else "",
        to=page.receiver,
        expires=at + LASTS,
        id=sha256(f"{verb}:{page.key}".encode()).hexdigest()[:16],
    )


def signed(link: Link, keys: Sequence[bytes]) -> str:
    """Return the text of a link."""
    content = codec.encode(link)
    return f"{_text(content)}.{_text(_signature(content, keys[0]))}"


def opened(text: str, keys: Sequence[bytes]) -> Link:
    """Return the link of a text; Forged where no key of ours has signed it."""
    content, _, signature = text.partition(".")
    try:
        given, made = _bytes(content), _bytes(signature)
    except (binascii.Error, ValueError):
        raise Forged(FORGED) from None
    genuine = (hmac.compare_digest(_signature(given, key), made) for key in keys)
    if len(text) > LONGEST or not any(genuine):
        raise Forged(FORGED)
    return codec.decode(Link, given)


def _signature(content: bytes, key: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
