"""Reads what a digest tells of: the journal lines of a span, and how things stand at its making."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from engine import journal
from engine.errors import Broken, Newer
from engine.head import Head, read_head
from engine.step import Domain
from engine.store import HEAD, Store, parse_instant
from fleet.desk import Desk
from fleet.digests.seen import Seen
from fleet.document.policies import Fleet
from fleet.model.effects import WriteDigest
from fleet.model.facts import Digested
from fleet.model.happenings import happening
from fleet.model.lines import alerting, operations, serving, training
from fleet.model.lines.line import Line, read_line
from fleet.model.state import Model
from fleet.partitions import FLEET, ONCALL
from monitoring import calendars
from monitoring.alerts import lifecycle
from monitoring.alerts.lifecycle import Alert
from monitoring.alerts.routing import OnCall
from monitoring.slo.forecast import exhaustion

OPEN = (lifecycle.Phase.FIRING, lifecycle.Phase.ACKNOWLEDGED)
ENDS = {"promoted": "promoted", "rolled_back": "rolled_back", "stopped": "stopped"}


def digest(
    store: Store, domain: Domain, fleet: Fleet, effect: WriteDigest, now: datetime
) -> Digested:
    """Write the digest of a team; a model that cannot be read is named, and hides no other."""
    models = [name for name, one in fleet.models.items() if one.policy.team == effect.team]
    seen, opened = Seen(len(models)), list[tuple[datetime, str]]()
    for name in models:
        head = _head(store, domain, name, seen)
        if head is not None:
            for at, line in _lines(store, name, head.seq, effect):
                _tell(seen, name, line, at)
            opened += _stands(seen, name, head.state, now)
    opened += _around(store, domain, effect.team, seen, now)
    for _, text in sorted(opened):
        seen.add("tickets", text)
    span = "weekly digest" if effect.weekly else "digest"
    title = f"{span} of {effect.team}, {effect.day}: {seen.summary()}"
    return Digested(effect.day, title, (*_missed(effect), *seen.lines()), effect.weekly)


def _missed(effect: WriteDigest) -> Iterator[str]:
    if effect.missed:
        what = "weekly digest" if effect.weekly else "digest"
        number = f"{effect.missed} {what}{'' if effect.missed == 1 else 's'}"
        since = f"{effect.since:%Y-%m-%d %H:%M} UTC"
        yield f"{number} before this one could not be made; it tells of all since {since}"


def _head(store: Store, domain: Domain, name: str, seen: Seen) -> Head | None:
    try:
        head = read_head(store.get(name, HEAD), domain, name)
    except (Broken, Newer) as error:
        seen.add("unread", f"{name}: {error}")
        return None
    if head.halted:
        seen.add("unread", f"{name} is halted, and nothing is done about it: {head.halted}")
    return head


def _lines(
    store: Store, name: str, last: int, effect: WriteDigest
) -> Iterator[tuple[datetime, Line]]:
    for record in journal.since(store, name, effect.since, last):
        at = parse_instant(record.at)
        if effect.since <= at < effect.until:
            yield from ((at, read_line(line)) for line in record.lines)


def _tell(seen: Seen, model: str, line: Line, at: datetime) -> None:
    """Add what a journal line tells of, if anything."""
    match line:
        case alerting.Alert(phase="firing"):
            seen.add("fired", f"{model}:{line.alert} ({line.severity}): {line.reason}")
        case alerting.Alert(phase="resolved"):
            seen.add("resolved", f"{model}:{line.alert}: {line.reason}")
        case alerting.Alert(phase="pending", explained_by=str(event)):
            key = lifecycle.key_of(line.alert)
            seen.add("held", f"alert {model}:{key}, by {event}: {line.reason}")
        case serving.Rollout(phase=phase) if phase in ENDS:
            seen.add(ENDS[phase], f"{model}: {line.challenger}: {line.reason}")
        case training.Run():
            seen.add("trained", f"{model}: {line.run} {line.phase}: {line.reason or line.version}")
        case training.Trigger(fire=False, reason=reason) if reason.startswith("frozen: "):
            seen.add("held", f"retraining of {model}: {reason}")
        case operations.Noted() if line.kind:
            seen.add("changed", f"{model}: {happening(line, at)}")
        case _:
            pass


def _stands(seen: Seen, name: str, state: Model, now: datetime) -> Iterator[tuple[datetime, str]]:
    """Add a model's budgets and the rollout that a freeze holds; yield its open alerts."""
    freeze, rollout = calendars.frozen(state.freezes, now), state.promotion.active
    if freeze is not None and rollout is not None:
        until = f"{freeze.until:%Y-%m-%d %H:%M} UTC"
        seen.add("held", f"rollout {rollout.id}, frozen until {until} by {freeze.by}")
    for objective, samples in sorted(state.objectives.budgets.items()):
        spent = exhaustion(samples)
        when = f", spent on {spent:%Y-%m-%d} at the pace of these days" if spent else ""
        seen.add("budgets", f"{name}: {objective}: {100 * samples[-1].left:.1f} % left{when}")
    yield from _open(name, state.alerting.alerts, now)


def _around(
    store: Store, domain: Domain, team: str, seen: Seen, now: datetime
) -> Iterator[tuple[datetime, str]]:
    """Yield the open alerts of the fleet itself, and those about the team's receivers."""
    head = _head(store, domain, FLEET, seen)
    if head is not None:
        desk: Desk = head.state
        yield from _open(FLEET, desk.alerts, now)
    head = _head(store, domain, ONCALL + team, seen)
    if head is not None:
        own: OnCall = head.state
        for entry in own.alerts.values():
            notice = entry.notice
            if entry.firing and notice.model.startswith(ONCALL):
                yield notice.at, _entry(notice.id, notice.severity, notice.at, now, notice.reason)


def _open(model: str, alerts: Mapping[str, Alert], now: datetime) -> Iterator[tuple[datetime, str]]:
    for alert in alerts.values():
        if alert.phase in OPEN and alert.fired is not None:
            reason = alert.reason
            if alert.acknowledged_by:
                reason = f"taken by {alert.acknowledged_by}: {reason}"
            name = f"{model}:{alert.id}"
            yield alert.fired, _entry(name, alert.severity, alert.fired, now, reason)


def _entry(name: str, severity: str, since: datetime, now: datetime, reason: str) -> str:
    days = (now - since).days
    age = f"{days} days" if days > 1 else f"{(now - since).total_seconds() / 3600:.0f} h"
    return f"{name} ({severity}, {age}): {reason}"
