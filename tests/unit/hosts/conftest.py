"""A document in a container, for the host that follows it and for its own tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.azure.storage.connection import Connection
from hosts.contained.place import Place
from tests.unit.hosts.contained.shelf import DOCUMENT, HOLIDAYS, Shelf


@pytest.fixture
def shelf(account: Connection, fresh_name: str, tmp_path: Path) -> Iterator[Shelf]:
    """A valid document with its calendar."""
    container = account.blobs().get_container_client(fresh_name)
    container.create_container()
    found = Shelf(account, Place(fresh_name, "prod/fleet.yaml"), container, tmp_path)
    found.put("holidays.ics", HOLIDAYS)
    found.put("fleet.yaml", DOCUMENT)
    yield found
    container.delete_container()
