"""Pages as text on standard error, for `kind: terminal` on one machine."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TextIO

from rich.console import Console
from rich.text import Text

from fleet.document.receivers import TerminalReceiver
from hosts.receivers.paging import Receipt, Surroundings, spelled
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Page

PRINTED = Receipt("printed")
STYLES = {Severity.PAGE: "bold red", Severity.TICKET: "yellow"}


class Terminal:
    """Pages as text; keys are remembered as long as the process lives."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._told: set[str] = set()

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        if page.key in self._told:
            return PRINTED
        head = Text(f"{spelled(at)} {page.severity.upper()} {_printable(page.title)}")
        head.stylize(STYLES[page.severity])
        self._console.print(head)
        for line in page.lines:
            self._console.print(Text(f"    {_printable(line)}"))
        self._told.add(page.key)
        return PRINTED


def open_terminal(_name: str, _policy: TerminalReceiver, _around: Surroundings) -> Terminal:
    """Open standard error."""
    return Terminal(sys.stderr)


def _printable(text: str) -> str:
    """Return one line of text: names come from data, and an escape sequence may hide in one."""
    return "".join(mark if mark.isprintable() else "\ufffd" for mark in text)
