"""Addresses that pages are posted to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

#: A setting that holds the address.
SETTING = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
FORM = "give an http or https address with a host"


def address_fault(url: str) -> str | None:
    """Return what is wrong with an address; it never repeats it, because it may hold a secret.

    >>> address_fault("https://pager.example/hook?token=x"), address_fault("env:PAGER_URL")
    (None, None)
    >>> address_fault("pager.example/hook")
    'give an http or https address with a host'
    """
    if url.startswith("env:"):
        return None if SETTING.fullmatch(url) else "env: needs the name of a setting, A-Z, 0-9, _"
    if not url.isascii() or not url.isprintable() or " " in url:
        return f"spaces and characters outside of ASCII have to be escaped; {FORM}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"not an address, or its port is not a number up to 65535; {FORM}"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return FORM
    if parts.username is not None:
        return "leave out user and password; a token belongs into the path or the query"
    return "port 0 is none" if port == 0 else None
