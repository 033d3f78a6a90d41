"""Blobs in a container, beyond the contract."""

from __future__ import annotations

import pytest

from engine.errors import Broken, Refused, Unavailable
from hosts.azure.storage.blobs import AzureBlobs
from hosts.azure.storage.connection import Connection
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
BUSY = Response(
    503, b"<Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>"
)
DENIED = Response(403, b"", {"x-ms-error-code": "AuthorizationPermissionMismatch"})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without a pause."""
    monkeypatch.setattr("azure.core.pipeline.transport.HttpTransport.sleep", lambda self, _: None)


def test_damage_is_found_by_whoever_reads(account: Connection, fresh_name: str) -> None:
    blobs = AzureBlobs(account.blobs(), fresh_name)
    account.blobs().get_container_client(fresh_name).upload_blob(ABC, b"abd")
    with pytest.raises(Broken, match=ABC):
        blobs.get(ABC)


def test_the_first_writer_writes_and_nobody_writes_over(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str
) -> None:
    blobs = AzureBlobs(relayed.blobs(), fresh_name)
    assert [blobs.put(b"abc"), blobs.put(b"abc")] == [ABC, ABC]
    puts = relays["Blob"].requests(f"PUT .*{ABC}")
    assert [request.headers["if-none-match"] for request in puts] == ["*", "*"]


@pytest.mark.parametrize("answer", [None, BUSY], ids=["no answer", "busy"])
def test_a_lost_answer_is_asked_for_again(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str, quick: None,
    answer: Response | None,
) -> None:  # fmt: skip
    blobs = AzureBlobs(relayed.blobs(), fresh_name)
    relays["Blob"].fail(f"PUT .*{ABC}", answer=answer, after=True)
    assert blobs.put(b"abc") == ABC
    assert blobs.get(ABC) == b"abc"


@pytest.mark.parametrize("answer", [None, BUSY, DENIED], ids=["no answer", "busy", "denied"])
def test_a_service_that_is_out_is_unavailable(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str, quick: None,
    answer: Response | None,
) -> None:  # fmt: skip
    blobs = AzureBlobs(relayed.blobs(), fresh_name)
    relays["Blob"].fail("", answer=answer, times=99)
    for act in (
        lambda: blobs.put(b"abc"),
        lambda: blobs.get(ABC),
        lambda: blobs.delete(ABC),
        lambda: list(blobs.names()),
    ):
        with pytest.raises(Unavailable, match=fresh_name):
            act()
    with pytest.raises(Unavailable, match=fresh_name):
        AzureBlobs(relayed.blobs(), fresh_name)


def test_a_container_deleted_under_us_is_waited_for(account: Connection, fresh_name: str) -> None:
    service = account.blobs()
    blobs = AzureBlobs(service, fresh_name)
    service.delete_container(fresh_name)
    for act in (lambda: blobs.put(b"abc"), lambda: blobs.get(ABC), lambda: blobs.delete(ABC)):
        with pytest.raises(Unavailable, match="was it deleted"):
            act()


@pytest.mark.parametrize("name", ["", "abc", "../" + ABC, ABC.upper(), ABC + "\n"])
def test_what_is_no_name_is_refused(account: Connection, fresh_name: str, name: str) -> None:
    blobs = AzureBlobs(account.blobs(), fresh_name)
    for act in (blobs.get, blobs.delete):
        with pytest.raises(Refused, match="not a name"):
            act(name)


def test_a_strangers_blobs_are_not_listed(account: Connection, fresh_name: str) -> None:
    blobs = AzureBlobs(account.blobs(), fresh_name)
    account.blobs().get_container_client(fresh_name).upload_blob("notes.txt", b"mine")
    assert [*blobs.names()] == []
