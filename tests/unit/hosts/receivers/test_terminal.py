"""Pages on standard error."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from fleet.document.receivers import TerminalReceiver
from hosts.receivers.terminal import Terminal, open_terminal
from tests.unit.hosts.receivers.pages import around, tell


def test_the_terminal_shows_a_page_once() -> None:
    stream = io.StringIO()
    channel = Terminal(stream)
    tell(channel)
    tell(channel)
    assert stream.getvalue() == (
        "2013-12-31T12:00:00Z PAGE flights: weather feed missing\n"
        "    temp 100 % missing\n"
        "    since 00:00\n"
    )


def test_the_terminal_is_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell(open_terminal("ops", TerminalReceiver(kind="terminal"), around(tmp_path)))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "weather feed missing" in printed.err


def test_names_from_the_data_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    channel = Terminal(stream)
    tell(channel, title="\x1b[2Jgone\n[bold]x[/bold]", lines=("\r\x07", "x" * 300))
    head, first, second = stream.getvalue().splitlines()
    assert head == "2013-12-31T12:00:00Z PAGE \ufffd[2Jgone\ufffd[bold]x[/bold]"
    assert first == "    \ufffd\ufffd"
    assert second == "    " + "x" * 300
