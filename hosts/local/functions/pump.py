"""Queue triggers: run a function on visible messages, retry, and give up in the poison queue."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from azure.functions.queue import QueueMessage

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

    def work(self, entry: Entry, now: datetime, limit: int | None) -> int:
        """Run a function on one batch of its queue and return how many messages were taken.

        `limit` is the most messages (default: the batch size of host.json).
        """
        messages = self._queues.get(entry.queue, now, limit or self._host_file.batch_size)
        for message in messages:
            self._run(entry, message, now)
        return len(messages)

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
