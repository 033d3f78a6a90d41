"""One turn: what a step gathers before it is handed to the loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleet.document.policies import Fleet
from fleet.model.lines import alerting
from fleet.model.state import Model
from fleet.model.turn import Turn
from monitoring.slo.objective import Verdict

NOW = datetime(2024, 3, 4, tzinfo=UTC)


def test_the_earliest_moment_ahead_is_when_to_wake(fleet: Fleet) -> None:
    turn = Turn(fleet.models["demand"], NOW, Model())
    for hours in (5, 2, -1, 0):
        turn.wake(NOW + timedelta(hours=hours))
    turn.wake(None)
    assert turn.step().wake_at == NOW + timedelta(hours=2)


def test_lines_are_plain_json(fleet: Fleet) -> None:
    turn = Turn(fleet.models["demand"], NOW, Model())
    turn.say(alerting.Slo("available", Verdict.BURNING, ("a", "b")))
    turn.say(alerting.Silence("no request", None))
    assert turn.step().lines == (
        {"what": "slo", "objective": "available", "verdict": "burning", "reasons": ["a", "b"]},
        {"what": "silence", "reason": "no request", "expected": None},
    )
