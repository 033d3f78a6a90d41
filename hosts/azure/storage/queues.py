"""Queues of Azure Queue Storage: plain text, as host.json configures the Functions host."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.queue import QueueServiceClient

from engine.errors import Refused
from hosts.azure.storage.storage_errors import GONE, Expected, said_code, translated

#: Microsoft Learn, "Put Message": a message has up to 64 KiB and is written as XML in UTF-8.
MAX_BODY = 64 * 1024
#: Microsoft Learn, "Get Messages": one request gets up to 32.
MOST = 32
LEASE = timedelta(minutes=10)
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Message:
    """One message that was received; `tries` counts this time too."""

    id: str
    receipt: str
    body: str
    tries: int


class AzureQueue:
    """One queue and its poison queue; made where missing.

    Raises
    ------
    Unavailable
        Where the service does not answer.
    """

    def __init__(self, service: QueueServiceClient, name: str) -> None:
        self._service, self._name = service, name
        self._queue = service.get_queue_client(name)
        self._create()

    def put(self, body: str, delay: timedelta = timedelta(0)) -> None:
        """Add one message, invisible for `delay`; Refused where the service would not accept it."""
        hidden = max(0, math.ceil(delay.total_seconds()))
        size = len(body.encode("utf-8", "replace"))
        if size > MAX_BODY:
            raise Refused(f"queue {self._name}: a message of {size} bytes, {MAX_BODY} at most")
        if found := _NO_XML.search(body):
            raise Refused(f"queue {self._name}: a message with {found[0]!r}, not allowed in XML")
        with translated(f"queue {self._name}"):
            try:
                self._queue.send_message(body, visibility_timeout=hidden)
            except HttpResponseError as error:
                if said_code(error) != "QueueNotFound":
                    raise
                self._create()
                self._queue.send_message(body, visibility_timeout=hidden)

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._name

    def waiting(self) -> int:
        """Return the approximate number of messages, invisible ones included."""
        with translated(f"queue {self._name}"):
            return int(self._queue.get_queue_properties().approximate_message_count or 0)

    def receive(self, limit: int = 16, lease: timedelta = LEASE) -> list[Message]:
        """Return up to `limit` visible messages (32 at most), invisible to others for `lease`."""
        seconds = int(lease.total_seconds())
        with translated(f"queue {self._name}"):
            pages = self._queue.receive_messages(
                messages_per_page=min(limit, MOST), visibility_timeout=seconds
            ).by_page()
            # One request only: after a page that is not full the SDK would request another.
            return [
                Message(got.id, str(got.pop_receipt), str(got.content), int(got.dequeue_count or 0))
                for got in next(pages, ())
            ]

    def each(self) -> Iterator[Message]:
        """Yield the messages one by one; each is deleted when it was used, and stays otherwise."""
        while found := self.receive(1):
            yield found[0]
            self.delete(found[0])

    def delete(self, message: Message) -> bool:
        """Delete a received message; False where it was received again since."""
        with translated(f"queue {self._name}"):
            try:
                self._queue.delete_message(message.id, message.receipt)
            except HttpResponseError as error:
                if said_code(error) in GONE or error.status_code not in (400, 404):
                    raise
                return False
        return True

    def poison(self, message: Message, reason: str) -> bool:
        """Move a received message to `<queue>-poison` as `{"reason": …, "body": …}`.

        The Functions host moves the bare body; this does the same where the reason does not fit. A
        crash
        in between leaves the message in both queues, never in none.
        """
        told = json.dumps({"reason": reason, "body": message.body}, ensure_ascii=False)
        fits = len(told.encode()) <= MAX_BODY
        AzureQueue(self._service, poison_name(self._name)).put(told if fits else message.body)
        return self.delete(message)

    def _create(self) -> None:
        with translated(f"queue {self._name}"), Expected(ResourceExistsError):
            self._queue.create_queue()


def poison_name(queue: str) -> str:
    """Return the name of the queue for messages that failed too often."""
    return f"{queue}-poison"
