"""Receivers of a fleet in Azure."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from engine.errors import Refused
from fleet.document.receivers import FileReceiver, TerminalReceiver, WebhookReceiver
from hosts.azure.pager import pager

AT = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


def test_a_page_becomes_a_record_that_can_be_found(caplog: pytest.LogCaptureFixture) -> None:
    found = pager({"duty": TerminalReceiver(kind="terminal")})
    with caplog.at_level(logging.WARNING, "driftwarden.pages"):
        found.page("k1", "duty", "churn drifted", ["age: psi 0.3", "plan: psi 0.2"], "page", AT)
        found.page("k2", "duty", "churn drifting", [], "ticket", AT)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    first = caplog.records[0].getMessage()
    assert "[k1] churn drifted: age: psi 0.3 | plan: psi 0.2" in first


def test_a_file_is_refused_before_anything_is_lost_in_it() -> None:
    with pytest.raises(Refused, match=r"receivers\.duty: kind file has no place in Azure"):
        pager({"duty": FileReceiver(kind="file", path="pages.jsonl")})


def test_an_address_in_a_setting_that_is_not_there_is_named() -> None:
    with pytest.raises(Refused, match=r"receivers\.ops: the setting PAGER_URL_X is not there"):
        pager({"ops": WebhookReceiver(kind="webhook", url="env:PAGER_URL_X")})


def test_an_unknown_receiver_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Refused, match="'night': unknown, the configuration has duty"):
        pager({"duty": TerminalReceiver(kind="terminal")}).page("k", "night", "t", [], "page", AT)
