"""PagerDuty's events, and its change events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hosts.receivers.pagerduty import PagerDuty, dedup_key
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event
from tests.unit.hosts.receivers.pages import tell
from tests.unit.hosts.receivers.vendors import pagerduty
from tests.unit.hosts.receivers.vendors.server import serving


@pytest.fixture
def vendor(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[pagerduty.PagerDuty]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(pagerduty.PagerDuty()) as found:
        yield found


@pytest.fixture
def channel(vendor: pagerduty.PagerDuty) -> PagerDuty:
    return PagerDuty(vendor.url, pagerduty.KEY, "https://ops.example")


def test_seventy_reminders_of_a_drift_are_one_incident(
    vendor: pagerduty.PagerDuty, channel: PagerDuty
) -> None:
    for number in range(71):
        tell(channel, f"k{number}", event=Event.REMINDER if number else Event.FIRING)
    assert vendor.incidents() == [("trigger",) * 71]


@pytest.mark.parametrize("event", [Event.CHANGED, Event.UNSILENCED, Event.RESTORED])
@pytest.mark.parametrize("key", [pagerduty.KEY, "R123456789abcdef0123456789abcdef"])
def test_a_note_is_a_change_event_where_the_key_takes_it_and_never_an_incident(
    vendor: pagerduty.PagerDuty, event: Event, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagerduty, "KEY", key)
    tell(PagerDuty(vendor.url, key, "https://ops.example"), event=event, severity=Severity.TICKET)
    assert vendor.incidents() == []
    assert len(vendor.changes) == (0 if key.startswith("R") else 1)
    assert len(vendor.said) == (0 if key.startswith("R") and event is not Event.RESTORED else 1)


@pytest.mark.parametrize("incident", ["shop:drift-1", "x" * 255, "x" * 300, "é", "a\nb"])
def test_a_key_is_the_incidents_and_fits(incident: str) -> None:
    assert len(dedup_key(incident)) <= 255
    assert dedup_key(incident) == dedup_key(incident)
    assert dedup_key(incident).isascii()


def test_a_test_is_marked_and_leaves_nothing_open(
    vendor: pagerduty.PagerDuty, channel: PagerDuty
) -> None:
    assert "Event processed" in tell(channel, event=Event.TEST).answer
    tell(channel, "k2", event=Event.RESOLVED)
    assert (vendor.incidents(), vendor.open) == ([("trigger", "resolve")], {})
