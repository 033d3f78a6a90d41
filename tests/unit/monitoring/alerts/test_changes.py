"""What changed on a model, told to the receivers that a team names for it."""

from __future__ import annotations

from monitoring.alerts.changes import ModelChanged
from monitoring.alerts.paging import Page
from monitoring.alerts.routing import OnCall, Policy, step
from tests.unit.monitoring.alerts.timeline import T0

CHANGE = ModelChanged("k1", "demand", "The challenger is the champion: better", ("a: b",), T0)


def test_a_change_is_told_to_those_named_for_it_and_opens_nothing() -> None:
    done = step(OnCall("shop"), [CHANGE], Policy(page=("duty",), changes=("pd", "chat")), T0)
    pages = [one for one in done.effects if isinstance(one, Page)]
    assert [(one.receiver, one.event, one.severity, one.title) for one in pages] == [
        (name, "changed", "ticket", "demand: The challenger is the champion: better")
        for name in ("pd", "chat")
    ]
    assert pages[0].incident == "shop:changed-demand:k1"
    assert (done.state.alerts, done.wake_at) == ({}, None)


def test_without_such_receivers_nothing_is_sent() -> None:
    assert step(OnCall("shop"), [CHANGE], Policy(page=("duty",)), T0).effects == ()
