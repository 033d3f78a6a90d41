"""The kinds of receiver of a fleet in Azure."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Refused
from fleet.document.receivers import FileReceiver, Receiver, TerminalReceiver, WebhookReceiver
from hosts.azure.receivers import OPENERS
from hosts.receivers.paging import open_pager
from tests.unit.hosts.receivers.pages import around


def test_a_page_is_a_log_record_or_a_post(tmp_path: Path) -> None:
    receivers: dict[str, Receiver] = {
        "duty": TerminalReceiver(kind="terminal"),
        "ops": WebhookReceiver(kind="webhook", url="env:PAGER_URL"),
    }
    open_pager(receivers, OPENERS, around(tmp_path, {"PAGER_URL": "https://ops.example/hook"}))


def test_a_file_is_refused_before_anything_is_lost_in_it(tmp_path: Path) -> None:
    kinds = "pagerduty, teams, slack, email, acs, azure-monitor, alertmanager, webhook or terminal"
    reason = rf"^receivers\.duty: kind file has no place in Azure; take {kinds}$"
    with pytest.raises(Refused, match=reason):
        open_pager(
            {"duty": FileReceiver(kind="file", path="pages.jsonl")}, OPENERS, around(tmp_path)
        )
