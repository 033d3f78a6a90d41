"""Whether a receiver can be reached, by what its attempts say and by how long they have failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.alerts import reach
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.reach import EDGES, KEPT, PATIENCE, RETRY, Down, Phase, Undelivered

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def page(incident: str = "ml:drift-1", event: Event = Event.FIRING) -> Page:
    return Page(f"{incident}:{event}", "pager", event, Severity.PAGE, "x", (), (), incident)


def failed(
    known: Down | None,
    permanent: bool,
    now: datetime = NOW,
    incident: str = "ml:drift-1",
    event: Event = Event.FIRING,
) -> Down:
    fact = Undelivered(page(incident, event), "HTTP 404" if permanent else "HTTP 503", permanent)
    return reach.failed(known, fact, 1, now)


FAILING = failed(None, permanent=False)
UNREACHABLE = failed(None, permanent=True)


@pytest.mark.parametrize(
    ("before", "permanent", "after"),
    [
        (None, False, Phase.FAILING),
        (None, True, Phase.UNREACHABLE),
        (FAILING, False, Phase.FAILING),
        (FAILING, True, Phase.UNREACHABLE),
        (UNREACHABLE, False, Phase.UNREACHABLE),
        (UNREACHABLE, True, Phase.UNREACHABLE),
    ],
)
def test_what_a_failed_attempt_says(before: Down | None, permanent: bool, after: Phase) -> None:
    down = failed(before, permanent, NOW + 30 * SECOND)
    assert down.phase is after
    # The outage began with its first failure.
    assert down.since == (NOW if before is not None else NOW + 30 * SECOND)
    assert down.outage == 1


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("receiver pager: HTTP 404", "HTTP 404"),
        ("receiver 'pager': unknown", "receiver 'pager': unknown"),
        ("receiver night: HTTP 404", "receiver night: HTTP 404"),
        ("it failed 5 times: TypeError", "it failed 5 times: TypeError"),
        ("", ""),
    ],
)
def test_a_reason_does_not_name_the_receiver_again(reason: str, kept: str) -> None:
    assert reach.failed(None, Undelivered(page(), reason), 1, NOW).reason == kept
    assert reach.failed(FAILING, Undelivered(page(), reason, True), 1, NOW).reason == kept


def test_a_receiver_that_fails_for_a_minute_is_unreachable() -> None:
    assert FAILING.passed_at == NOW + PATIENCE
    assert reach.wakes(FAILING) == [NOW + PATIENCE]
    assert reach.passed(FAILING, NOW + PATIENCE - SECOND) == FAILING
    gone = reach.passed(FAILING, NOW + PATIENCE)
    assert gone.phase is Phase.UNREACHABLE
    assert (gone.passed_at, reach.wakes(gone)) == (NOW, [])
    assert reach.passed(gone, NOW + timedelta(days=1)) == gone


def test_every_edge_has_its_cause() -> None:
    """A receiver is reachable again when it accepts a message: the desk then forgets it."""
    found = {
        (Phase.REACHABLE, failed(None, permanent=False).phase),
        (Phase.REACHABLE, failed(None, permanent=True).phase),
        (Phase.FAILING, reach.passed(FAILING, NOW + PATIENCE).phase),
        (Phase.FAILING, Phase.REACHABLE),
        (Phase.UNREACHABLE, Phase.REACHABLE),
    }
    assert found == {(a, b) for a, targets in EDGES.items() for b in targets}


def test_the_last_refused_message_of_each_incident_is_sent_again_after_a_while() -> None:
    down = failed(UNREACHABLE, True, NOW + SECOND, incident="ml:drift-9")
    down = failed(down, True, NOW + 2 * SECOND, event=Event.RESOLVED)
    assert reach.wakes(down) == [NOW + RETRY]
    assert reach.retried(down, NOW + RETRY - SECOND) == (down, ())
    after, again = reach.retried(down, NOW + RETRY)
    assert again == (page("ml:drift-9"), page(event=Event.RESOLVED))
    assert (after.missed, after.retry, after.phase) == ({}, None, Phase.UNREACHABLE)
    later = failed(after, True, NOW + RETRY)
    assert later.retry == NOW + 2 * RETRY


def test_the_messages_of_many_incidents_are_bounded_the_newest_kept() -> None:
    down = UNREACHABLE
    for number in range(2, KEPT + 5):
        down = failed(down, True, incident=f"ml:drift-{number}")
    assert list(down.missed) == [f"ml:drift-{number}" for number in range(5, KEPT + 5)]


@pytest.mark.parametrize(
    ("event", "owed"),
    [
        (Event.FIRING, False),
        (Event.REMINDER, False),
        (Event.ESCALATED, False),
        (Event.RESOLVED, True),
        (Event.UNSILENCED, True),
    ],
)
def test_a_receiver_that_answers_again_hears_how_other_incidents_ended(
    event: Event, owed: bool
) -> None:
    down = failed(None, permanent=True, event=event)
    assert reach.answered(down, "ml:slo-7") == ((page(event=event),) if owed else ())
    assert reach.answered(down, "ml:drift-1") == ()
