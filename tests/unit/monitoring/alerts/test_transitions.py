"""The life of one alert: every legal move is walked, and nothing is ever owed twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from engine.errors import Refused
from monitoring.alerts.lifecycle import (
    EDGES,
    Alert,
    Condition,
    Kind,
    Phase,
    Policy,
    Severity,
    Status,
)
from monitoring.alerts.transitions import acknowledge, lapse, step

T0 = datetime(2013, 7, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HELD = Policy(hold=2 * HOUR, resolve_after=3 * HOUR, renotify=24 * HOUR)
PROMPT = Policy(hold=timedelta(0), resolve_after=timedelta(0), renotify=24 * HOUR)


def condition(active: bool | None = True, **more: object) -> Condition:
    return Condition(
        **{  # type: ignore[arg-type]
            "model": "flights",
            "key": "performance",
            "kind": Kind.PERFORMANCE,
            "active": active,
            "reason": "calibration gap +0.12",
            **more,
        }
    )


def run(
    script: list[tuple[int, Condition]], policy: Policy
) -> list[tuple[Phase | None, list[str]]]:
    alert: Alert | None = None
    seen = []
    for hour, now_true in script:
        out = step(alert, now_true, policy, T0 + hour * HOUR)
        alert = out.alert
        seen.append((alert.phase if alert else None, [e.key for e in out.effects]))
    return seen


def test_a_story_told_as_a_timeline() -> None:
    assert run(
        [
            (0, condition(False)),
            (1, condition()),
            (2, condition()),
            (3, condition()),
            (4, condition()),
            (27, condition()),
            (28, condition(False)),
            (29, condition()),
            (30, condition(False)),
            (33, condition(False)),
            (34, condition(False)),
            (40, condition()),
            (42, condition()),
        ],
        HELD,
    ) == [
        (None, []),
        (Phase.PENDING, []),
        (Phase.PENDING, []),
        (Phase.FIRING, ["flights:performance-1:firing:1"]),
        (Phase.FIRING, []),
        (Phase.FIRING, ["flights:performance-1:firing:2"]),
        (Phase.FIRING, []),
        (Phase.FIRING, []),
        (Phase.FIRING, []),
        (Phase.RESOLVED, ["flights:performance-1:resolved"]),
        (Phase.RESOLVED, []),
        (Phase.PENDING, []),
        (Phase.FIRING, ["flights:performance-2:firing:1"]),
    ]


def test_wake_up_is_when_something_would_change() -> None:
    pending = step(None, condition(), HELD, T0)
    assert pending.wake_at == T0 + 2 * HOUR
    firing = step(pending.alert, condition(), HELD, pending.wake_at)
    assert firing.wake_at == T0 + 26 * HOUR
    quiet = step(firing.alert, condition(False), HELD, T0 + 4 * HOUR)
    assert quiet.wake_at == T0 + 7 * HOUR
    assert step(quiet.alert, condition(False), HELD, quiet.wake_at).wake_at is None


def test_an_explained_condition_is_recorded_and_not_sent() -> None:
    event = condition(explained_by="Independence Day")
    held = step(None, event, PROMPT, T0)
    assert held.alert is not None
    assert (held.alert.phase, held.effects, held.wake_at) == (Phase.PENDING, (), None)
    assert held.alert.explained_by == "Independence Day"
    assert step(held.alert, event, PROMPT, T0 + 90 * HOUR).effects == ()
    # The event passes, the condition does not: it fires, its age counted from the first sight.
    after = step(held.alert, condition(), PROMPT, T0 + 91 * HOUR)
    assert [e.status for e in after.effects] == [Status.FIRING]
    assert after.alert is not None
    assert after.alert.since == T0


def test_an_explained_condition_waits_its_full_hold_once_the_event_is_over() -> None:
    held = step(None, condition(explained_by="Thanksgiving"), HELD, T0)
    after = step(held.alert, condition(), HELD, T0 + 10 * HOUR)
    assert (after.effects, after.wake_at) == ((), T0 + 12 * HOUR)


def test_an_event_that_comes_while_firing_stops_the_reminders_only() -> None:
    firing = step(None, condition(), PROMPT, T0)
    event = step(firing.alert, condition(explained_by="Labor Day"), PROMPT, T0 + 30 * HOUR)
    assert (event.effects, event.wake_at) == ((), None)
    assert event.alert is not None
    assert event.alert.phase is Phase.FIRING


def test_no_data_neither_starts_nor_ends_nor_ripens() -> None:
    unknown = condition(None)
    assert step(None, unknown, HELD, T0).alert is None
    pending = step(None, condition(), HELD, T0)
    later = step(pending.alert, unknown, HELD, T0 + 50 * HOUR)
    assert later.alert == pending.alert
    assert (later.effects, later.wake_at) == ((), None)
    firing = step(None, condition(), PROMPT, T0)
    blind = step(firing.alert, unknown, PROMPT, T0 + 5 * HOUR)
    assert blind.alert is not None
    assert (blind.alert.phase, blind.effects) == (Phase.FIRING, ())


def test_acknowledged_is_not_repeated_but_a_rise_is() -> None:
    ticket = condition(severity=Severity.TICKET)
    firing = step(None, ticket, PROMPT, T0)
    taken = acknowledge(firing.alert, "performance-1", "kim", PROMPT)
    assert taken.alert is not None
    assert (taken.alert.phase, taken.wake_at) == (Phase.ACKNOWLEDGED, None)
    assert step(taken.alert, ticket, PROMPT, T0 + 99 * HOUR).effects == ()
    worse = step(taken.alert, condition(), PROMPT, T0 + 100 * HOUR)
    assert [(e.key, e.severity) for e in worse.effects] == [
        ("flights:performance-1:firing:2", Severity.PAGE)
    ]
    assert worse.alert is not None
    assert (worse.alert.phase, worse.alert.acknowledged_by) == (Phase.FIRING, None)
    milder = step(worse.alert, ticket, PROMPT, T0 + 101 * HOUR)
    assert milder.alert is not None
    assert (milder.alert.severity, milder.effects) == (Severity.PAGE, ())


def test_acknowledging_what_never_fired_is_refused_and_what_is_over_is_nothing() -> None:
    with pytest.raises(Refused, match="performance-1: no alert"):
        acknowledge(None, "performance-1", "kim", PROMPT)
    firing = step(None, condition(), PROMPT, T0)
    with pytest.raises(Refused, match="performance-2"):
        acknowledge(firing.alert, "performance-2", "kim", PROMPT)
    over = step(firing.alert, condition(False), PROMPT, T0 + HOUR)
    assert acknowledge(over.alert, "performance-1", "kim", PROMPT).alert == over.alert


def test_an_acknowledgement_that_lapsed_is_followed_by_reminders() -> None:
    firing = step(None, condition(), PROMPT, T0)
    assert lapse(firing.alert, "performance-1", PROMPT, T0 + HOUR).alert == firing.alert
    taken = acknowledge(firing.alert, "performance-1", "kim", PROMPT).alert
    assert lapse(taken, "performance-2", PROMPT, T0 + HOUR).alert == taken
    lapsed = lapse(taken, "performance-1", PROMPT, T0 + HOUR)
    assert lapsed.alert is not None
    assert (lapsed.alert.phase, lapsed.alert.acknowledged_by) == (Phase.FIRING, None)
    # The team has just been told: the next reminder is a day later.
    assert (lapsed.effects, lapsed.wake_at) == ((), T0 + 25 * HOUR)
    assert step(lapsed.alert, condition(), PROMPT, T0 + 24 * HOUR).effects == ()
    again = step(lapsed.alert, condition(), PROMPT, T0 + 25 * HOUR)
    assert [one.key for one in again.effects] == ["flights:performance-1:firing:2"]
    assert lapse(None, "performance-1", PROMPT, T0).alert is None


def test_a_kind_listed_as_ticket_never_pages() -> None:
    out = step(None, condition(kind=Kind.RUN, key="run"), PROMPT, T0)
    assert out.effects[0].severity is Severity.TICKET


CONDITIONS = st.builds(
    condition,
    st.sampled_from([True, False, None]),
    severity=st.sampled_from(list(Severity)),
    explained_by=st.sampled_from([None, None, "an event"]),
)
SCRIPTS = st.lists(st.tuples(st.integers(0, 30), CONDITIONS, st.booleans()), max_size=30)
POLICIES = st.sampled_from([HELD, PROMPT])


@given(SCRIPTS, POLICIES)
def test_any_history_moves_along_edges_and_owes_nothing_twice(
    script: list[tuple[int, Condition, bool]], policy: Policy
) -> None:
    alert: Alert | None = None
    now, keys = T0, []
    for hours, now_true, ack in script:
        now += hours * HOUR
        before = alert.phase if alert else Phase.INACTIVE
        first = step(alert, now_true, policy, now)
        again = step(first.alert, now_true, policy, now)
        assert again.alert == first.alert
        assert (again.effects, again.wake_at) == ((), first.wake_at)
        assert first.wake_at is None or first.wake_at > now
        keys += [e.key for e in first.effects]
        alert = first.alert
        after = alert.phase if alert else Phase.INACTIVE
        through = {b for a in EDGES[before] for b in EDGES[a]} & {Phase.FIRING}
        assert after == before or after in EDGES[before] or after in through
        if ack and alert and alert.phase is Phase.FIRING:
            alert = acknowledge(alert, alert.id, "kim", policy).alert
    assert len(keys) == len(set(keys))
    json = TypeAdapter(Alert | None).dump_json(alert)
    assert TypeAdapter(Alert | None).validate_json(json) == alert


def test_every_edge_is_walked() -> None:
    ticket, page, quiet = condition(severity=Severity.TICKET), condition(), condition(False)
    walked = set()

    def go(alert: Alert | None, true: Condition, policy: Policy, hours: int) -> Alert:
        out = step(alert, true, policy, T0 + hours * HOUR).alert
        assert out is not None
        walked.add((alert.phase if alert else Phase.INACTIVE, out.phase))
        return out

    def ack(alert: Alert) -> Alert:
        out = acknowledge(alert, alert.id, "kim", PROMPT).alert
        assert out is not None
        walked.add((alert.phase, out.phase))
        return out

    pending = go(None, page, HELD, 0)
    go(pending, quiet, HELD, 1)
    go(pending, page, HELD, 2)
    firing = go(None, ticket, PROMPT, 0)
    acknowledged = ack(firing)
    go(acknowledged, page, PROMPT, 1)
    go(acknowledged, quiet, PROMPT, 1)
    resolved = go(firing, quiet, PROMPT, 1)
    go(resolved, page, HELD, 2)
    go(resolved, page, PROMPT, 2)
    assert walked == {(a, b) for a, targets in EDGES.items() for b in targets}
