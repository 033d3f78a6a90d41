"""Many workers, one partition, real storage: every fact counts once; two app versions side by side.

The bell is a real queue, as in the app: a message says which partition to look at, a worker that
fails leaves it to be seen again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import inbox, journal, outbox
from engine.codec import Kinds
from engine.errors import Refused, Unavailable
from engine.loop import Loop
from engine.step import Delivery, Step
from engine.store import Store
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.queues import AzureQueue
from hosts.azure.storage.tables import TablesStore

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)
MODEL = "churn"
DELIVERIES = 100
INSTANCES = 8
LEASE = timedelta(seconds=5)
BAR_SECONDS = 30.0


@dataclass(frozen=True)
class Arrived:
    number: int


@dataclass(frozen=True)
class Noted:
    number: int


@dataclass(frozen=True)
class Note:
    number: int
    lane: str = "notes"

    @property
    def key(self) -> str:
        return f"note-{self.number}"


@dataclass(frozen=True)
class Count:
    arrived: tuple[int, ...] = ()
    noted: tuple[int, ...] = ()


class Counts:
    """Writes down what arrived, and owes a note for every tenth."""

    facts = Kinds(Arrived, Noted)
    effects = Kinds(Note)

    def __init__(self, version: int = 1) -> None:
        self.version = version

    def shape(self, partition: str) -> type[Count]:
        return Count

    def upgrade(self, partition: str, version: int, stored: dict[str, Any]) -> dict[str, Any]:
        return stored

    def initial(self, partition: str) -> Count:
        return Count()

    def step(self, partition: str, state: Count, facts: Sequence[Any], now: datetime) -> Step:
        notes = []
        for fact in facts:
            match fact:
                case Arrived(number=number):
                    state = replace(state, arrived=(*state.arrived, number))
                    notes += [Note(number)] if number % 10 == 0 else []
                case Noted(number=number):
                    state = replace(state, noted=(*state.noted, number))
        wake = now + timedelta(hours=1)
        return Step(state, tuple(notes), wake, tuple({"fact": str(fact)} for fact in facts))

    def perform(self, partition: str, effect: Note, now: datetime) -> tuple[Delivery, ...]:
        return (Delivery(partition, effect.key, Noted(effect.number)),)

    def halted(self, partition: str, reason: str, now: datetime) -> tuple[Delivery, ...]:
        return ()

    def resumed(self, partition: str, halted_at: datetime, now: datetime) -> tuple[Delivery, ...]:
        return ()

    def refused(self, effect: Note, reason: str) -> Noted:
        return Noted(-1)

    def urgent(self, effect: Note) -> bool:
        return False

    def attempted(self, effect: Note, attempts: int, reason: str) -> None:
        return None


def jitter(lost: int) -> None:
    time.sleep(random.uniform(0, min(0.02 * 2**lost, 1.0)))


def settled(store: Store) -> bool:
    waiting = store.scan(MODEL, inbox.IN, pending=True) + store.scan(
        MODEL, outbox.OUT, pending=True
    )
    return not waiting


def ring(queue: AzureQueue) -> Callable[[str], None]:
    return lambda partition: queue.put(json.dumps({"partition": partition}))


def work(queue: AzureQueue, loop: Loop, end: float) -> None:
    """Serve the queue until nothing is left to do, as an instance of the app does."""
    while time.monotonic() < end:
        messages = queue.receive(1, LEASE)
        if not messages and settled(loop.store):
            return
        for message in messages:
            try:
                loop.drain(json.loads(message.body)["partition"], NOON)
            except Unavailable:
                # Lost too many races in a row: the message is seen again when its lease is over.
                continue
            queue.delete(message)


@pytest.fixture
def store(account: Connection, fresh_name: str) -> TablesStore:
    return TablesStore(account.tables(), fresh_name)


def test_a_hundred_simultaneous_deliveries_settle_within_the_bar(
    account: Connection, fresh_name: str
) -> None:
    """As from instances of an app: they share the storage and nothing else."""
    service, queue = account.tables(), AzureQueue(account.queues(), fresh_name)
    stores = [TablesStore(service, fresh_name) for _ in range(INSTANCES)]
    loops = [Loop(store, Counts(), ring(queue), jitter) for store in stores]
    numbers = list(range(DELIVERIES))
    began = time.monotonic()
    end = began + BAR_SECONDS
    with ThreadPoolExecutor(DELIVERIES + INSTANCES) as pool:
        arrivals = [
            pool.submit(loops[n % INSTANCES].deliver, Delivery(MODEL, f"n{n}", Arrived(n)), NOON)
            for n in numbers
        ]
        workers = [pool.submit(work, queue, loop, end) for loop in loops]
        assert all(arrival.result() for arrival in arrivals)
        for worker in workers:
            worker.result()
    took = time.monotonic() - began
    loop, store = loops[0], stores[0]
    loop.drain(MODEL, NOON)
    head = loop.head(MODEL)
    assert sorted(head.state.arrived) == numbers
    assert sorted(head.state.noted) == numbers[::10]
    assert journal.verify(store, MODEL) == head.seq
    assert store.due(NOON + timedelta(hours=1)) == [MODEL]
    assert took < BAR_SECONDS
    print(f"{DELIVERIES} deliveries, {INSTANCES} instances: settled after {took:.1f} s")


def test_an_older_apps_state_is_read_and_a_newer_apps_is_left_alone(store: TablesStore) -> None:
    older, newer = (Loop(store, Counts(version), lambda name: None) for version in (1, 2))
    older.deliver(Delivery(MODEL, "a", Arrived(1)), NOON)
    older.drain(MODEL, NOON)
    older.deliver(Delivery(MODEL, "b", Arrived(2)), NOON)
    newer.drain(MODEL, NOON)
    assert newer.head(MODEL).state.arrived == (1, 2)
    older.deliver(Delivery(MODEL, "c", Arrived(3)), NOON)
    before = newer.head(MODEL)
    with pytest.raises(Refused, match=r"format 2, newer than this app reads \(1\)"):
        older.drain(MODEL, NOON)
    assert newer.head(MODEL) == before
    newer.drain(MODEL, NOON)
    assert newer.head(MODEL).state.arrived == (1, 2, 3)
