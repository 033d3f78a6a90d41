from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dashboards.alerting import alerts, held
from fleet.model.lines.alerting import Alert


def at(hour: int) -> datetime:
    return datetime(2013, 4, 1, hour, tzinfo=UTC)


def test_an_alert_from_firing_to_resolved(said: Callable[..., Any]) -> None:
    (alert,) = alerts(
        [
            (at(1), said("alert", phase="pending", alert="drift-0")),
            (at(2), said("alert")),
            (at(3), said("alert", phase="acknowledged")),
            (at(4), said("alert", phase="resolved")),
            (at(5), said("alert", phase="pending")),
        ]
    )
    assert (alert.id, alert.severity, alert.features) == ("drift-1", "ticket", ("temp",))
    assert (alert.fired, alert.acknowledged, alert.resolved) == (at(2), at(3), at(4))


def test_what_rises_to_a_page_keeps_its_reason_and_forgets_who_took_it(
    said: Callable[..., Any],
) -> None:
    (alert,) = alerts(
        [
            (at(1), said("alert")),
            (at(2), said("alert", phase="acknowledged")),
            (at(3), said("alert", severity="page", reason="worse")),
            (at(4), said("alert", severity="page", reason="later", explained_by="Fair")),
        ]
    )
    assert (alert.severity, alert.reason, alert.fired) == ("page", "worse", at(1))
    assert (alert.acknowledged, alert.explained_by, alert.resolved) == (None, "Fair", None)


def test_every_firing_counts_and_pending_ones_do_not(said: Callable[..., Any]) -> None:
    told = [
        (at(1), said("alert", alert="drift-1")),
        (at(2), said("alert", alert="drift-1", phase="resolved")),
        (at(3), said("alert", alert="drift-2")),
        (at(4), said("alert", alert="quality-0", phase="pending")),
    ]
    assert [alert.id for alert in alerts(told)] == ["drift-1", "drift-2"]
    assert alerts([]) == ()


def test_what_the_calendar_holds(said: Callable[..., Any]) -> None:
    def pending(event: str | None) -> Alert:
        return said("alert", alert="drift-0", phase="pending", explained_by=event)

    told = [
        (at(1), pending("Fair")),
        (at(2), pending("Fair")),
        (at(3), pending("Storm")),
        (at(4), said("alert", alert="drift-0", phase="inactive")),
        (at(5), pending(None)),
        (at(6), pending("Fair")),
    ]
    found = [(h.key, h.explained_by, h.since, h.until) for h in held(told)]
    assert found == [
        ("drift", "Fair", at(1), at(3)),
        ("drift", "Storm", at(3), at(4)),
        ("drift", "Fair", at(6), None),
    ]
