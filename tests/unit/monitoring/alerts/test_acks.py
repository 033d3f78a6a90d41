"""An acknowledgement that expires: the alert is sent again, and escalates again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.routing import Acknowledge, Acknowledged
from tests.unit.monitoring.alerts.timeline import MINUTE, POLICY, T0, Timeline, fire, over

ALERT = "churn:performance-1"
EXPIRING = POLICY.model_copy(update={"ack_expires": timedelta(hours=2)})
TAKEN = Acknowledge("performance-1", "kim")


def taken(policy: object = EXPIRING, severity: Severity = Severity.PAGE) -> Timeline:
    """An alert that was sent at minute 2 and acknowledged at minute 10."""
    line = Timeline(policy)  # type: ignore[arg-type]
    line.at(0, fire("churn", severity=severity))
    line.at(2)
    line.at(10, TAKEN)
    return line


def test_it_is_sent_and_climbs_again() -> None:
    line = taken()
    assert line.last.wake_at == T0 + 130 * MINUTE
    assert line.at(129) == []
    assert line.at(130) == []
    assert line.at(132) == [("first", "reminder", ALERT)]
    assert line.at(162) == [("second", "escalated", ALERT)]


def test_the_model_hears_that_it_lapsed_and_of_the_next_one() -> None:
    line = taken()
    told = [line.last.effects[0]]
    line.at(130)
    told += line.last.effects
    line.at(132)
    line.at(140, Acknowledge("performance-1", "ada"))
    told += line.last.effects
    told = [effect for effect in told if isinstance(effect, Acknowledged)]
    key = "ack:churn:performance-1:firing:1"
    assert told == [
        Acknowledged(key, "churn", "performance-1", "kim"),
        Acknowledged(f"lapsed:{key}", "churn", "performance-1", "kim", lapsed=True),
        Acknowledged(f"{key}:1", "churn", "performance-1", "ada"),
    ]
    assert line.at(259) == []
    line.at(260)
    assert line.at(262) == [("first", "reminder", ALERT)]
    assert len(set(line.keys)) == len(line.keys)


def test_one_that_is_over_before_lapses_no_more() -> None:
    line = taken()
    assert line.at(100, over("churn", 100)) == [("first", "resolved", ALERT)]
    assert line.at(130) == []
    assert line.at(200) == []


def test_a_ticket_is_sent_again_to_its_receivers() -> None:
    line = taken(severity=Severity.TICKET)
    line.at(130)
    assert line.at(132) == [("queue", "reminder", ALERT)]
    assert line.at(162) == []


def test_a_reminder_between_leaves_the_time_of_the_acknowledgement() -> None:
    line = taken()
    line.at(60, fire("churn", 60, n=2))
    assert line.at(129) == []
    line.at(130)
    assert line.at(132) == [("first", "reminder", ALERT)]


@pytest.mark.parametrize("update", [{}, {"ack_expires": timedelta(days=30)}])
def test_without_a_limit_or_within_it_nothing_is_sent(update: dict[str, object]) -> None:
    line = taken(POLICY.model_copy(update=update))
    assert [line.at(minute) for minute in (130, 132, 1000, 10_000)] == [[]] * 4
