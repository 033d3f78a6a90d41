"""The transitions of one alert: pending, firing, acknowledged, resolved.

The step is level-triggered: it gets the present condition any number of times, and owes a
notification only when the alert changes or a reminder is due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from engine.errors import Refused
from monitoring.alerts.lifecycle import (
    Alert,
    Condition,
    Notify,
    Phase,
    Policy,
    Severity,
    Status,
)


@dataclass(frozen=True)
class Step:
    """The alert after a step, the notifications it owes, and when to step again."""

    alert: Alert | None
    effects: tuple[Notify, ...] = ()
    wake_at: datetime | None = None


def step(alert: Alert | None, condition: Condition, policy: Policy, now: datetime) -> Step:
    """Update an alert with its condition at `now`."""
    condition = _capped(condition, policy)
    match condition.active:
        case None:
            return _unknown(alert, policy, now)
        case False:
            return _quiet(alert, policy, now)
        case True:
            return _active(alert or _fresh(condition, now), condition, policy, now)


def acknowledge(alert: Alert | None, name: str, by: str, policy: Policy) -> Step:
    """Acknowledge the alert `name`: no more reminders until its severity rises or it ends.

    Acknowledging a firing that is over changes nothing. Raises `Refused` when the alert never
    fired under that name.
    """
    if alert is None or name not in {f"{alert.key}-{i + 1}" for i in range(alert.ordinal)}:
        raise Refused(f"{name}: no alert of that name has fired")
    if alert.phase is Phase.FIRING and alert.id == name:
        alert = replace(alert, phase=Phase.ACKNOWLEDGED, acknowledged_by=by)
    return Step(alert, (), _wake(alert, policy))


def lapse(alert: Alert | None, name: str, policy: Policy, now: datetime) -> Step:
    """Take back the acknowledgement of the alert `name`; its team has just been told again."""
    if alert is not None and alert.phase is Phase.ACKNOWLEDGED and alert.id == name:
        alert = replace(alert, phase=Phase.FIRING, acknowledged_by=None, told=now)
    return Step(alert, (), _wake(alert, policy) if alert is not None else None)


def _capped(condition: Condition, policy: Policy) -> Condition:
    if condition.kind in policy.tickets:
        return replace(condition, severity=Severity.TICKET)
    return condition


def _fresh(condition: Condition, now: datetime) -> Alert:
    return Alert(
        model=condition.model,
        key=condition.key,
        kind=condition.kind,
        phase=Phase.INACTIVE,
        severity=condition.severity,
        reason=condition.reason,
        since=now,
    )


def _active(alert: Alert, condition: Condition, policy: Policy, now: datetime) -> Step:
    live = alert.phase in (Phase.FIRING, Phase.ACKNOWLEDGED)
    rises = live and condition.severity is Severity.PAGE and alert.severity is Severity.TICKET
    # A firing alert keeps its highest severity: a lower one must not look like an all-clear.
    severity = alert.severity if live and not rises else condition.severity
    seen = replace(
        alert,
        severity=severity if condition.explained_by is None or not live else alert.severity,
        reason=condition.reason,
        explained_by=condition.explained_by,
        features=condition.features,
        lines=condition.lines,
        quiet=None,
    )
    if not live:
        return _ripen(seen, policy, now)
    if condition.explained_by is not None:
        return Step(seen, (), _wake(seen, policy))
    if rises:
        return _tell(replace(seen, phase=Phase.FIRING, acknowledged_by=None), policy, now)
    return _remind(seen, policy, now)


def _ripen(alert: Alert, policy: Policy, now: datetime) -> Step:
    if alert.phase is not Phase.PENDING:
        alert = replace(alert, phase=Phase.PENDING, since=now, ripens=None)
    if alert.explained_by is not None:
        return Step(replace(alert, ripens=None))
    ripens = alert.ripens or now + policy.hold
    if now < ripens:
        return Step(replace(alert, ripens=ripens), (), ripens)
    fired = replace(
        alert,
        phase=Phase.FIRING,
        ordinal=alert.ordinal + 1,
        ripens=None,
        fired=now,
        resolved=None,
        notices=0,
        acknowledged_by=None,
    )
    return _tell(fired, policy, now)


def _quiet(alert: Alert | None, policy: Policy, now: datetime) -> Step:
    match alert:
        case Alert(phase=Phase.PENDING):
            return Step(replace(alert, phase=Phase.INACTIVE, ripens=None, explained_by=None))
        case Alert(phase=Phase.FIRING | Phase.ACKNOWLEDGED):
            quiet = alert.quiet or now
            if now < quiet + policy.resolve_after:
                waiting = replace(alert, quiet=quiet)
                return Step(waiting, (), _wake(waiting, policy))
            over = replace(alert, phase=Phase.RESOLVED, resolved=now, quiet=None, explained_by=None)
            return Step(over, (notice(over, Status.RESOLVED, now),))
        case _:
            return Step(alert)


def _unknown(alert: Alert | None, policy: Policy, now: datetime) -> Step:
    match alert:
        case Alert(phase=Phase.PENDING):
            return Step(alert)
        case Alert(phase=Phase.FIRING | Phase.ACKNOWLEDGED):
            return _remind(replace(alert, quiet=None), policy, now)
        case _:
            return Step(alert)


def _remind(alert: Alert, policy: Policy, now: datetime) -> Step:
    due = _reminder(alert, policy)
    if due is not None and now >= due:
        return _tell(alert, policy, now)
    return Step(alert, (), due)


def _tell(alert: Alert, policy: Policy, now: datetime) -> Step:
    told = replace(alert, told=now, notices=alert.notices + 1)
    return Step(told, (notice(told, Status.FIRING, now),), _wake(told, policy))


def notice(alert: Alert, status: Status, now: datetime) -> Notify:
    """Return the newest notification of an alert, as of `now`."""
    number = f":{alert.notices}" if status is Status.FIRING else ""
    return Notify(
        key=f"{alert.model}:{alert.id}:{status}{number}",
        model=alert.model,
        alert=alert.id,
        kind=alert.kind,
        severity=alert.severity,
        status=status,
        reason=alert.reason,
        at=now,
        features=alert.features,
        lines=alert.lines,
    )


def _reminder(alert: Alert, policy: Policy) -> datetime | None:
    silent = alert.phase is not Phase.FIRING or alert.explained_by is not None
    if silent or alert.quiet is not None or alert.told is None:
        return None
    return alert.told + policy.renotify


def _wake(alert: Alert, policy: Policy) -> datetime | None:
    if alert.phase is Phase.PENDING:
        return alert.ripens
    if alert.quiet is not None:
        return alert.quiet + policy.resolve_after
    return _reminder(alert, policy)
