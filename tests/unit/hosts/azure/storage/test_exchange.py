"""Files for jobs, on Azurite."""

from __future__ import annotations

import pytest

from engine.errors import Unavailable
from hosts.azure.storage.connection import Connection
from hosts.azure.storage.exchange import Exchange

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_is_named_by_its_content_and_written_again(
    account: Connection, fresh_name: str
) -> None:
    files = Exchange(account.blobs(), fresh_name)
    files.open()
    files.open()
    assert [files.put(b"abc"), files.put(b"abc")] == [ABC, ABC]
    assert files.get(ABC) == b"abc"
    assert files.get("job.html") is None
    assert files.account == "devstoreaccount1"


def test_without_its_container_nothing_is_taken_for_missing(
    account: Connection, fresh_name: str
) -> None:
    files = Exchange(account.blobs(), fresh_name)
    for act in (lambda: files.get("job.html"), lambda: files.put(b"abc")):
        with pytest.raises(Unavailable, match=fresh_name):
            act()
