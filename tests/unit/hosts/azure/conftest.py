"""Storage on the one Azurite through a relay that breaks what passes."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest

from hosts.azure.storage.connection import Connection
from tests.doubles import azurite
from tests.doubles.relay import Relay


@pytest.fixture
def relays(outside: None) -> Iterator[dict[str, Relay]]:
    """Return a relay for each kind of service."""
    ports = azurite.running()
    with (
        Relay(ports["Blob"]) as blob,
        Relay(ports["Queue"]) as queue,
        Relay(ports["Table"]) as table,
    ):
        yield {"Blob": blob, "Queue": queue, "Table": table}


@pytest.fixture
def relayed(relays: dict[str, Relay]) -> Iterator[Connection]:
    # After a fault the SDK leaves its socket to the collector; that is to happen here, unheard.
    warnings.filterwarnings("ignore", "unclosed", ResourceWarning)
    opened = azurite.account({kind: relay.port for kind, relay in relays.items()})
    yield opened
    opened.close()
    del opened
    gc.collect()
