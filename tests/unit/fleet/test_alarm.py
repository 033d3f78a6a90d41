"""A page that waits for its receiver is looked at in time, not at the next run of the timer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.head import Head
from fleet.alarm import Alarm, by_the_timer
from monitoring.alerts.reach import Down, Phase
from monitoring.alerts.routing import OnCall

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CALM = OnCall("shop")
LOST = OnCall("shop", receivers={"pager": Down(Phase.FAILING, NOW, "HTTP 503", 1)})


@pytest.mark.parametrize(
    ("state", "wakes", "rung"),
    [
        (LOST, 30 * SECOND, True),
        (LOST, 59 * SECOND, True),
        (LOST, timedelta(minutes=1), False),
        (LOST, timedelta(hours=1), False),
        (LOST, timedelta(0), False),
        (LOST, None, False),
        (CALM, 30 * SECOND, False),
    ],
)
def test_only_a_wake_before_the_next_run_of_the_timer_is_rung_for(
    state: OnCall, wakes: timedelta | None, rung: bool
) -> None:
    calls: list[tuple[str, datetime]] = []
    alarm = Alarm(lambda partition, at: calls.append((partition, at)))
    wake = NOW + wakes if wakes is not None else None
    alarm.after("oncall:shop", Head(state, wake_at=wake), NOW)
    assert calls == ([("oncall:shop", wake)] if rung else [])


def test_each_moment_of_each_partition_is_rung_for_once() -> None:
    """Otherwise each run of the timer would begin a chain of its own."""
    calls: list[tuple[str, datetime]] = []
    alarm = Alarm(lambda partition, at: calls.append((partition, at)))
    for after in (30, 30, 40, 30, 40):
        for team in ("oncall:shop", "oncall:ops"):
            alarm.after(team, Head(LOST, wake_at=NOW + after * SECOND), NOW)
    assert [at - NOW for name, at in calls if name == "oncall:ops"] == [
        after * SECOND for after in (30, 40, 30, 40)
    ]
    by_the_timer("oncall:shop", NOW)
