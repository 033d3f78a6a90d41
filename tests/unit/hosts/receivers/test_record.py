"""Pages as log records."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fleet.document.receivers import TerminalReceiver
from hosts.receivers.record import open_record
from monitoring.alerts.lifecycle import Severity
from tests.unit.hosts.receivers.pages import around, tell


def test_a_page_becomes_a_record_that_can_be_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = open_record("duty", TerminalReceiver(kind="terminal"), around(tmp_path))
    with caplog.at_level(logging.WARNING, "driftwarden.pages"):
        tell(found, "k1", title="churn drifted", lines=("age: psi 0.3", "plan: psi 0.2"))
        tell(found, "k2", title="churn drifting", lines=(), severity=Severity.TICKET)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert [record.getMessage() for record in caplog.records] == [
        "page [k1] churn drifted: age: psi 0.3 | plan: psi 0.2",
        "ticket [k2] churn drifting: ",
    ]
