"""One suite, both kinds of queue: what is put is got, held, given back, settled or poisoned."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from engine.errors import Refused
from hosts.azure.storage.queues import AzureQueue
from hosts.local.functions.queues import Queues

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)
LEASE = timedelta(seconds=1)


class Queue(Protocol):
    """What both have in common: a queue's messages, and a way to let a lease run out."""

    def put(self, body: str, delay: timedelta = ...) -> None: ...
    def receive(self, limit: int, lease: timedelta) -> list[Any]: ...
    def delete(self, message: Any) -> bool: ...
    def poison(self, message: Any, reason: str) -> bool: ...
    def poisoned(self) -> list[str]: ...
    def wait(self) -> None: ...


class Local:
    """A queue of the local host, with its clock."""

    def __init__(self, queues: Queues, name: str) -> None:
        self._queues, self._name, self._now = queues, name, NOON

    def put(self, body: str, delay: timedelta = timedelta(0)) -> None:
        self._queues.put(self._name, body, self._now, self._now + delay)

    def receive(self, limit: int, lease: timedelta) -> list[Any]:
        return self._queues.get(self._name, self._now, limit, lease)

    def delete(self, message: Any) -> bool:
        return self._queues.delete(message)

    def poison(self, message: Any, reason: str) -> bool:
        return self._queues.poison(message, reason, self._now)

    def poisoned(self) -> list[str]:
        found = self._queues.peek(f"{self._name}-poison")
        return [f"{message.body.decode()} {message.reason}" for message in found]

    def wait(self) -> None:
        self._now += 2 * LEASE


class Azure(AzureQueue):
    """A queue of storage, which runs on the service's clock."""

    def poisoned(self) -> list[str]:
        poison = AzureQueue(self._service, f"{self._name}-poison")
        return [message.body for message in poison.receive(32, LEASE)]

    def wait(self) -> None:
        time.sleep(2 * LEASE.total_seconds())


@pytest.fixture(params=["local", "azurite"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    if request.param == "azurite":
        account = request.getfixturevalue("account")
        yield Azure(account.queues(), request.getfixturevalue("fresh_name"))
    else:
        queues = Queues(tmp_path / "queues.sqlite")
        yield Local(queues, "work")
        queues.close()


def bodies(messages: list[Any]) -> list[str]:
    return [m.body.decode() if isinstance(m.body, bytes) else m.body for m in messages]


def test_what_is_put_is_got_as_it_was(queue: Queue) -> None:
    said = ['{"partition":"churn"}', "ü <&> \u2028 😀", "x" * 40_000]
    for body in said:
        queue.put(body)
    got = queue.receive(10, LEASE)
    assert bodies(got) == said
    assert [message.tries for message in got] == [1, 1, 1]


def test_a_limit_is_kept_and_what_is_held_is_hidden(queue: Queue) -> None:
    for n in range(5):
        queue.put(str(n))
    first = queue.receive(2, LEASE)
    rest = queue.receive(10, LEASE)
    assert len(first) == 2
    assert sorted(bodies(first) + bodies(rest)) == list("01234")
    assert queue.receive(10, LEASE) == []


def test_a_lease_that_ran_out_gives_the_message_to_another_and_a_delay_ends(queue: Queue) -> None:
    queue.put("a")
    [early] = queue.receive(1, LEASE)
    queue.wait()
    [late] = queue.receive(1, LEASE)
    assert late.tries == 2
    assert not queue.delete(early)
    assert queue.delete(late)
    assert not queue.delete(late)
    queue.put("delayed", LEASE)
    assert queue.receive(1, LEASE) == []
    queue.wait()
    assert bodies(queue.receive(2, LEASE)) == ["delayed"]


def test_poison_goes_aside_with_its_reason(queue: Queue) -> None:
    queue.put("bad")
    [message] = queue.receive(1, LEASE)
    assert queue.poison(message, "cannot be read")
    [told] = queue.poisoned()
    assert "bad" in told
    assert "cannot be read" in told
    assert not queue.delete(message)


def test_too_large_is_refused(queue: Queue) -> None:
    with pytest.raises(Refused, match="65537 bytes"):
        queue.put("x" * 65_537)
    assert queue.receive(1, LEASE) == []
