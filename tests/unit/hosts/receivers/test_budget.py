"""Messages within a vendor's limits: pages first, and none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fleet.document.limits import Limit
from hosts.receivers.budget import Budget, Held
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page
from tests.unit.hosts.receivers.pages import AT, PAGE

MINUTE = timedelta(minutes=1)
#: As Azure Communication Services limits a domain of its own.
LOW = (Limit(5, MINUTE), Limit(10, timedelta(hours=1)))


def page(name: str, severity: Severity = Severity.PAGE, event: Event = Event.FIRING) -> Page:
    return replace(PAGE, key=name, title=f"title of {name}", severity=severity, event=event)


def send(budget: Budget, one: Page, now: datetime) -> Page | None:
    found = budget.admit(one, now)
    if found is not None:
        budget.sent(one)
    return found


@pytest.mark.parametrize(
    ("severity", "event", "sent"),
    [
        (Severity.PAGE, Event.FIRING, 4),
        (Severity.PAGE, Event.ESCALATED, 4),
        (Severity.TICKET, Event.FIRING, 4),
        (Severity.PAGE, Event.RESOLVED, 4),
        (Severity.TICKET, Event.CHANGED, 4),
    ],
)
def test_a_limit_keeps_its_last_message(severity: Severity, event: Event, sent: int) -> None:
    budget = Budget(LOW)
    for number in range(sent):
        assert send(budget, page(f"k{number}", severity, event), AT) is not None
    with pytest.raises(Held) as caught:
        budget.admit(page("more", severity, event), AT)
    woken = (severity, event) in (
        (Severity.PAGE, Event.FIRING),
        (Severity.PAGE, Event.ESCALATED),
    )
    assert caught.value.quiet is not woken
    assert caught.value.delay == (timedelta(seconds=10) if woken else MINUTE)
    assert str(caught.value).endswith("(rateLimited)")


def test_the_last_message_of_a_limit_lists_all_that_waits_pages_first() -> None:
    budget = Budget(LOW)
    for number in range(4):
        send(budget, page(f"k{number}"), AT)
    ticket = page("a ticket", Severity.TICKET)
    waiting = [page("p1"), page("p2"), page("p3")]
    for one in (ticket, *waiting):
        with pytest.raises(Held):
            budget.admit(one, AT)
    later = AT + timedelta(seconds=10)
    told = send(budget, waiting[0], later)
    assert told is not None
    assert told.title == "title of p1 (and 3 more messages)"
    assert told.lines[1:4] == (
        "- page: title of p2", "- page: title of p3", "- ticket: title of a ticket",
    )  # fmt: skip
    assert [send(budget, one, later) for one in (*waiting[1:], ticket)] == [None, None, None]


def test_what_a_list_told_of_is_sent_again_where_the_list_was_not_accepted() -> None:
    budget = Budget(LOW)
    for number in range(4):
        send(budget, page(f"k{number}"), AT)
    for name in ("p1", "p2"):
        with pytest.raises(Held):
            budget.admit(page(name), AT)
    later = AT + timedelta(seconds=10)
    assert budget.admit(page("p1"), later) is not None
    budget.returned(later)
    assert budget.admit(page("p2"), later) is not None


def test_forty_pages_in_a_minute_are_told_within_two() -> None:
    budget, told, now = Budget(LOW), "", AT
    waiting = [page(f"p{number:02}") for number in range(40)]
    due = {one.key: AT + number * timedelta(seconds=1.5) for number, one in enumerate(waiting)}
    sent: list[datetime] = []
    while waiting and now < AT + timedelta(hours=2):
        now = min(due[one.key] for one in waiting)
        one = next(one for one in waiting if due[one.key] == now)
        try:
            found = send(budget, one, now)
        except Held as error:
            due[one.key] = now + error.delay
            continue
        waiting.remove(one)
        if found is not None:
            sent.append(now)
            told += f"{found.title} {found.lines} "
    assert all(f"p{number:02}" in told for number in range(40))
    assert now <= AT + 3 * MINUTE
    for at in sent:
        assert len([other for other in sent if at - MINUTE < other <= at]) <= 5
    assert len(sent) <= 10


def test_a_ticket_never_takes_what_is_kept_for_pages() -> None:
    budget = Budget((Limit(100, timedelta(hours=1)),))
    for number in range(80):
        assert send(budget, page(f"t{number}", Severity.TICKET), AT) is not None
    with pytest.raises(Held):
        budget.admit(page("t80", Severity.TICKET), AT)
    assert send(budget, page("p"), AT) is not None


def test_a_limit_forgets_after_its_time_and_a_clock_may_be_set_back() -> None:
    budget = Budget((Limit(5, MINUTE),))
    for number in range(4):
        send(budget, page(f"k{number}"), AT)
    assert send(budget, page("next"), AT + MINUTE) is not None
    assert send(budget, page("before"), AT - timedelta(days=1)) is not None
