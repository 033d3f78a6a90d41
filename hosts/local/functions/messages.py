"""Queue messages, and the names and sizes that storage queues take."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from engine.errors import Refused

#: Storage queues carry 64 KiB, and the Functions host writes them Base64: 48 KiB are left.
MAX_BODY = 48 * 1024

_NAME = re.compile(r"[a-z0-9](?:-?[a-z0-9])+")


@dataclass(frozen=True)
class Message:
    """One message; `reason` is why it was moved to a poison queue, `tries` counts this one too."""

    id: int
    queue: str
    body: bytes
    inserted: datetime
    visible: datetime
    tries: int
    reason: str

    @property
    def receipt(self) -> str:
        """The receipt of the newest get: every get counts a try, which voids older receipts."""
        return f"{self.id}.{self.tries}"


def check_name(queue: str) -> str:
    """Return `queue` if storage queues allow that name and its poison queue's."""
    if not 3 <= len(queue) <= 56 or not _NAME.fullmatch(queue):
        raise Refused(
            f"queue {queue!r}: 3 to 56 lower-case letters, digits and single hyphens between them"
        )
    return queue


def poison_name(queue: str) -> str:
    """Return the name of the queue for messages that failed too often."""
    return f"{queue}-poison"


def check_body(queue: str, body: bytes | str) -> bytes:
    """Return the bytes of a message; Refused where a storage queue would not take them."""
    content = body.encode() if isinstance(body, str) else bytes(body)
    if len(content) > MAX_BODY:
        raise Refused(f"queue {queue!r}: a message of {len(content)} bytes, {MAX_BODY} at most")
    return content
