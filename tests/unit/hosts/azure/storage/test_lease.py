from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.clock import SetClock
from engine.errors import Unavailable
from engine.memory import MemoryStore
from hosts.azure.storage.lease import ROW, Lease
from hosts.local.sqlite import SqliteStore

NOON = datetime(2013, 7, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def lease(store: MemoryStore, clock: SetClock) -> Lease:
    return Lease(store, clock, MINUTE)


def test_one_holder_at_a_time_and_again_after_it(lease: Lease) -> None:
    with lease.held("flights"):
        with lease.held("delays"):
            pass
        with pytest.raises(Unavailable, match="another worker") as refused, lease.held("flights"):
            pass
        assert refused.value.delay == MINUTE
    with lease.held("flights"):
        pass


def test_a_dead_holder_is_waited_for_until_its_time_is_over(lease: Lease, clock: SetClock) -> None:
    dead = lease.held("flights")
    dead.__enter__()
    clock.moment += MINUTE - timedelta(seconds=1)
    with pytest.raises(Unavailable), lease.held("flights"):
        pass
    clock.moment += timedelta(seconds=1)
    with lease.held("flights"):
        pass


def test_a_lease_that_ran_out_can_neither_be_renewed_nor_given_back(
    lease: Lease, clock: SetClock, store: MemoryStore
) -> None:
    with lease.held("flights") as slow:
        clock.moment += MINUTE
        with lease.held("flights") as other:
            with pytest.raises(Unavailable, match="was lost"):
                slow.renew()
            slow.release()
            other.renew()
        assert store.get("flights", ROW) is not None
    with lease.held("flights"):
        pass


def test_a_renewed_lease_lasts_from_its_renewal(lease: Lease, clock: SetClock) -> None:
    with lease.held("flights") as held:
        clock.moment += MINUTE / 2
        held.renew(MINUTE)
        clock.moment += MINUTE * 0.9
        with pytest.raises(Unavailable), lease.held("flights"):
            pass


def test_a_failure_inside_gives_it_back(lease: Lease) -> None:
    with pytest.raises(KeyError), lease.held("flights"):
        raise KeyError("x")
    with lease.held("flights"):
        pass


def test_of_many_at_once_one_at_a_time_is_in(tmp_path: Path) -> None:
    shared = SqliteStore(tmp_path / "store.sqlite")
    lease = Lease(shared, SetClock(NOON))
    inside: list[int] = []
    most: list[int] = []
    refused: list[Unavailable] = []

    def work() -> None:
        for _ in range(20):
            try:
                with lease.held("flights"):
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()
            except Unavailable as error:
                refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.close()
    assert len(most) + len(refused) == 80
    assert max(most) == 1
