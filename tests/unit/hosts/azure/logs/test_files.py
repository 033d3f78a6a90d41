"""Feature logs in Blob storage, beyond the contract: addresses, growth while reading, faults."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.logs.files import AzureLogs
from hosts.azure.storage.connection import Connection
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

PATH = "modelDataCollector/demand/v1/model_inputs/2024/03/04/10/a.jsonl"
BUSY = Response(
    503, b"<Error><Code>ServerBusy</Code><Message>The server is busy.</Message></Error>"
)
DENIED = Response(403, b"", {"x-ms-error-code": "AuthorizationPermissionMismatch"})
ARCHIVED = Response(409, b"", {"x-ms-error-code": "BlobArchived"})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without a pause."""
    monkeypatch.setattr("azure.core.pipeline.transport.HttpTransport.sleep", lambda self, _: None)


@pytest.fixture
def service(account: Connection, fresh_name: str) -> Any:
    """The account, with one blob of three letters in the container."""
    service = account.blobs()
    service.create_container(fresh_name).upload_blob(PATH, b"abc")
    return service


def test_a_blob_is_found_by_its_address(service: Any, fresh_name: str) -> None:
    """The collector writes addresses with percent signs; a signature in one is left alone."""
    container = service.get_container_client(fresh_name)
    container.upload_blob("mdc/[2024] ü/x", b"rows")
    logs = AzureLogs(service, lambda: fresh_name)
    address = container.get_blob_client("mdc/[2024] ü/x").url
    assert "%" in address
    for one in (address, f"{address}?sv=1&sig=secret", address.replace("http://", "https://")):
        assert logs.read(one, 0, 10) == b"rows"


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("https://mine.blob.core.windows.net/logs/a/b", True),
        ("https://MINE.dfs.core.windows.net/logs/a%2Fb?sig=secret", True),
        ("abfss://logs@mine.dfs.core.windows.net/a/b", True),
        ("wasbs://logs@mine.blob.core.windows.net/a/b?sig=secret", True),
        ("abfss://logs2@mine.dfs.core.windows.net/a/b", False),
        ("abfss://logs@secret@other.dfs.core.windows.net/a/b", False),
        ("wasb://logs@mine.blob.core.windows.net/../other/b", False),
        ("https://other.blob.core.windows.net/logs/a/b?sig=secret", False),
        ("https://mine.blob.core.windows.net/logs2/a/b?sig=secret", False),
        ("https://mine.blob.core.windows.net.evil.example/logs/a/b", False),
        ("https://user:secret@evil.example/logs/a/b", False),
        ("https://mine.blob.core.windows.net/logs/../other/b", False),
        ("https://mine.blob.core.windows.net/logs/%2E%2E/other/b", False),
        ("https://mine.blob.core.windows.net/logs", False),
        ("https://[secret/logs/a/b", False),
        ("azureml://datastores/x/paths/y", False),
    ],
)
def test_only_addresses_of_the_container_are_read(address: str, same: bool) -> None:
    connection = Connection("S", "", {"blob": "https://mine.blob.core.windows.net"})
    asked: list[str] = []

    class Credential:
        """Nobody gets a token: what is asked of the service is seen before."""

        def get_token(self, *scopes: str, **_: Any) -> Any:
            asked.append(scopes[0])
            raise RuntimeError("would be sent")

    with connection.blobs(Credential()) as service:
        logs = AzureLogs(service, lambda: "logs")
        if same:
            with pytest.raises(RuntimeError, match="would be sent"):
                logs.read(address, 0, 1)
            return
        with pytest.raises(Refused) as refused:
            logs.read(address, 0, 1)
    assert "secret" not in str(refused.value)
    assert asked == []


def test_one_range_is_one_request(
    service: Any, relayed: Connection, relays: dict[str, Relay], fresh_name: str
) -> None:
    """So a file that grows while it is read can't come back as two halves of two moments."""
    service.get_container_client(fresh_name).upload_blob("large", b"x" * (32 << 20))
    logs = AzureLogs(relayed.blobs(), lambda: fresh_name)
    assert len(logs.read("large", 0, 32 << 20)) == 32 << 20
    (asked,) = relays["Blob"].requests("GET .*large")
    assert asked.headers["x-ms-range"] == f"bytes=0-{(32 << 20) - 1}"


@pytest.mark.parametrize("answer", [None, BUSY], ids=["no answer", "busy"])
def test_a_lost_answer_is_asked_for_again(
    service: Any, relayed: Connection, relays: dict[str, Relay], fresh_name: str, quick: None,
    answer: Response | None,
) -> None:  # fmt: skip
    relays["Blob"].fail("GET", answer=answer)
    assert AzureLogs(relayed.blobs(), lambda: fresh_name).read(PATH, 1, 9) == b"bc"


@pytest.mark.parametrize(
    "answer", [None, BUSY, DENIED, ARCHIVED], ids=["no answer", "busy", "denied", "archived"]
)
@pytest.mark.parametrize("end", [0, 9])
def test_a_service_that_is_out_is_unavailable(
    service: Any, relayed: Connection, relays: dict[str, Relay], fresh_name: str, quick: None,
    answer: Response | None, end: int,
) -> None:  # fmt: skip
    relays["Blob"].fail("", answer=answer, times=99)
    with pytest.raises(Unavailable, match=fresh_name):
        AzureLogs(relayed.blobs(), lambda: fresh_name).read(PATH, 0, end)


def test_a_container_that_is_not_there_is_waited_for(account: Connection, fresh_name: str) -> None:
    with pytest.raises(Unavailable, match="was it deleted"):
        AzureLogs(account.blobs(), lambda: fresh_name).read(PATH, 0, 9)
