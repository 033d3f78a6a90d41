"""Queue triggers: run a function on visible messages, retry, and give up in the poison queue."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from azure.functions.queue import QueueMessage

from engine.errors import Unavailable
from hosts.local.functions.function_table import Entry
from hosts.local.functions.hostfile import HostFile
from hosts.local.functions.invoke import Invoker
from hosts.local.functions.messages import Message
from hosts.local.functions.queues import Queues

logger = logging.getLogger("driftwarden.host")


class Pump:
    """Takes messages in batches, each deleted once its function has returned."""

    def __init__(self, queues: Queues, invoker: Invoker, host_file: HostFile) -> None:
        self._queues, self._invoker, self._host_file = queues, invoker, host_file
        self._held: list[Message] = []

    def work(self, entry: Entry, now: datetime, limit: int | None) -> int:
        """Run a function on one batch of its queue and return how many messages were taken.

        `limit` is the most messages (default: the batch size of host.json). Where the queue is not
        available, what is left of the batch is returned to it as soon as that is possible.
        """
        self._return_held(now)
        messages = self._queues.get(entry.queue, now, limit or self._host_file.batch_size)
        for position, message in enumerate(messages):
            try:
                self._run(entry, message, now)
            except Unavailable:
                self._held.extend(messages[position:])
                raise
        return len(messages)

    def _return_held(self, now: datetime) -> None:
        while self._held:
            self._queues.postpone(self._held[0], now)
            del self._held[0]

    def _run(self, entry: Entry, message: Message, now: datetime) -> None:
        tries = self._host_file.max_dequeue_count
        if message.tries > tries:
            reason = f"taken {tries} times without finishing: the host stopped each time"
        else:
            reason = self._invoker.invoke(entry, partial(_queue_message, message)).failure
        if not reason:
            self._queues.delete(message)
        elif message.tries >= tries:
            logger.error("%s gave up on message %s: %s", entry.name, message.id, reason)
            self._queues.poison(message, reason, now)
        else:
            self._queues.postpone(message, now + self._host_file.retry_delay)


def _queue_message(message: Message) -> QueueMessage:
    return QueueMessage(  # type: ignore[no-untyped-call]
        id=str(message.id),
        body=message.body,
        dequeue_count=message.tries,
        insertion_time=message.inserted,
        time_next_visible=message.visible,
        pop_receipt=message.receipt,
    )
