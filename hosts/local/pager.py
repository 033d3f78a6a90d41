"""Tell people: on the terminal, in a file, or by a webhook; once per key."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TextIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from rich.console import Console
from rich.text import Text

from engine.errors import Refused, Unavailable
from hosts.local.ledger import append_once

TIMEOUT = 10.0
DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
STYLES = {"page": "bold red", "critical": "bold red", "ticket": "yellow", "warning": "yellow"}


class _Receiver(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TerminalReceiver(_Receiver):
    """Standard error of this process."""

    kind: Literal["terminal"]


class FileReceiver(_Receiver):
    """A JSON Lines file that grows."""

    kind: Literal["file"]
    path: Path


class WebhookReceiver(_Receiver):
    """An HTTP address that takes the page as JSON."""

    kind: Literal["webhook"]
    url: str = Field(pattern=r"^https?://[^\s/]+")


Receiver = Annotated[TerminalReceiver | FileReceiver | WebhookReceiver, Field(discriminator="kind")]
RECEIVER: TypeAdapter[Receiver] = TypeAdapter(Receiver)


@dataclass(frozen=True)
class Page:
    """One message to people."""

    key: str
    receiver: str
    severity: str
    title: str
    lines: tuple[str, ...]
    at: str


class Channel(Protocol):
    """One way to reach people."""

    def send(self, page: Page) -> None:
        """Deliver; Unavailable where that can't be done now."""


class LocalPager:
    """Sends pages to the receivers of the configuration, by their names.

    Refused where a receiver's configuration is wrong or its name unknown.
    """

    def __init__(
        self, receivers: Mapping[str, Mapping[str, Any]], terminal: TextIO | None = None
    ) -> None:
        shared = Terminal(terminal or sys.stderr)
        self._channels = {
            name: _channel(name, settings, shared) for name, settings in receivers.items()
        }

    def page(
        self,
        key: str,
        receiver: str,
        title: str,
        lines: Sequence[str],
        severity: str,
        at: datetime,
    ) -> None:
        """Tell `receiver`; the same key again tells nothing new. Unavailable: try again later."""
        if receiver not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            raise Refused(f"receiver {receiver!r}: unknown, the configuration has {known}")
        moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        page = Page(key, receiver, severity, title, tuple(lines), moment)
        self._channels[receiver].send(page)


def _channel(name: str, settings: Mapping[str, Any], terminal: Channel) -> Channel:
    try:
        receiver = RECEIVER.validate_python(dict(settings))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in ("receivers", name, *problem["loc"]))
        raise Refused(f"{where}: {problem['msg']}") from None
    match receiver:
        case FileReceiver(path=path):
            return PageFile(path)
        case WebhookReceiver(url=url):
            return Webhook(url)
        case TerminalReceiver():
            return terminal


class Terminal:
    """Pages as text; keys are remembered as long as the process lives."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._told: set[str] = set()

    def send(self, page: Page) -> None:
        """See `Channel`."""
        if page.key in self._told:
            return
        head = Text(f"{page.at} {page.severity.upper()} {_printable(page.title)}")
        head.stylize(STYLES.get(page.severity, ""))
        self._console.print(head)
        for line in page.lines:
            self._console.print(Text(f"    {_printable(line)}"))
        self._told.add(page.key)


def _printable(text: str) -> str:
    """Return one line of text: names come from data, and an escape sequence may hide in one."""
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


class PageFile:
    """Pages as JSON Lines; see `hosts.local.ledger`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, page: Page) -> None:
        """See `Channel`."""
        try:
            append_once(self._path, page.key, asdict(page))
        except OSError as error:
            raise Unavailable(f"receiver {page.receiver}: {error.strerror}") from error


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the page would arrive there as a GET, or as nothing."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Return nothing, so that the redirect stays the answer."""


class Webhook:
    """Pages as a POST of JSON; the receiver knows a repeat by its Idempotency-Key."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(_Straight)

    def send(self, page: Page) -> None:
        """See `Channel`; honours Retry-After, up to an hour."""
        request = urllib.request.Request(
            self._url,
            data=json.dumps(asdict(page)).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": page.key},
            method="POST",
        )
        # The address may hold a secret, so that no reason names it.
        try:
            with self._opener.open(request, timeout=TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            with error:
                delay = _retry_after(error.headers)
            raise Unavailable(f"receiver {page.receiver}: HTTP {error.code}", delay) from None
        except urllib.error.URLError as error:
            raise Unavailable(f"receiver {page.receiver}: {error.reason}", DELAY) from None
        except (OSError, HTTPException) as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise Unavailable(f"receiver {page.receiver}: {reason}", DELAY) from None


def _retry_after(headers: Message[str, str]) -> timedelta:
    """Return the wait that a server asks for: seconds, or until a date by its own clock."""
    text = (headers["Retry-After"] or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text), 10**9)), LONGEST_DELAY)
    try:
        until = parsedate_to_datetime(text)
        present = parsedate_to_datetime(headers["Date"] or "")
        return max(timedelta(0), min(until - present, LONGEST_DELAY))
    except (TypeError, ValueError):
        return DELAY
