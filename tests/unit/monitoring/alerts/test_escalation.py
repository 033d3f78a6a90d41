"""The next receiver is due one interval after the last, and never past the end of the chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitoring.alerts.escalation import due

NOON = datetime(2013, 7, 1, 12, tzinfo=UTC)
HALF = timedelta(minutes=30)


def test_each_level_has_the_next_until_the_last() -> None:
    chain = ("first", "second", "third")
    assert [due(NOON, level, chain, HALF) for level in range(4)] == [
        NOON + HALF,
        NOON + HALF,
        None,
        None,
    ]
