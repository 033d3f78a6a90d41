"""The fleet's own partition: what no model takes is journalled, and told to every team."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import Refused
from fleet.desk import KEPT, Desk, step
from fleet.model.effects import Tell
from fleet.model.facts import (
    Asked,
    Configured,
    Declined,
    Delayed,
    Documented,
    Fact,
    LogGrew,
    Noticed,
    Parked,
    Unrecognised,
)
from fleet.model.records import Collection
from monitoring.alerts import digest
from monitoring.alerts.lifecycle import Severity, Status
from tests.unit.fleet.desk import Desk as Service

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
DAY = timedelta(days=1)
TEAMS = ("shop", "till")


def told(effects: tuple[object, ...]) -> list[tuple[str, str, str]]:
    assert all(isinstance(one, Tell) for one in effects)
    tells = [one for one in effects if isinstance(one, Tell)]
    assert {one.notice.severity for one in tells} <= {Severity.TICKET}
    return [(one.team, one.notice.status, one.notice.reason) for one in tells]


def test_unknown_types_are_written_down_once_and_what_is_parked_always() -> None:
    facts: list[Fact] = [
        Unrecognised("A", "s"),
        Unrecognised("A", "t"),
        Parked("1", "r"),
        Parked("1", "r"),
    ]
    done = step(Desk(), facts, TEAMS, NOW)
    assert (done.state.types, done.state.parked) == (("A",), 2)
    assert [line["what"] for line in done.lines] == ["unknown", "parked", "parked", "alert"]
    with pytest.raises(Refused, match="the fleet's partition does not take LogGrew"):
        step(Desk(), [LogGrew("a", 1, Collection.inputs)], TEAMS, NOW)


def test_types_without_end_do_not_fill_the_state() -> None:
    state, lines = Desk(), []
    names = [f"T{number}" for number in range(3 * KEPT)]
    for name in names:
        done = step(state, [Unrecognised(name, "s"), Unrecognised(name, "t")], TEAMS, NOW)
        state = done.state
        lines += [line["type"] for line in done.lines]
    assert state.types == tuple(names[-KEPT:])
    assert lines == names


def test_a_delayed_effect_is_a_ticket_and_no_refused_input() -> None:
    waits = Delayed("keep_anchors", "k", "the disk is full")
    done = step(Desk(), [waits], TEAMS, NOW)
    said = "keep_anchors waits: the disk is full"
    assert told(done.effects) == [("shop", "firing", said), ("till", "firing", said)]
    assert [(ln["what"], ln["reason"]) for ln in done.lines] == [("noticed", said), ("alert", said)]
    assert done.state.parked == 0
    paid = step(done.state, [Delayed("keep_anchors", "k", "")], TEAMS, NOW + DAY / 2)
    assert (paid.effects, paid.lines) == ((), ())


def test_an_unknown_type_tells_nobody() -> None:
    done = step(Desk(), [Unrecognised("A", "s")], TEAMS, NOW)
    assert (done.effects, done.wake_at) == ((), None)


def test_refused_input_is_one_ticket_a_team_until_a_day_passes_without_any() -> None:
    first = step(Desk(), [Parked("e1", "no type")], TEAMS, NOW)
    said = "input is refused: e1: no type"
    assert told(first.effects) == [("shop", "firing", said), ("till", "firing", said)]
    more = step(first.state, [Parked("", "not JSON")], TEAMS, NOW + DAY / 2)
    assert told(more.effects) == []
    quiet = step(more.state, [], TEAMS, NOW + DAY / 2)
    assert quiet.wake_at == NOW + DAY / 2 + DAY
    assert step(quiet.state, [], TEAMS, NOW + DAY).effects == ()
    over = step(quiet.state, [], TEAMS, NOW + DAY / 2 + DAY)
    assert [status for _, status, _ in told(over.effects)] == [Status.RESOLVED] * 2
    assert over.state.parked == 2
    again = step(over.state, [Parked("e2", "no id")], TEAMS, NOW + 3 * DAY)
    assert [status for _, status, _ in told(again.effects)] == [Status.FIRING] * 2


def test_an_acknowledgement_is_taken_and_one_of_nothing_refused() -> None:
    first = step(Desk(), [Parked("e1", "no type")], TEAMS, NOW)
    done = step(first.state, [Asked("ack", "ada", "", "c1", "refused-1")], TEAMS, NOW)
    assert done.state.alerts["refused"].acknowledged_by == "ada"
    with pytest.raises(Refused, match="refused-7: no alert of that name has fired"):
        step(first.state, [Asked("ack", "ada", "", "c1", "refused-7")], TEAMS, NOW)


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (Noticed("clock", "the clock went back"), "the clock went back"),
        (Delayed("publish", "k", "the topic is down"), "publish waits: the topic is down"),
    ],
)
def test_trouble_of_the_host_is_a_ticket_of_its_own(fact: Fact, reason: str) -> None:
    done = step(Desk(), [fact, Parked("e1", "no type")], TEAMS[:1], NOW)
    refused = "input is refused: e1: no type"
    assert told(done.effects) == [("shop", "firing", refused), ("shop", "firing", reason)]
    over = step(step(done.state, [], TEAMS, NOW).state, [], TEAMS[:1], NOW + DAY)
    assert [status for _, status, _ in told(over.effects)] == [Status.RESOLVED] * 2


def test_an_effect_that_is_done_at_last_is_no_trouble() -> None:
    done = step(Desk(), [Delayed("publish", "k", "")], TEAMS, NOW)
    assert (done.effects, done.lines) == ((), ())


def test_a_declined_effect_is_written_down() -> None:
    done = step(Desk(), [Declined("publish", "k", "no topic")], TEAMS, NOW)
    assert [line["reason"] for line in done.lines] == ["no topic"]


def test_a_malformed_event_reaches_the_team(desk: Service) -> None:
    desk.service.ingest({"nonsense": 1})
    desk.settle()
    asked = desk.world.pager.asked  # type: ignore[attr-defined]
    sent = [line for what, page, *_ in asked if what == "page" for line in page.lines]
    said = "input is refused: event: 'id' is missing; every event carries one"
    assert [line for line in sent if said in line]


def test_a_faulty_document_is_a_ticket_until_the_next_version_is_read() -> None:
    state = step(Desk(), [Documented("v1")], TEAMS, NOW).state
    fault = "fleet.yaml:3: models: is missing"
    faulty = step(state, [Documented("v1", fault)], TEAMS, NOW)
    assert told(faulty.effects) == [("shop", "firing", fault), ("till", "firing", fault)]
    assert [line["what"] for line in faulty.lines] == ["documented", "alert"]
    same = step(faulty.state, [Documented("v1", fault), Noticed("x", "y")], TEAMS, NOW + DAY)
    assert [reason for _, _, reason in told(same.effects)] == ["y", "y"]
    assert "documented" not in [line["what"] for line in same.lines]
    quiet = step(same.state, [], TEAMS, NOW + 2 * DAY)
    assert {reason for _, _, reason in told(quiet.effects)} <= {"y"}
    valid = step(quiet.state, [Documented("v2")], TEAMS, NOW + 3 * DAY)
    assert ("shop", "resolved", fault) in told(valid.effects)
    assert valid.state.document == Documented("v2")


def test_a_digest_is_owed_once_a_day_and_a_plan_that_left_is_forgotten() -> None:
    plans = {team: digest.Policy(receiver="post", at="12:00") for team in TEAMS}
    begun = step(Desk(), [Configured("")], TEAMS, NOW, plans)
    assert (begun.effects, begun.wake_at) == ((), NOW.replace(hour=12))
    due = step(begun.state, [], TEAMS, NOW.replace(hour=12), plans)
    keys = [one.key for one in due.effects]
    assert keys == [
        "digest:shop:day:2024-03-04", "digest:shop:week:2024-03-04",
        "digest:till:day:2024-03-04", "digest:till:week:2024-03-04",
    ]  # fmt: skip
    assert step(due.state, [], TEAMS, NOW.replace(hour=12), plans).effects == ()
    assert due.wake_at == NOW.replace(hour=12) + DAY
    alone = step(due.state, [], TEAMS, NOW + DAY, {"shop": plans["shop"]})
    assert list(alone.state.digests) == ["shop"]
    assert step(alone.state, [], TEAMS, NOW + 9 * DAY).state.digests == {}


def test_a_digest_that_cannot_be_made_is_a_ticket() -> None:
    lost = Declined("write_digest", "digest:shop:day:2024-03-04", "no such store")
    done = step(Desk(), [lost], TEAMS[:1], NOW)
    assert told(done.effects) == [
        ("shop", "firing", "a digest could not be made: no such store"),
    ]  # fmt: skip
