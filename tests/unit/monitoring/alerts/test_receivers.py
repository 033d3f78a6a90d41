"""A receiver that cannot be reached, told as timelines of the team's partition."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitoring.alerts.lifecycle import Kind, Severity
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.reach import PATIENCE, Delivered, Phase, Undelivered
from monitoring.alerts.routing import Acknowledge, Acknowledged, Policy
from tests.unit.monitoring.alerts.timeline import MINUTE, POLICY, T0, Timeline, fire, over

LOST = "oncall:ml:unreachable-first-1"
PAGED = ("first", "firing", "churn:performance-1")
PASSED = ("second", "escalated", "churn:performance-1")


def paged(policy: Policy = POLICY) -> tuple[Timeline, Page]:
    """A timeline whose page was sent to its first receiver at minute 2."""
    line = Timeline(policy)
    line.at(0, fire("churn"))
    assert line.at(2) == [PAGED]
    (page,) = line.last.effects
    assert isinstance(page, Page)
    return line, page


def failing(page: Page) -> Undelivered:
    return Undelivered(page, "HTTP 503")


def refused(page: Page) -> Undelivered:
    return Undelivered(page, "HTTP 404", permanent=True)


def test_a_page_that_its_receiver_refuses_goes_to_the_next_at_once() -> None:
    line, page = paged()
    assert line.at(2, refused(page)) == [PASSED]
    # The alert about the receiver waits like any other for its group.
    assert line.at(4) == [("second", "firing", LOST)]
    assert line.state.alerts[LOST].notice.reason == "cannot reach first: HTTP 404"
    # An ordinary climb would be due now, and there is nobody further up.
    assert line.at(50) == []


def test_a_page_whose_receiver_fails_goes_to_the_next_a_minute_later() -> None:
    line, page = paged()
    assert line.at(2, failing(page)) == []
    assert line.last.wake_at == T0 + 2 * MINUTE + PATIENCE
    assert line.at(2.9) == []
    assert line.at(3) == [PASSED]
    assert line.at(5) == [("second", "firing", LOST)]


def test_a_page_that_gets_through_in_time_is_not_passed_on_and_nothing_is_told() -> None:
    line, page = paged()
    line.at(2, failing(page))
    assert line.at(2.5, Delivered("first", page.incident)) == []
    assert line.state.receivers == {}
    assert line.at(31) == []
    assert line.at(32) == [PASSED]


def test_escalation_may_come_before_the_minute_is_over() -> None:
    line, page = paged(POLICY.model_copy(update={"escalate_after": 30 * MINUTE / 60}))
    line.at(2, failing(page))
    assert line.at(2.5) == [PASSED]


def test_a_page_meets_a_receiver_that_is_known_to_be_down() -> None:
    """It is sent there, too: whoever looks there once it is back finds it."""
    line, page = paged()
    line.at(2, refused(page))
    line.at(10, fire("churn", 10, kind=Kind.SLO))
    assert line.at(12) == [
        ("first", "firing", "churn:slo-1"),
        ("second", "escalated", "churn:slo-1"),
    ]
    line.at(20, fire("churn", 20, kind=Kind.QUALITY, severity=Severity.TICKET))
    assert line.at(22) == [("queue", "firing", "churn:quality-1")]


def test_a_page_behind_one_that_fails_does_not_wait_for_an_attempt_of_its_own() -> None:
    """Its lane is closed by the earlier one of its incident."""
    line, page = paged()
    line.at(2.5, failing(page), fire("flights", 2))
    assert line.at(3.5) == [PASSED]
    both = "churn:performance-1 flights:performance-1"
    sent = line.at(4.5)
    assert ("first", "firing", both) in sent
    assert ("second", "escalated", both) in sent


def sent_to(line: Timeline, receiver: str) -> Page:
    found = [one for one in line.last.effects if isinstance(one, Page)]
    (page,) = [page for page in found if page.receiver == receiver]
    return page


def test_several_receivers_that_are_down_are_passed_together() -> None:
    policy = Policy(page=("first", "second", "third"), group_wait=2 * MINUTE)
    line, page = paged(policy)
    assert line.at(2, refused(page)) == [PASSED]
    line.at(2, refused(sent_to(line, "second")))
    assert sent_to(line, "third").event is Event.ESCALATED
    line.at(10, fire("churn", 10, kind=Kind.SLO))
    assert line.at(12) == [
        ("first", "firing", "churn:slo-1"),
        ("second", "escalated", "churn:slo-1"),
        ("third", "escalated", "churn:slo-1"),
    ]


def test_an_older_failure_does_not_pass_a_page_that_is_further_up() -> None:
    line, page = paged()
    assert line.at(32) == [PASSED]
    line.at(33, failing(page))
    assert all(group.passes is None for group in line.state.groups.values())


def test_an_acknowledged_page_is_not_passed_on() -> None:
    line, page = paged()
    line.at(2.1, Acknowledge("churn:performance-1", "kim"))
    assert line.at(3, refused(page)) == []


def test_the_alert_about_a_receiver_ends_when_it_answers() -> None:
    line, page = paged()
    line.at(2, refused(page))
    line.at(4)
    line.at(5, Acknowledge(LOST, "kim"))
    # No model waits for that acknowledgement.
    assert not [one for one in line.last.effects if isinstance(one, Acknowledged)]
    assert line.at(20, Delivered("first", page.incident)) == [("second", "resolved", LOST)]
    # The next outage is another alert.
    line.at(40, failing(page))
    line.at(41)
    assert set(line.state.alerts) >= {LOST, "oncall:ml:unreachable-first-2"}


def test_the_receiver_of_the_tickets_is_a_ticket_to_the_pager() -> None:
    line = Timeline()
    line.at(0, fire("churn", severity=Severity.TICKET))
    line.at(2)
    (ticket,) = line.last.effects
    assert isinstance(ticket, Page)
    line.at(3, refused(ticket))
    lost = "oncall:ml:unreachable-queue-1"
    assert line.state.alerts[lost].notice.severity is Severity.TICKET
    assert line.at(5) == [("first", "firing", lost)]


@pytest.mark.parametrize("permanent", [False, True])
def test_with_nobody_left_the_alert_waits_and_is_told_to_the_first_who_is_back(
    permanent: bool,
) -> None:
    line, page = paged(Policy(page=("first", "second"), group_wait=2 * MINUTE))
    line.at(2, Undelivered(page, "HTTP 503", permanent))
    assert line.at(3) == [] if permanent else [PASSED]
    line.at(3, Undelivered(replace(page, key="k", receiver="second"), "HTTP 503", permanent))
    line.at(4.5)
    assert set(line.state.muted) == {LOST, "oncall:ml:unreachable-second-2"}
    assert {one.phase for one in line.state.receivers.values()} == {Phase.UNREACHABLE}
    assert line.at(60, Delivered("second", page.incident)) == []
    assert ("second", "firing", LOST) in line.at(62)


def test_with_one_receiver_nothing_is_sent_in_circles() -> None:
    line = Timeline(Policy(page=("first",), group_wait=0 * MINUTE))
    assert line.at(0, fire("churn")) == [PAGED]
    (page,) = line.last.effects
    assert isinstance(page, Page)
    assert line.at(0, failing(page)) == []
    assert line.at(1) == []
    assert line.state.muted == {LOST: "no receiver of the team can be reached"}
    assert line.last.wake_at is None
    assert line.at(90, Delivered("first", page.incident)) == []
    assert line.state.muted == {}


def test_a_receiver_that_left_fleet_yaml_is_forgotten() -> None:
    line, page = paged()
    line.at(2, refused(page))
    line.at(4)
    line.policy = Policy(page=("second",))
    assert line.at(5) == [("second", "resolved", LOST)]
    assert line.state.receivers == {}


def test_a_resolution_that_was_refused_is_sent_again_when_the_receiver_answers() -> None:
    line, page = paged()
    assert line.at(10, over("churn", 10)) == [("first", "resolved", "churn:performance-1")]
    (end,) = line.last.effects
    assert isinstance(end, Page)
    line.at(10, refused(end))
    assert line.at(11, Delivered("first", "another incident")) == [
        ("first", "resolved", "churn:performance-1")
    ]
    assert [one.incident for one in line.last.effects if isinstance(one, Page)] == [page.incident]


def test_refused_messages_are_sent_again_every_hour_unless_newer_ones_were() -> None:
    line, page = paged()
    line.at(2, refused(page))
    assert PAGED in line.at(63)
    line.at(64, refused(page))
    line.at(65, over("churn", 65))
    # Nothing is left to be sent again: a note finds out whether the receiver answers.
    assert [sent[:2] for sent in line.at(130)] == [("first", "restored")]
    note = sent_to(line, "first")
    assert note.title == "first can be reached again"
    assert note.lines == ("it could not since 2013-07-01 00:02 UTC: HTTP 404",)
    line.at(130, refused(note))
    assert line.last.wake_at == T0 + 190 * MINUTE
    assert line.at(190) == [("first", "restored", "")]
