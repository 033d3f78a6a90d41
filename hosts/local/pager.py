"""Tell people: on the terminal, in a file, or by a webhook; once per key."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from rich.console import Console
from rich.text import Text

from engine.errors import Refused, Unavailable
from hosts.ledger import append_once
from hosts.paging import Channel, Pager, Webhook, message, spelled
from monitoring.alerts.grouping import Page
from monitoring.alerts.lifecycle import Severity

STYLES = {Severity.PAGE: "bold red", Severity.TICKET: "yellow"}


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


class LocalPager(Pager):
    """Sends pages to the receivers of the configuration, by their names.

    Refused where a receiver's configuration is wrong or its name unknown.
    """

    def __init__(
        self, receivers: Mapping[str, Mapping[str, Any]], terminal: TextIO | None = None
    ) -> None:
        shared = Terminal(terminal or sys.stderr)
        super().__init__(
            {name: _channel(name, settings, shared) for name, settings in receivers.items()}
        )


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

    def send(self, page: Page, at: datetime) -> None:
        """See `Channel`."""
        if page.key in self._told:
            return
        head = Text(f"{spelled(at)} {page.severity.upper()} {_printable(page.title)}")
        head.stylize(STYLES[page.severity])
        self._console.print(head)
        for line in page.lines:
            self._console.print(Text(f"    {_printable(line)}"))
        self._told.add(page.key)


def _printable(text: str) -> str:
    """Return one line of text: names come from data, and an escape sequence may hide in one."""
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in text)


class PageFile:
    """Pages as JSON Lines; see `hosts.ledger`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, page: Page, at: datetime) -> None:
        """See `Channel`."""
        try:
            append_once(self._path, page.key, message(page, at))
        except OSError as error:
            raise Unavailable(f"receiver {page.receiver}: {error.strerror}") from error
