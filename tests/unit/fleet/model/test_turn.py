"""One turn: what a step gathers before it is handed to the loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.model.turn import Turn
from monitoring.calendars import Freeze

NOW = datetime(2024, 3, 4, tzinfo=UTC)


def test_the_earliest_moment_ahead_is_when_to_wake(fleet: Fleet) -> None:
    turn = Turn(fleet.models["demand"], NOW, Model())
    for hours in (5, 2, -1, 0):
        turn.wake(NOW + timedelta(hours=hours))
    turn.wake(None)
    assert turn.step().wake_at == NOW + timedelta(hours=2)


def test_lines_are_plain_json(fleet: Fleet) -> None:
    turn = Turn(fleet.models["demand"], NOW, Model())
    turn.say("freeze", freeze=Freeze(NOW, "x", "y"), names=("a", "b"), share=0.5, none=None)
    assert turn.step().lines == (
        {
            "what": "freeze",
            "freeze": {"until": "2024-03-04T00:00:00Z", "by": "x", "reason": "y"},
            "names": ["a", "b"],
            "share": 0.5,
            "none": None,
        },
    )
