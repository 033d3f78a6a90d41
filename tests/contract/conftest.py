"""The services behind the ports: each test gets names of its own on the one Azurite."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from hosts.azure.storage.connection import Connection
from tests.doubles import azurite


@pytest.fixture
def account() -> Iterator[Connection]:
    opened = azurite.account()
    yield opened
    opened.close()


@pytest.fixture
def fresh_name() -> str:
    return f"t{uuid.uuid4().hex}"
