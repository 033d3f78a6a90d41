"""The next receiver is due one interval after the last, and never past the end of the chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.alerts import routing
from monitoring.alerts.escalation import due
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status

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


ALERT = Notify(
    "k", "demand", "drift-1", Kind.DRIFT, Severity.PAGE, Status.FIRING, "x drifted", NOON
)


def team(chain: str) -> routing.Policy:
    return routing.Policy(page=tuple(chain), group_wait=timedelta(0), escalate_after=HALF)


@pytest.mark.parametrize(
    ("before", "reached", "after", "then"),
    [
        ("a", "a", "b", "b"),
        ("a", "a", "ab", "b"),
        ("abc", "a", "bc", "bc"),
        ("abc", "b", "bc", "c"),
        ("ab", "a", "cb", "cb"),
        ("abc", "b", "c", "c"),
        ("abc", "b", "ac", "ac"),
        ("ab", "b", "bac", "ac"),
        ("ab", "b", "cab", ""),
        ("ab", "a", "ab", "b"),
    ],
)
def test_a_page_climbs_the_chain_that_fleet_yaml_has_now(
    before: str, reached: str, after: str, then: str
) -> None:
    """Whoever has the page may have left the chain, or stand elsewhere in it."""
    now = NOON
    step = routing.step(routing.OnCall("shop"), [ALERT], team(before), now)
    while [page.receiver for page in step.effects if isinstance(page, routing.Page)] != [reached]:
        now += HALF
        step = routing.step(step.state, [], team(before), now)
    step = routing.step(step.state, [], team(after), now + timedelta(minutes=1))
    said = list(step.effects)
    if reached not in after:
        assert [page.receiver for page in said if isinstance(page, routing.Page)] == [after[0]]
    for _ in range(5):
        now += HALF + timedelta(minutes=1)
        step = routing.step(step.state, [], team(after), now)
        said += step.effects
    assert [page.receiver for page in said if isinstance(page, routing.Page)] == list(then)
    assert step.wake_at is None
