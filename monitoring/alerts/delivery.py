"""What a team's partition learns of its messages, and which of them it sends again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitoring.alerts import grouping, reach, receivers
from monitoring.alerts.desk import OnCall
from monitoring.alerts.group import Policy, merged
from monitoring.alerts.paging import Page
from monitoring.alerts.reach import Delivered, Undelivered


def failed(state: OnCall, fact: Undelivered, now: datetime) -> OnCall:
    """Note that a message could not be delivered."""
    name = fact.page.receiver
    known = state.receivers.get(name)
    down = reach.failed(known, fact, state.outages + 1, now)
    outages = state.outages if known is not None else down.outage
    state = replace(state, receivers={**state.receivers, name: down}, outages=outages)
    return _passing(state, name, fact.page.incident, down.passed_at)


def answered(state: OnCall, fact: Delivered) -> tuple[OnCall, tuple[Page, ...]]:
    """Note that a receiver can be reached again, and return what it still has to hear."""
    down = state.receivers.get(fact.receiver)
    kept = {name: one for name, one in state.receivers.items() if name != fact.receiver}
    state = _passing(replace(state, receivers=kept), fact.receiver, fact.incident, None)
    groups = {
        kind: grouping.handled(state.group(kind), group, fact.receiver, fact.incident, fact.handle)
        for kind, group in state.groups.items()
    }
    state = replace(state, groups=groups)
    return state, reach.answered(down, fact.incident) if down is not None else ()


def _passing(state: OnCall, receiver: str, incident: str, at: datetime | None) -> OnCall:
    """Note when the page of an incident goes past a receiver, where it waits for that one."""
    groups = {
        kind: grouping.passing(state.group(kind), group, receiver, incident, at)
        for kind, group in state.groups.items()
    }
    return replace(state, groups=groups)


def follow(state: OnCall, policy: Policy, now: datetime) -> tuple[OnCall, tuple[Page, ...]]:
    """Bring the receivers up to date, and the alerts about those that cannot be reached."""
    used = {*policy.page, *policy.ticket, *policy.changes}
    down = {n: reach.passed(one, now) for n, one in state.receivers.items() if n in used}
    again: list[Page] = []
    for name, one in down.items():
        down[name], refused = reach.retried(one, now)
        sent = [page for page in refused if page.event in reach.LAST or _newest(state, page)]
        tried = one.retry is not None and down[name].retry is None
        again += sent or ([reach.restored(state.team, name, one, now)] if tried else [])
    alerts = dict(state.alerts)
    for notice in receivers.notices(state.team, state.alerts, down, policy, now):
        alerts[notice.id] = merged(alerts.get(notice.id), notice, now)
    return replace(state, receivers=down, alerts=alerts), tuple(again)


def _newest(state: OnCall, page: Page) -> bool:
    """Whether a page is the newest of an incident that is still open."""
    newest = [f"{state.group(kind)}-{group.ordinal}:" for kind, group in state.groups.items()]
    incidents = [f"{state.group(kind)}-{group.first}" for kind, group in state.groups.items()]
    return page.incident in incidents and page.key.startswith(tuple(newest))
