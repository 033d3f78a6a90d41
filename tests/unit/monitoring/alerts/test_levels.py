"""A page goes from level to level, as often as the chain is repeated, and stops at a delegate."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.alerts import routing
from monitoring.alerts.levels import Chain, Present
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status

NOON = datetime(2013, 7, 1, 12, tzinfo=UTC)
HALF = timedelta(minutes=30)


@pytest.mark.parametrize(
    ("repeat", "delegates", "place", "rounds", "passes", "minutes"),
    [
        (0, "", 0, 0, None, 30),
        (0, "", 1, 0, None, 30),
        (0, "", 2, 0, None, None),
        (0, "", 3, 0, None, None),
        (0, "", 2, 0, 1, None),
        (0, "", 1, 0, 1, 1),
        (0, "", 1, 0, 45, 30),
        (2, "", 2, 1, None, 30),
        (2, "", 2, 1, 1, 30),
        (2, "", 2, 2, None, None),
        (0, "b", 1, 0, None, None),
        (0, "b", 1, 0, 1, 1),
        (0, "b", 0, 0, None, 30),
        (2, "c", 2, 0, None, None),
        (2, "c", 2, 0, 1, None),
    ],
)
def test_when_a_page_goes_on(
    repeat: int, delegates: str, place: int, rounds: int, passes: int | None, minutes: int | None
) -> None:
    chain = Chain("abc", HALF, repeat, frozenset(delegates))
    unreachable = NOON + timedelta(minutes=passes) if passes is not None else None
    due = chain.due(NOON, place, rounds, unreachable)
    assert due == (NOON + timedelta(minutes=minutes) if minutes is not None else None)


def played(policy: routing.Policy, present: Present, halves: int) -> list[tuple[int, str]]:
    """Return who is paged in which half hour, nobody acknowledging."""
    step, said = routing.step(routing.OnCall("shop"), [ALERT], policy, NOON, present), []
    for half in range(halves):
        pages = [page for page in step.effects if isinstance(page, routing.Page)]
        said += [(half, page.receiver) for page in pages]
        assert len({page.key for page in pages}) == len(pages)
        step = routing.step(step.state, [], policy, NOON + (half + 1) * HALF, present)
    return said


@pytest.mark.parametrize(
    ("repeat", "delegates", "paged"),
    [
        (0, "", [(0, "a"), (1, "b")]),
        (1, "", [(0, "a"), (1, "b"), (2, "a"), (3, "b")]),
        (2, "", [(0, "a"), (1, "b"), (2, "a"), (3, "b"), (4, "a"), (5, "b")]),
        (2, "a", [(0, "a")]),
        (2, "b", [(0, "a"), (1, "b")]),
    ],
)
def test_a_chain_is_repeated_and_stops_at_who_escalates_by_itself(
    repeat: int, delegates: str, paged: list[tuple[int, str]]
) -> None:
    policy = team("ab").model_copy(update={"repeat": repeat})
    assert played(policy, Present(frozenset(delegates)), 9) == paged


def test_every_message_of_a_repeated_chain_has_its_own_key() -> None:
    policy, keys = team("ab").model_copy(update={"repeat": 9}), []
    step = routing.step(routing.OnCall("shop"), [ALERT], policy, NOON)
    for half in range(25):
        keys += [page.key for page in step.effects if isinstance(page, routing.Page)]
        step = routing.step(step.state, [], policy, NOON + (half + 1) * HALF)
    assert len(keys) == 20
    assert len(set(keys)) == 20


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
