"""Addresses of files in Azure storage, as the data collector and Spark's jobs spell them."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from engine.errors import Refused

#: Spark's spelling ("Azure Blob Filesystem driver for Azure Data Lake Storage", Microsoft Learn).
_FILESYSTEM = re.compile(r"(?:abfss?|wasbs?)://(?P<container>[^/@]+)@(?P<host>[^/@]+)/(?P<path>.*)")


def is_address(path: str) -> bool:
    """Tell whether a text is an address, and not a path within the container."""
    return "://" in path


def split(address: str) -> SplitResult:
    """Split an address in the spelling of Spark or of the service; Refused for anything else.

    >>> split("abfss://logs@mine.dfs.core.windows.net/a/b.json").path
    '/logs/a/b.json'
    """
    found = _FILESYSTEM.fullmatch(address)
    if found is not None:
        address = f"https://{found['host']}/{found['container']}/{found['path']}"
    try:
        return urlsplit(address)
    except ValueError:
        raise Refused("log: not a valid address") from None


def within_container(address: str) -> str:
    """Return an address's path below its container, whichever account and container that is.

    >>> within_container("https://mine.blob.core.windows.net/logs/a%20b/c.json?sig=x")
    'a b/c.json'
    """
    return unquote(split(address).path.removeprefix("/").partition("/")[2])
