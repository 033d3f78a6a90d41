"""One suite, every place for blobs: equal content has one name, a name never changes content."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.blobs import Blobs, MemoryBlobs, content_name
from engine.errors import Refused
from hosts.azure.storage.blobs import AzureBlobs
from hosts.local import files

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture(params=["memory", "files", "azurite"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    match request.param:
        case "memory":
            return MemoryBlobs()
        case "files":
            return files.Blobs(tmp_path / "blobs")
        case _:
            account = request.getfixturevalue("account")
            return AzureBlobs(account.blobs(), request.getfixturevalue("fresh_name"))


def test_a_blob_is_named_by_its_content_and_read_back(blobs: Blobs) -> None:
    assert blobs.put(b"abc") == ABC
    assert blobs.get(ABC) == b"abc"
    assert list(blobs.names()) == [ABC]


def test_writing_again_changes_nothing(blobs: Blobs) -> None:
    assert blobs.put(b"abc") == blobs.put(b"abc") == ABC
    assert list(blobs.names()) == [ABC]


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 3_000_000], ids=["empty", "6 MB"])
def test_any_content_comes_back(blobs: Blobs, content: bytes) -> None:
    assert blobs.get(blobs.put(content)) == content


def test_what_is_not_there_is_refused(blobs: Blobs) -> None:
    with pytest.raises(Refused, match="not found"):
        blobs.get(ABC)
    assert list(blobs.names()) == []


def test_what_was_deleted_is_gone_and_may_come_again(blobs: Blobs) -> None:
    other = blobs.put(b"other")
    blobs.put(b"abc")
    blobs.delete(ABC)
    blobs.delete(ABC)
    assert list(blobs.names()) == [other]
    with pytest.raises(Refused):
        blobs.get(ABC)
    assert blobs.put(b"abc") == ABC


def test_every_name_is_listed(blobs: Blobs) -> None:
    contents = [str(n).encode() for n in range(30)]
    for content in contents:
        blobs.put(content)
    assert sorted(blobs.names()) == sorted(map(content_name, contents))
