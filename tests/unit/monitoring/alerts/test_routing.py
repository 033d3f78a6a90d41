"""The on-call partition, told as timelines: what is pushed when, and which pages follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from engine.errors import Refused
from monitoring.alerts.group import EDGES
from monitoring.alerts.lifecycle import Kind, Severity
from monitoring.alerts.routing import (
    Acknowledge,
    Acknowledged,
    Delivered,
    Fact,
    OnCall,
    Page,
    Policy,
    Silence,
    Unsilence,
    step,
)
from tests.unit.monitoring.alerts.timeline import MINUTE, POLICY, T0, Timeline, fire, over


def test_alerts_of_one_kind_are_told_together_across_models() -> None:
    line = Timeline()
    assert line.at(0, fire("churn")) == []
    assert line.last.wake_at == T0 + 2 * MINUTE
    assert line.at(1, fire("flights", 1), fire("churn")) == []
    assert line.at(2) == [("first", "firing", "churn:performance-1 flights:performance-1")]
    assert line.at(3, fire("churn")) == []
    assert line.at(4, over("churn", 4)) == []
    assert line.at(5, over("flights", 5)) == [
        ("first", "resolved", "churn:performance-1 flights:performance-1")
    ]
    assert line.at(6) == []
    assert len(set(line.keys)) == len(line.keys)


def test_the_message_says_what_and_where() -> None:
    line = Timeline()
    line.at(0, fire("churn"), fire("flights"))
    line.at(2)
    (page,) = line.last.effects
    assert isinstance(page, Page)
    assert page.title == "2 performance alerts on churn, flights"
    assert page.lines == (
        "churn:performance-1: got worse",
        "  calibration gap +0.12",
        "flights:performance-1: got worse",
        "  calibration gap +0.12",
    )
    assert page.key == "ml:performance-1:firing:0:first"


def test_what_ends_while_it_waits_is_never_sent() -> None:
    line = Timeline()
    assert line.at(0, fire("churn")) == []
    assert line.at(1, over("churn", 1)) == []
    assert line.at(5) == []
    assert line.last.wake_at is None


def test_a_resolution_that_overtakes_its_firing_wins() -> None:
    line = Timeline()
    assert line.at(5, over("churn", 5)) == []
    assert line.at(6, fire("churn", 0)) == []
    assert line.at(60) == []


def test_kinds_are_told_apart_and_tickets_go_to_the_queue() -> None:
    line = Timeline()
    line.at(0, fire("churn"), fire("churn", kind=Kind.DRIFT, severity=Severity.TICKET))
    assert line.at(2) == [
        ("queue", "firing", "churn:drift-1"),
        ("first", "firing", "churn:performance-1"),
    ]
    assert line.at(40) == [("second", "escalated", "churn:performance-1")]
    assert line.at(400) == []


def test_without_ticket_receivers_the_first_of_the_pages_gets_them() -> None:
    line = Timeline(Policy(page=("first", "second"), group_wait=timedelta(0)))
    assert line.at(0, fire("churn", severity=Severity.TICKET)) == [
        ("first", "firing", "churn:performance-1")
    ]
    assert line.last.wake_at is None


def test_an_unanswered_page_climbs_and_a_resolution_reaches_everybody_who_heard() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2)
    assert line.last.wake_at == T0 + 32 * MINUTE
    assert line.at(31) == []
    assert line.at(32) == [("second", "escalated", "churn:performance-1")]
    assert line.last.wake_at is None
    assert line.at(90, over("churn", 90)) == [
        ("first", "resolved", "churn:performance-1"),
        ("second", "resolved", "churn:performance-1"),
    ]


def test_acknowledging_stops_the_climb_and_tells_the_model() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2)
    assert line.at(3, Acknowledge("performance-1", "kim")) == [
        ("first", "acknowledged", "churn:performance-1")
    ]
    assert line.last.effects[0] == Acknowledged(
        "ack:churn:performance-1:firing:1", "churn", "performance-1", "kim"
    )
    with pytest.raises(Refused, match="churn:performance-1: it was acknowledged by kim"):
        line.at(4, Acknowledge("churn:performance-1", "lee"))
    assert line.at(99) == []
    assert line.at(100, fire("churn", 100, n=2)) == []
    assert line.at(200, over("churn", 200)) == [("first", "resolved", "churn:performance-1")]


def test_everybody_who_heard_is_told_once_who_acknowledged() -> None:
    line = Timeline()
    line.at(0, fire("churn"), fire("flights"))
    line.at(2)
    assert line.at(32)[0][:2] == ("second", "escalated")
    assert line.at(33, Acknowledge("churn:performance-1", "kim")) == []
    told = line.at(34, Acknowledge("flights:performance-1", "lee"))
    assert [(receiver, event) for receiver, event, _ in told] == [
        ("first", "acknowledged"),
        ("second", "acknowledged"),
    ]
    pages = [effect for effect in line.last.effects if isinstance(effect, Page)]
    assert {page.lines[0] for page in pages} == {"acknowledged by kim, lee"}
    assert pages[0].title == "acknowledged: 2 performance alerts on churn, flights"
    assert line.at(35) == line.at(36) == []
    # An alert that joins opens the group again, and its acknowledgement is news.
    line.at(40, fire("demand", 40))
    assert {event for _, event, _ in line.at(42)} == {"firing"}
    assert {event for _, event, _ in line.at(43, Acknowledge("demand:performance-1", "kim"))} == {
        "acknowledged"
    }


def test_an_incident_keeps_its_name_its_begin_and_its_handles_until_it_is_closed() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2)
    (first,) = [one for one in line.last.effects if isinstance(one, Page)]
    assert (first.opened, first.since, first.handle) == (T0 + 2 * MINUTE, (T0,), "")
    line.at(3, Delivered("first", first.incident, "ts-1"))
    line.at(4, fire("flights", 4))
    line.at(6)
    (joined,) = [one for one in line.last.effects if isinstance(one, Page)]
    assert (joined.incident, joined.opened, joined.handle) == (
        first.incident, first.opened, "ts-1",
    )  # fmt: skip
    assert joined.since == (T0, T0 + 4 * MINUTE)
    line.at(90, over("churn", 90), over("flights", 90))
    (ended,) = [one for one in line.last.effects if isinstance(one, Page)]
    assert (ended.incident, ended.handle) == (first.incident, "ts-1")
    line.at(100, fire("churn", 100, number=2))
    line.at(102)
    (again,) = [one for one in line.last.effects if isinstance(one, Page)]
    assert (again.incident != first.incident, again.handle) == (True, "")
    line.at(103, Delivered("first", first.incident, "ts-0"))
    line.at(104, over("churn", 104, number=2))
    assert [one.handle for one in line.last.effects if isinstance(one, Page)] == [""]


def test_one_of_two_acknowledged_still_climbs() -> None:
    line = Timeline()
    line.at(0, fire("churn"), fire("flights"))
    line.at(2)
    line.at(3, Acknowledge("churn:performance-1", "kim"))
    assert line.at(32)[0][:2] == ("second", "escalated")


def test_an_acknowledgement_must_name_one_known_alert() -> None:
    line = Timeline()
    line.at(0, fire("churn"), fire("flights"))
    with pytest.raises(
        Refused, match="ambiguous, name one of churn:performance-1, flights:performance-1"
    ):
        step(line.state, [Acknowledge("performance-1", "kim")], POLICY, T0)
    with pytest.raises(Refused, match="drift-7: no such alert"):
        step(line.state, [Acknowledge("drift-7", "kim")], POLICY, T0)
    with pytest.raises(Refused, match="s9: no such silence"):
        step(line.state, [Unsilence("s9", "kim")], POLICY, T0)


KIM = "silenced until 2013-07-01 02:00 UTC by kim already; unsilence s1 first to end that sooner"


@pytest.mark.parametrize(
    ("model", "feature", "hours", "told"),
    [
        ("churn", None, 2, f"churn: {KIM}"),
        ("churn", None, 1, f"churn: {KIM}"),
        ("churn", "age", 2, f"churn/age: {KIM}"),
        ("churn", None, 3, ""),
        (None, None, 1, ""),
        ("flights", None, 1, ""),
        ("flights", "age", 1, ""),
    ],
)
def test_a_silence_that_would_change_nothing_is_refused(
    model: str | None, feature: str | None, hours: int, told: str
) -> None:
    first = Silence("s1", "kim", "deploy", T0 + timedelta(hours=2), "churn")
    second = Silence("s2", "ada", "deploy", T0 + timedelta(hours=hours), model, feature)
    held = step(OnCall("risk"), [first], POLICY, T0).state
    if told:
        with pytest.raises(Refused, match=f"^{told}$"):
            step(held, [second], POLICY, T0)
    else:
        assert step(held, [second], POLICY, T0).state.silences == (first, second)


def test_a_rise_from_ticket_to_page_is_news_even_when_acknowledged() -> None:
    line = Timeline()
    line.at(0, fire("churn", severity=Severity.TICKET))
    line.at(2, Acknowledge("performance-1", "kim"))
    line.at(60, fire("churn", 60, n=2))
    assert line.at(62) == [("first", "firing", "churn:performance-1")]


def test_a_ticket_that_joins_an_unanswered_page_does_not_stop_its_climb() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2)
    line.at(10, fire("flights", 10, severity=Severity.TICKET))
    assert line.at(12) == [("queue", "firing", "churn:performance-1 flights:performance-1")]
    assert line.at(32)[0][:2] == ("second", "escalated")


def test_a_reminder_is_sent_again_from_the_first_receiver() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2)
    line.at(32)
    line.at(1440, fire("churn", 1440, n=2))
    assert line.at(1442) == [("first", "reminder", "churn:performance-1")]
    assert line.at(1472) == [("second", "escalated", "churn:performance-1")]


def test_an_incident_has_one_name_from_its_first_message_to_its_resolution() -> None:
    line = Timeline()
    told: list[tuple[str, str]] = []

    def at(minute: float, *facts: Fact) -> None:
        line.at(minute, *facts)
        pages = [one for one in line.last.effects if isinstance(one, Page)]
        told.extend((str(page.event), page.incident) for page in pages)

    at(0, fire("churn"))
    at(2)
    at(10, fire("flights", 10))
    at(12)
    at(42)
    at(1440, fire("churn", 1440, n=2))
    at(1442)
    at(1500, over("churn", 1500), over("flights", 1500))
    events = ["firing", "firing", "escalated", "reminder", "resolved", "resolved"]
    assert told == [(event, "ml:performance-1") for event in events]
    at(1510, fire("flights", 1510, number=2))
    at(1512)
    at(1513, over("flights", 1513, number=2))
    assert told[6:] == [("firing", "ml:performance-4"), ("resolved", "ml:performance-4")]


def test_a_silence_stops_everything_and_its_end_starts_over() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2)
    silence = Silence("s1", "kim", "known", T0 + 60 * MINUTE, model="churn")
    assert line.at(10, silence) == []
    assert line.state.muted == {"churn:performance-1": "silenced by kim until 2013-07-01 01:00 UTC"}
    assert line.last.wake_at == T0 + 60 * MINUTE
    assert line.at(59) == []
    assert line.at(60) == [("queue", "unsilenced", "churn:performance-1")]
    assert line.at(62) == [("first", "reminder", "churn:performance-1")]


def test_what_ends_under_a_silence_ends_silently() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2, Silence("s1", "kim", "known", T0 + 60 * MINUTE))
    assert line.at(30, over("churn", 30)) == []
    assert line.at(61) == [("queue", "unsilenced", "churn:performance-1")]


def test_a_lifted_silence_lets_the_alert_through() -> None:
    line = Timeline()
    line.at(0, Silence("s1", "kim", "known", T0 + 600 * MINUTE, kind=Kind.DRIFT))
    line.at(1, fire("churn", 1, kind=Kind.DRIFT))
    assert line.at(10) == []
    line.at(20, Unsilence("s1", "kim"))
    assert line.at(22) == [("first", "firing", "churn:drift-1")]


def test_a_day_of_missing_weather_is_one_quality_page_and_no_drift_story() -> None:
    line = Timeline()
    line.at(0, fire("flights", kind=Kind.DRIFT, features=("temp", "dewp")))
    line.at(1, fire("flights", 1, kind=Kind.QUALITY, features=("temp", "dewp")))
    assert line.at(3) == [("first", "firing", "flights:quality-1")]
    assert line.at(5) == []
    line.at(30, over("flights", 30, kind=Kind.QUALITY))
    assert line.at(32) == [("first", "firing", "flights:drift-1")]


def test_what_is_over_is_forgotten_after_the_inbox_forgets_it() -> None:
    line = Timeline()
    line.at(0, fire("churn"))
    line.at(2, over("churn", 2))
    day = 24 * 60
    line.at(8 * day)
    assert "churn:performance-1" in line.state.alerts
    line.at(8 * day + 2)
    assert line.state.alerts == {}


def test_every_edge_of_a_group_is_walked() -> None:
    line = Timeline()
    line.at(0, fire("a"))
    line.at(1, over("a", 1))
    line.at(2, fire("b", 2))
    line.at(4)
    line.at(5, over("b", 5))
    line.at(6, fire("c", 6))
    line.at(8)
    line.at(9, Acknowledge("c:performance-1", "kim"))
    line.at(10, fire("d", 10))
    line.at(12)
    line.at(13, Acknowledge("d:performance-1", "kim"))
    line.at(14, over("c", 14), over("d", 14))
    line.at(20, fire("e", 20))
    line.at(22)
    line.at(23, over("e", 23), fire("f", 23))
    line.at(25)
    line.at(26, Acknowledge("f:performance-1", "kim"))
    line.at(27, over("f", 27), fire("g", 27))
    line.at(29)
    line.at(30, Acknowledge("g:performance-1", "kim"))
    line.at(31, Silence("s1", "kim", "known", T0 + 40 * MINUTE))
    line.at(41)
    line.at(42, Silence("s2", "kim", "known", T0 + 50 * MINUTE))
    line.at(43, over("g", 43))
    line.at(60, fire("h", 60))
    line.at(62)
    line.at(63, Silence("s3", "kim", "known", T0 + 70 * MINUTE))
    line.at(70)
    line.at(72)
    line.at(73, Silence("s4", "kim", "known", T0 + 80 * MINUTE, model="h"))
    line.at(74, over("h", 74), fire("i", 74))
    prompt = Timeline(POLICY.model_copy(update={"group_wait": timedelta(0)}))
    prompt.at(0, fire("a"))
    walked = {(a, b) for a, b in line.walked | prompt.walked if a != b}
    assert walked == {(a, b) for a, targets in EDGES.items() for b in targets}


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from(["churn", "flights"]),
        st.sampled_from([Kind.DRIFT, Kind.QUALITY]),
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from(list(Severity)),
    ),
    max_size=12,
)


@pytest.mark.usefixtures("heavy")
@settings(deadline=None)
@given(HISTORIES, st.randoms(use_true_random=False))
def test_doubled_and_shuffled_deliveries_end_in_the_same_knowledge(
    history: Sequence[tuple[str, Kind, int, bool, Severity]],
    shuffle: object,
) -> None:
    facts: list[Fact] = [
        fire(model, i, kind, number, severity, n=i) if on else over(model, i, kind, number)
        for i, (model, kind, number, on, severity) in enumerate(history)
    ]
    doubled = facts + facts
    shuffle.shuffle(doubled)  # type: ignore[attr-defined]
    straight, mixed = Timeline(), Timeline()
    straight.at(100, *facts)
    mixed.at(100, *doubled)
    sent = [sorted(t.at(200)) for t in (straight, mixed)]
    assert sent[0] == sent[1]
    assert {n: e.notice for n, e in straight.state.alerts.items() if e.firing} == {
        n: e.notice for n, e in mixed.state.alerts.items() if e.firing
    }
    assert len(set(mixed.keys)) == len(mixed.keys)
    json = TypeAdapter(OnCall).dump_json(mixed.state)
    assert TypeAdapter(OnCall).validate_json(json) == mixed.state
