"""Receivers that cannot be reached, as alerts that the team's other receivers are told about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from monitoring.alerts.group import Open, Policy
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.reach import Down, Phase

#: In front of a team's name where a model's name is expected: its on-call partition.
ONCALL = "oncall:"


def unreachable(down: Mapping[str, Down]) -> dict[str, Down]:
    """Return the receivers that cannot be reached, by name."""
    return {n: one for n, one in sorted(down.items()) if one.phase is Phase.UNREACHABLE}


def left(policy: Policy, down: Mapping[str, Down]) -> Policy:
    """Return a team's policy without the receivers that cannot be reached.

    Where none of the pages is left, those of the tickets stand in for them.
    """
    gone = unreachable(down)
    if not gone:
        return policy
    page = tuple(name for name in policy.page if name not in gone)
    ticket = tuple(name for name in policy.ticket if name not in gone)
    return policy.model_copy(update={"page": page or ticket, "ticket": ticket})


def notices(
    team: str,
    alerts: Mapping[str, Open],
    down: Mapping[str, Down],
    policy: Policy,
    now: datetime,
) -> Iterator[Notify]:
    """Yield what is news: a receiver that cannot be reached, or can be again."""
    found = {}
    for receiver, one in unreachable(down).items():
        alert = f"unreachable-{receiver}-{one.outage}"
        said = Notify(
            key=f"{ONCALL}{team}:{alert}:{Status.FIRING}",
            model=f"{ONCALL}{team}",
            alert=alert,
            kind=Kind.RECEIVER,
            severity=Severity.PAGE if receiver in policy.page else Severity.TICKET,
            status=Status.FIRING,
            reason=f"cannot reach {receiver}: {one.reason}",
            at=one.since,
        )
        found[said.id] = said
    yield from (said for name, said in found.items() if name not in alerts)
    for name, entry in alerts.items():
        if entry.notice.kind is Kind.RECEIVER and entry.firing and name not in found:
            notice = entry.notice
            key = f"{notice.id}:{Status.RESOLVED}"
            yield replace(notice, key=key, status=Status.RESOLVED, at=now)


def untold(alerts: Mapping[str, Open], policy: Policy) -> dict[str, str]:
    """Return the alerts about receivers that nobody is left to hear, each with that as reason."""
    if policy.page:
        return {}
    reason = "no receiver of the team can be reached"
    return {
        name: reason
        for name, entry in alerts.items()
        if entry.firing and entry.notice.kind is Kind.RECEIVER
    }
