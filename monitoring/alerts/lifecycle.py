"""The life of one alert: pending, firing, acknowledged, resolved.

The step is level-triggered: it is given what is true now, any number of times, and owes a
notification only when that changes what the on-call engineer should know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.errors import Refused


class Phase(StrEnum):
    """Where an alert stands; a held (calendar-explained) condition waits in `PENDING`."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


EDGES: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.INACTIVE: (Phase.PENDING, Phase.FIRING),
    Phase.PENDING: (Phase.INACTIVE, Phase.FIRING),
    Phase.FIRING: (Phase.ACKNOWLEDGED, Phase.RESOLVED),
    Phase.ACKNOWLEDGED: (Phase.FIRING, Phase.RESOLVED),
    Phase.RESOLVED: (Phase.PENDING, Phase.FIRING),
}


class Severity(StrEnum):
    """How loudly: a page wakes somebody, a ticket waits for the morning."""

    TICKET = "ticket"
    PAGE = "page"


class Kind(StrEnum):
    """What an alert is about; grouping, silences and inhibition go by it."""

    DRIFT = "drift"
    PERFORMANCE = "performance"
    QUALITY = "quality"
    SLO = "slo"
    TRAFFIC = "traffic"
    RUN = "run"
    ROLLOUT = "rollout"


class Status(StrEnum):
    """What a notification says."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Policy(engine.policy.Policy):
    """When a condition becomes an alert, and when an alert ends."""

    hold: timedelta = Field(
        timedelta(0), ge=timedelta(0), description="How long a condition lasts before it fires."
    )
    resolve_after: timedelta = Field(
        timedelta(hours=1),
        ge=timedelta(0),
        description="How long it must be quiet before a firing alert is resolved.",
    )
    renotify: timedelta = Field(
        timedelta(days=1),
        gt=timedelta(0),
        description="An unacknowledged alert is sent again after this long.",
    )
    tickets: tuple[Kind, ...] = Field(
        (Kind.RUN, Kind.ROLLOUT),
        description="Kinds that never page, whatever the signal asks for; they open a ticket.",
    )


@dataclass(frozen=True)
class Condition:
    """What a signal says now about one alert key of one model.

    `active` None means nothing is known: that neither starts, nor ends, nor ripens anything.
    `explained_by` names the calendar event that accounts for it.
    """

    model: str
    key: str
    kind: Kind
    active: bool | None
    reason: str
    severity: Severity = Severity.PAGE
    explained_by: str | None = None
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One alert key of one model, over all the times it fired.

    `ripens` is when a pending alert fires (None while held); `quiet` is since when a firing one
    has been quiet; `told` is when it was last notified, for the `notices`-th time.
    """

    model: str
    key: str
    kind: Kind
    phase: Phase
    severity: Severity
    reason: str
    since: datetime
    ordinal: int = 0
    ripens: datetime | None = None
    fired: datetime | None = None
    resolved: datetime | None = None
    quiet: datetime | None = None
    told: datetime | None = None
    notices: int = 0
    explained_by: str | None = None
    acknowledged_by: str | None = None
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the present (or last) firing, e.g. `performance-3`: the third one."""
        return f"{self.key}-{self.ordinal}"


@dataclass(frozen=True)
class Notify:
    """Tell the model's on-call partition; `key` is the delivery id there."""

    key: str
    model: str
    alert: str
    kind: Kind
    severity: Severity
    status: Status
    reason: str
    at: datetime
    features: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The alert's name across the fleet, e.g. `flights:performance-3`."""
        return f"{self.model}:{self.alert}"


@dataclass(frozen=True)
class Step:
    """The alert after a step, what is owed, and when to look again."""

    alert: Alert | None
    effects: tuple[Notify, ...] = ()
    wake_at: datetime | None = None


def step(alert: Alert | None, condition: Condition, policy: Policy, now: datetime) -> Step:
    """Bring an alert up to date with what its signal says at `now`."""
    condition = _capped(condition, policy)
    match condition.active:
        case None:
            return _unknown(alert, policy, now)
        case False:
            return _quiet(alert, policy, now)
        case True:
            return _active(alert or _fresh(condition, now), condition, policy, now)


def acknowledge(alert: Alert | None, name: str, by: str, policy: Policy) -> Step:
    """Somebody has taken the alert `name`: no more reminders until it rises or ends.

    An acknowledgement of a firing that is over changes nothing. Raises `Refused` when the alert
    never fired under that name.
    """
    if alert is None or name not in {f"{alert.key}-{i + 1}" for i in range(alert.ordinal)}:
        raise Refused(f"{name}: no alert of that name has fired")
    if alert.phase is Phase.FIRING and alert.id == name:
        alert = replace(alert, phase=Phase.ACKNOWLEDGED, acknowledged_by=by)
    return Step(alert, (), _wake(alert, policy))


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
    # A firing alert keeps the loudest severity it reached: a dip must not read as an all-clear.
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
            return Step(over, (_notice(over, Status.RESOLVED, now),))
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
    return Step(told, (_notice(told, Status.FIRING, now),), _wake(told, policy))


def _notice(alert: Alert, status: Status, now: datetime) -> Notify:
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
