"""The kinds of receiver of one machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.document.receivers import FileReceiver, Receiver, TerminalReceiver, WebhookReceiver
from hosts.local.receivers import OPENERS, QUIET
from hosts.receivers.paging import open_pager
from tests.unit.hosts.receivers.pages import AT, PAGE, around

RECEIVERS: dict[str, Receiver] = {
    "ops": TerminalReceiver(kind="terminal"),
    "duty": FileReceiver(kind="file", path="pages.jsonl"),
    "night": WebhookReceiver(kind="webhook", url="http://127.0.0.1:9/"),
}


def test_one_machine_has_every_kind() -> None:
    assert list(OPENERS.lacks(RECEIVERS)) == []


def test_a_quiet_host_keeps_in_a_file_what_would_be_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pager = open_pager(RECEIVERS, QUIET, around(tmp_path))
    pager.page(PAGE, AT, AT)
    pager.page(replace(PAGE, receiver="duty"), AT, AT)
    assert capsys.readouterr().err == ""
    for file, receiver in (("terminal.jsonl", "ops"), ("pages.jsonl", "duty")):
        (line,) = (tmp_path / file).read_text().splitlines()
        assert json.loads(line)["receiver"] == receiver
