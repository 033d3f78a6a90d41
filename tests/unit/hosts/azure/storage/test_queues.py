"""Queues of storage, beyond the contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.queues import MAX_BODY, AzureQueue, poison_name
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

LEASE = timedelta(seconds=30)
DENIED = Response(403, b"", {"x-ms-error-code": "AuthorizationPermissionMismatch"})


@pytest.fixture
def queue(account: Connection, fresh_name: str) -> AzureQueue:
    return AzureQueue(account.queues(), fresh_name)


def test_the_largest_message_fits_and_one_byte_more_does_not(queue: AzureQueue) -> None:
    queue.put("ü" * (MAX_BODY // 2))
    [message] = queue.receive(1, LEASE)
    assert len(message.body.encode()) == MAX_BODY
    with pytest.raises(Refused):
        queue.put("ü" * (MAX_BODY // 2) + "x")


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ufffe", "\ud800"])
def test_what_xml_cannot_carry_is_refused(queue: AzureQueue, character: str) -> None:
    with pytest.raises(Refused, match="XML"):
        queue.put(f"a{character}")


def test_one_request_gets_32_at_most(queue: AzureQueue) -> None:
    for n in range(34):
        queue.put(str(n))
    assert len(queue.receive(100, LEASE)) == 32


def test_a_queue_deleted_under_us_is_made_again(account: Connection, fresh_name: str) -> None:
    service = account.queues()
    queue = AzureQueue(service, fresh_name)
    service.delete_queue(fresh_name)
    with pytest.raises(Unavailable, match="was it deleted"):
        queue.receive(1, LEASE)
    queue.put("a")
    assert [message.body for message in queue.receive(1, LEASE)] == ["a"]


def test_poison_that_does_not_fit_with_its_reason_goes_without(
    queue: AzureQueue, account: Connection, fresh_name: str
) -> None:
    poison = AzureQueue(account.queues(), poison_name(fresh_name))
    for body in ("x" * MAX_BODY, "small"):
        queue.put(body)
        [message] = queue.receive(1, LEASE)
        assert queue.poison(message, "no such kind")
    bare, told = poison.receive(2, LEASE)
    assert bare.body == "x" * MAX_BODY
    assert json.loads(told.body) == {"reason": "no such kind", "body": "small"}


def test_a_crash_between_leaves_poison_twice_and_never_not_at_all(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str
) -> None:
    queue = AzureQueue(relayed.queues(), fresh_name)
    queue.put("bad")
    [message] = queue.receive(1, LEASE)
    relays["Queue"].fail("DELETE", answer=DENIED)
    with pytest.raises(Unavailable, match=fresh_name):
        queue.poison(message, "bad")
    assert queue.delete(message)
    assert len(AzureQueue(relayed.queues(), poison_name(fresh_name)).receive(2, LEASE)) == 1


def test_a_service_that_is_out_is_unavailable(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str
) -> None:
    queue = AzureQueue(relayed.queues(), fresh_name)
    relays["Queue"].fail("", answer=DENIED, times=99)
    acts: tuple[Callable[[], object], ...] = (
        lambda: queue.put("a"),
        lambda: queue.receive(1, LEASE),
    )
    for act in acts:
        with pytest.raises(Unavailable, match=fresh_name):
            act()
    with pytest.raises(Unavailable, match=fresh_name):
        AzureQueue(relayed.queues(), fresh_name)
