"""Dead letters are counted where they lie."""

from __future__ import annotations

import pytest
from azure.storage.blob import BlobServiceClient

from engine.errors import Unavailable
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.dead_letters import DeadLetters
from tests.doubles.loopback import Response
from tests.doubles.relay import Relay

FOLDER = "evgt-logs/driftwarden/2024/3/4/10"


@pytest.fixture
def blobs(account: Connection) -> BlobServiceClient:
    return account.blobs()


@pytest.mark.parametrize(
    "names",
    [
        [],
        ["a.json"],
        [f"{FOLDER}/1.json", f"{FOLDER}/2.json"],
        [f"{FOLDER}/1.json", "EVGT-LOGS/DRIFTWARDEN/2024/3/4/10/1.json"],
        [f"{FOLDER}/{n}.json" for n in range(7)],
    ],
)
def test_each_blob_is_one(blobs: BlobServiceClient, fresh_name: str, names: list[str]) -> None:
    container = blobs.create_container(fresh_name)
    for name in names:
        container.upload_blob(name, b"[]")
    letters = DeadLetters(blobs, fresh_name)
    assert (letters.name, letters.waiting()) == (fresh_name, len(names))


def test_a_service_that_is_out_is_unavailable(
    relayed: Connection, relays: dict[str, Relay], fresh_name: str
) -> None:
    denied = Response(403, b"", {"x-ms-error-code": "AuthorizationPermissionMismatch"})
    relays["Blob"].fail("", answer=denied, times=99)
    with pytest.raises(Unavailable, match=f"container {fresh_name}: .*is the role assigned"):
        DeadLetters(relayed.blobs(), fresh_name).waiting()


def test_without_a_container_there_are_none(blobs: BlobServiceClient, fresh_name: str) -> None:
    assert DeadLetters(blobs, fresh_name).waiting() == 0
