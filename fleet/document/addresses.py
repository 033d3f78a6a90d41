"""Addresses that pages are sent to, and settings that hold them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

#: A setting that holds the address.
SETTING = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
FORM = "give an http or https address with a host"
MAIL_FORM = "write smtp://HOST:PORT"
#: Names of this machine.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: One mailbox, without a name; what a header or a command of SMTP could not carry is refused.
MAILBOX = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
#: The id of a channel of Slack, and what a header of HTTP can carry.
CHANNEL = re.compile(r"[A-Z][A-Z0-9]{2,20}")
HEADER_NAME, HEADER_VALUE = re.compile(r"[A-Za-z0-9-]{1,64}"), re.compile(r"[\x20-\x7e]{1,1024}")


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


def is_secret(url: str) -> bool:
    """Tell whether an address may hold a key: it is no setting, and none of this machine."""
    return not url.startswith("env:") and urlsplit(url).hostname not in LOOPBACK


def mail_server_fault(url: str) -> str | None:
    """Return what is wrong with the address of a mail server.

    >>> mail_server_fault("smtp://mail.example.com:587"), mail_server_fault("mail.example.com")
    (None, 'write smtp://HOST:PORT')
    """
    if url.startswith("env:"):
        return address_fault(url)
    try:
        parts = urlsplit(url)
        fits = parts.scheme == "smtp" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return MAIL_FORM
    bare = parts.username is None and parts.path in ("", "/") and not parts.query
    return None if fits and bare and url.isascii() and url.isprintable() else MAIL_FORM


def _like(form: re.Pattern[str], told: str) -> AfterValidator:
    return _checked(lambda text: None if form.fullmatch(text) else told)


def _checked(fault: Callable[[str], str | None]) -> AfterValidator:
    def check(url: str) -> str:
        if (said := fault(url)) is not None:
            raise ValueError(said)
        return url

    return AfterValidator(check)


def _secret_fault(url: str) -> str | None:
    fault = address_fault(url)
    if fault is None and is_secret(url):
        return "the address holds a key; write env:NAME"
    return fault


_Bounded = StringConstraints(min_length=1, max_length=2048)
Setting = Annotated[
    str,
    StringConstraints(max_length=200),
    _like(SETTING, "a secret is read from a setting; write env:NAME"),
]
Address = Annotated[str, _Bounded, _checked(address_fault)]
SecretAddress = Annotated[str, _Bounded, _checked(_secret_fault)]
MailServer = Annotated[str, _Bounded, _checked(mail_server_fault)]
Mailbox = Annotated[
    str, StringConstraints(max_length=320), _like(MAILBOX, "write one address, as ops@example.com")
]
Channel = Annotated[
    str, StringConstraints(max_length=21), _like(CHANNEL, "give the channel's id, as C0123456789")
]
HeaderName = Annotated[
    str, StringConstraints(max_length=64), _like(HEADER_NAME, "a header's name has A-Z, 0-9 and -")
]
HeaderValue = Annotated[
    str, StringConstraints(max_length=1024), _like(HEADER_VALUE, "a header's value is ASCII")
]


def _site(url: str) -> str:
    fault = address_fault(url) if url and not url.startswith("env:") else None
    if url.startswith("env:") or "?" in url or "#" in url:
        fault = FORM
    if fault is not None:
        raise ValueError(fault)
    return url.rstrip("/")


Site = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_site)]
