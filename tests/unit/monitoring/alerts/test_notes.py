"""What is hidden for a while: who heard of it hears its end, and the silence's owner hears, too."""

from __future__ import annotations

import pytest

from monitoring.alerts.lifecycle import Kind, Severity
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.routing import Acknowledge, Policy, Silence, Unsilence
from tests.unit.monitoring.alerts.timeline import MINUTE, T0, Timeline, fire, over

ALERT = "churn:performance-1"
NOTE = ("queue", "unsilenced", ALERT)


def silence(until: int, name: str = "s1", **matchers: str) -> Silence:
    return Silence(name, "kim", "known", T0 + until * MINUTE, **matchers)  # type: ignore[arg-type]


def told(*features: str) -> Timeline:
    """A timeline whose alert was told to the first receiver at minute 2."""
    line = Timeline()
    line.at(0, fire("churn", features=features))
    assert line.at(2) == [("first", "firing", ALERT)]
    return line


def pages(line: Timeline) -> list[Page]:
    return [one for one in line.last.effects if isinstance(one, Page)]


HIDES = {
    "of the model": silence(60, model="churn"),
    "of everything": silence(60),
    "of the kind": silence(60, kind=Kind.PERFORMANCE),
    "of its only feature": silence(60, model="churn", feature="age"),
}


@pytest.mark.parametrize("hides", HIDES.values(), ids=HIDES)
def test_who_heard_an_alert_hears_its_end_under_any_silence(hides: Silence) -> None:
    line = told("age")
    assert line.at(10, hides) == []
    assert line.at(30, over("churn", 30)) == [("first", "resolved", ALERT)]
    assert pages(line)[0].incident == "ml:performance-1"
    assert line.at(60) == [NOTE]
    (note,) = pages(line)
    assert note.title == "silence by kim is over: 0 still firing, 1 ended"
    assert note.lines[1] == f"{ALERT}: ended at 2013-07-01 00:30 UTC: got worse"


def test_who_heard_an_alert_hears_its_end_while_another_inhibits_it() -> None:
    line = Timeline()
    line.at(0, fire("churn", kind=Kind.DRIFT))
    line.at(2)
    line.at(10, fire("churn", 10, kind=Kind.QUALITY))
    assert "churn:drift-1" in line.state.muted
    line.at(12)
    assert line.at(20, over("churn", 20, kind=Kind.DRIFT)) == [
        ("first", "resolved", "churn:drift-1")
    ]


def test_an_alert_that_outlasts_its_silence_is_a_reminder_in_its_incident() -> None:
    line = told()
    line.at(10, silence(60))
    assert line.at(60) == [NOTE]
    (note,) = pages(line)
    assert note.severity is Severity.TICKET
    assert note.title == "silence by kim is over: 1 still firing, 0 ended"
    assert note.lines == ("reason of the silence: known", f"{ALERT}: still firing: got worse")
    assert line.at(62) == [("first", "reminder", ALERT)]
    assert pages(line)[0].incident == "ml:performance-1"
    assert line.at(70, over("churn", 70)) == [("first", "resolved", ALERT)]


def test_everybody_up_the_chain_hears_the_end_of_what_was_silenced_later() -> None:
    line = told()
    line.at(32)
    line.at(40, silence(60))
    assert [sent[:2] for sent in line.at(50, over("churn", 50))] == [
        ("first", "resolved"),
        ("second", "resolved"),
    ]


def test_a_silenced_page_does_not_climb() -> None:
    line = told()
    line.at(10, silence(600))
    assert line.at(500) == []


def test_an_acknowledged_alert_stays_acknowledged_through_a_silence() -> None:
    line = told()
    line.at(3, Acknowledge(ALERT, "kim"))
    line.at(10, silence(60))
    assert line.at(60) == [NOTE]
    assert line.at(70) == []
    assert line.at(80, over("churn", 80)) == [("first", "resolved", ALERT)]


def test_a_silence_that_hid_nothing_ends_without_a_note() -> None:
    line = told()
    line.at(3, silence(20, model="flights"))
    assert line.at(20) == []


def test_a_lifted_silence_is_over_at_once() -> None:
    line = told()
    line.at(10, silence(600))
    assert line.at(20, Unsilence("s1", "kim")) == [NOTE]


def test_a_silence_that_is_set_again_is_not_over_yet() -> None:
    line = told()
    line.at(10, silence(60))
    line.at(50, silence(90))
    assert line.at(60) == []
    assert line.at(90) == [NOTE]


@pytest.mark.parametrize(
    ("policy", "receiver"),
    [
        (Policy(page=("first", "second"), ticket=("queue",)), "queue"),
        (Policy(page=("first", "second")), "first"),
        (Policy(page=("first", "kim"), ticket=("queue",)), "kim"),
        (Policy(page=("first",), ticket=("queue", "kim")), "kim"),
    ],
)
def test_the_owner_of_a_silence_hears_it_at_the_receiver_of_that_name(
    policy: Policy, receiver: str
) -> None:
    line = Timeline(policy)
    line.at(0, silence(60))
    line.at(1, fire("churn", 1))
    notes = [sent for sent in line.at(60) if sent[1] == "unsilenced"]
    assert notes == [(receiver, "unsilenced", ALERT)]


@pytest.mark.parametrize("name", ["a/b", "x" * 200, "tab\there", "\u00fcber", "#?\\"])
def test_the_key_of_a_note_is_a_key_whatever_the_silence_is_called(name: str) -> None:
    line = told()
    line.at(10, silence(60, name))
    line.at(60)
    (note,) = pages(line)
    assert note.key.isascii()
    assert len(note.key) < 100
    assert not set(note.key) & set("/\\#?\t")


def test_what_ended_is_told_once_with_what_still_fires_and_again_at_the_end() -> None:
    line = Timeline(Policy(page=("first",), group_wait=2 * MINUTE))
    line.at(0, fire("churn"), fire("flights"), fire("rides"))
    line.at(2)
    assert line.at(30, over("churn", 30)) == []
    line.at(1440, fire("flights", 1440, n=2))
    line.at(1442)
    (page,) = pages(line)
    assert page.event is Event.REMINDER
    assert page.alerts == ("flights:performance-1", "rides:performance-1")
    assert page.ended == (ALERT,)
    assert page.lines[-1] == f"ended: {ALERT}: got worse"
    line.at(2880, fire("flights", 2880, n=3))
    line.at(2882)
    assert pages(line)[0].ended == ()
    line.at(3000, over("flights", 3000), over("rides", 3000))
    (page,) = pages(line)
    assert page.alerts == (ALERT, "flights:performance-1", "rides:performance-1")
    assert {page.incident} == {"ml:performance-1"}


def test_a_new_alert_in_an_open_incident_is_news_and_one_that_rises_is_no_reminder() -> None:
    line = Timeline()
    line.at(0, fire("churn"), fire("flights", severity=Severity.TICKET))
    line.at(2)
    line.at(10, fire("rides", 10))
    assert line.at(12)[0][1] == "firing"
    line.at(20, fire("flights", 20, n=2))
    assert line.at(22)[0][1] == "firing"
    line.at(30, fire("flights", 30, n=3))
    assert line.at(32)[0][1] == "reminder"
    assert len({page.incident for page in pages(line)}) == 1
