"""Addresses of files in Azure storage, and what lies behind them in a copy of the container."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Refused
from hosts.addresses import is_address, split, within_container
from hosts.local.files import Logs


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://mine.blob.core.windows.net/logs/mdc/a%20b.json", "mdc/a b.json"),
        ("https://mine.dfs.core.windows.net/logs/mdc/a.json?sv=1&sig=x", "mdc/a.json"),
        ("abfss://logs@mine.dfs.core.windows.net/mdc/a.json", "mdc/a.json"),
        ("abfs://logs@mine.dfs.core.windows.net/mdc/a.json", "mdc/a.json"),
        ("wasbs://logs@mine.blob.core.windows.net/mdc/a.json", "mdc/a.json"),
        ("https://mine.blob.core.windows.net/logs", ""),
    ],
)
def test_every_spelling_leads_below_the_container(address: str, path: str) -> None:
    assert is_address(address)
    assert within_container(address) == path


def test_a_path_is_no_address_and_nonsense_none() -> None:
    assert not is_address("mdc/a.json")
    with pytest.raises(Refused, match="log: not a valid address"):
        split("https://[x/logs/a")


@pytest.mark.parametrize(
    "address",
    [
        "https://mine.blob.core.windows.net/logs/../secret",
        "https://mine.blob.core.windows.net/logs/%2E%2E/secret",
        "abfss://logs@mine.dfs.core.windows.net/../secret",
        "https://mine.blob.core.windows.net/logs//etc/passwd",
        "https://mine.blob.core.windows.net/logs",
        "https://mine.blob.core.windows.net/logs/none.json",
        "file:///etc/passwd",
        "https://[x/logs/a",
    ],
)
def test_no_address_leads_out_of_the_folder(tmp_path: Path, address: str) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "secret").write_text("x")
    with pytest.raises(Refused):
        Logs(tmp_path / "logs").read(address, 0, 10)
