"""What faces may ask of a journal."""

from __future__ import annotations

import pytest

from engine import journal
from engine.errors import Refused
from engine.journal import Record
from fleet import read
from fleet.document.policies import Fleet


def test_events_that_are_over_come_from_the_journal(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        {"what": "read", "blob": "b"},
        {"what": "event", "event": "strike", "reason": "explained 2 alerts", "alerts": 2},
    )
    kept = [Record(1, "2024-03-14T03:00:00.000000Z", lines, "")]
    monkeypatch.setattr(journal, "read", lambda store, name: kept)
    loop = _Loop()
    (event,) = read.events(loop, fleet, "demand")  # type: ignore[arg-type]
    assert event == {
        "at": "2024-03-14T03:00:00.000000Z",
        "event": "strike",
        "reason": "explained 2 alerts",
        "alerts": 2,
    }
    with pytest.raises(Refused, match="no model 'nobody'"):
        read.events(loop, fleet, "nobody")  # type: ignore[arg-type]


class _Loop:
    """Only what is asked of it."""

    store = None
