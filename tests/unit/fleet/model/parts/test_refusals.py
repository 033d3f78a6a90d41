"""What waits for a service for long is told, until it is done or refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fleet.model.facts import Declined, Delayed
from tests.unit.fleet.conftest import Story

HOUR = timedelta(hours=1)
WAITS = Delayed("read_log", "read:a", "the service is down")


def phases(story: Story, key: str) -> list[str]:
    return [line["phase"] for line in story.said("alert") if line["alert"].startswith(key)]


def test_an_effect_that_waits_is_a_ticket_until_it_is_done(begun: Story) -> None:
    begun.tell(WAITS)
    (line,) = begun.said("alert")
    assert (line["alert"], line["severity"]) == ("delayed-read-log-1", "ticket")
    assert line["reason"] == "read_log waits: the service is down"
    begun.tell(WAITS, after=6 * HOUR)
    begun.tell(Delayed("read_log", "read:a", ""), after=HOUR)
    begun.tell(after=24 * HOUR)
    assert phases(begun, "delayed-read-log") == ["firing", "resolved"]


def test_one_that_is_refused_at_last_waits_no_longer(begun: Story) -> None:
    begun.tell(WAITS)
    begun.tell(Declined("read_log", "read:a", "no such file"), after=HOUR)
    begun.tell(after=24 * HOUR)
    assert phases(begun, "delayed-read-log") == ["firing", "resolved"]
    assert "firing" in phases(begun, "refused-read-log")


@pytest.mark.parametrize("other", ["assess", "poll"])
def test_kinds_are_told_apart(begun: Story, other: str) -> None:
    begun.tell(WAITS)
    begun.tell(Delayed(other, "k", ""), after=HOUR)
    begun.tell(after=24 * HOUR)
    assert phases(begun, "delayed-read-log") == ["firing"]
    assert phases(begun, f"delayed-{other}") == []
