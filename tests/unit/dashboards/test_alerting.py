from __future__ import annotations

from datetime import UTC, datetime

from dashboards.alerting import alerts, held


def at(hour: int) -> datetime:
    return datetime(2013, 4, 1, hour, tzinfo=UTC)


def test_an_alert_from_firing_to_resolved(line) -> None:
    (alert,) = alerts(
        [
            (at(1), line("alert", phase="pending", alert="drift-0")),
            (at(2), line("alert")),
            (at(3), line("alert", phase="acknowledged")),
            (at(4), line("alert", phase="resolved")),
            (at(5), line("alert", phase="pending")),
        ]
    )
    assert (alert.id, alert.severity, alert.features) == ("drift-1", "ticket", ("temp",))
    assert (alert.fired, alert.acknowledged, alert.resolved) == (at(2), at(3), at(4))


def test_what_rises_to_a_page_keeps_its_reason_and_forgets_who_took_it(line) -> None:
    (alert,) = alerts(
        [
            (at(1), line("alert")),
            (at(2), line("alert", phase="acknowledged")),
            (at(3), line("alert", severity="page", reason="worse")),
            (at(4), line("alert", severity="page", reason="later", explained_by="Fair")),
        ]
    )
    assert (alert.severity, alert.reason, alert.fired) == ("page", "worse", at(1))
    assert (alert.acknowledged, alert.explained_by, alert.resolved) == (None, "Fair", None)


def test_every_firing_counts_and_pending_ones_do_not(line) -> None:
    told = [
        (at(1), line("alert", alert="drift-1")),
        (at(2), line("alert", alert="drift-1", phase="resolved")),
        (at(3), line("alert", alert="drift-2")),
        (at(4), line("alert", alert="quality-0", phase="pending")),
    ]
    assert [alert.id for alert in alerts(told)] == ["drift-1", "drift-2"]
    assert alerts([]) == ()


def test_what_the_calendar_holds(line) -> None:
    def pending(event: str | None) -> dict[str, object]:
        return line("alert", alert="drift-0", phase="pending", explained_by=event)

    told = [
        (at(1), pending("Fair")),
        (at(2), pending("Fair")),
        (at(3), pending("Storm")),
        (at(4), line("alert", alert="drift-0", phase="inactive")),
        (at(5), pending(None)),
        (at(6), pending("Fair")),
    ]
    found = [(h.key, h.explained_by, h.since, h.until) for h in held(told)]
    assert found == [
        ("drift", "Fair", at(1), at(3)),
        ("drift", "Storm", at(3), at(4)),
        ("drift", "Fair", at(6), None),
    ]
