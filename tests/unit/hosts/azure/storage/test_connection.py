"""A storage account is found by the settings that the Functions host itself reads."""

from __future__ import annotations

import pytest
from azure.core.credentials import AccessToken

from engine.errors import Refused
from hosts.azure.storage.connection import Connection

KEY = "c2VjcmV0LXNlY3JldA=="
TEXT = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY}"


class Identity:
    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        return AccessToken("token", 2**31)


def test_a_connection_string_needs_no_identity() -> None:
    found = Connection.read("Storage", {"Storage": TEXT, "Storage__accountName": "other"})
    assert found.tables().url == "https://acct.table.core.windows.net"
    assert found.blobs().url.rstrip("/") == "https://acct.blob.core.windows.net"
    assert found.queues().url.rstrip("/") == "https://acct.queue.core.windows.net"
    assert KEY not in repr(found)


def test_the_emulator_is_a_connection_string_too() -> None:
    found = Connection.read("Storage", {"Storage": "UseDevelopmentStorage=true"})
    ports = [
        client.url.split(":")[2][:5] for client in (found.blobs(), found.queues(), found.tables())
    ]
    assert ports == ["10000", "10001", "10002"]


def test_an_account_by_name_is_reached_with_an_identity() -> None:
    settings = {"Storage__accountName": "acct", "Storage__clientId": "1234"}
    found = Connection.read("Storage", settings)
    assert found.client_id == "1234"
    assert found.tables(Identity()).url == "https://acct.table.core.windows.net"
    with pytest.raises(Refused, match="identity"):
        found.tables()


def test_addresses_may_stand_one_by_one() -> None:
    settings = {
        "Storage__tableServiceUri": "https://acct.table.core.chinacloudapi.cn/",
        "Storage__queueServiceUri": "https://acct.queue.core.chinacloudapi.cn",
    }
    found = Connection.read("Storage", settings)
    assert found.tables(Identity()).url == "https://acct.table.core.chinacloudapi.cn"
    assert found.queues(Identity()).account_name == "acct"
    with pytest.raises(Refused, match=r"Storage__blobServiceUri not set"):
        found.blobs(Identity())


@pytest.mark.parametrize("settings", [{}, {"Storage": ""}, {"Storage__clientId": "1234"}])
def test_nothing_set_is_refused_in_one_line(settings: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"set Storage .* or Storage__accountName") as refused:
        Connection.read("Storage", settings)
    assert "\n" not in str(refused.value)


def test_what_is_no_connection_string_is_refused_and_not_repeated() -> None:
    found = Connection.read("Storage", {"Storage": f"AccountKey={KEY}"})
    for opened in (found.tables, found.blobs, found.queues):
        with pytest.raises(Refused, match="not a storage connection string") as refused:
            opened()
        assert KEY not in str(refused.value)
        assert refused.value.__suppress_context__
