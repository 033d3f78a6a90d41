"""The services behind the ports: each test gets names of its own on the one Azurite."""

from __future__ import annotations

import uuid

import pytest

from hosts.azure.connection import Connection
from tests.doubles import azurite


@pytest.fixture
def account() -> Connection:
    return Connection("Storage", azurite.connection_string())


@pytest.fixture
def fresh_name() -> str:
    return f"t{uuid.uuid4().hex}"
