"""What a link in a page does: acknowledge its incident, or silence its kind, once and in time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.errors import Refused
from monitoring.alerts.desk import OnCall
from monitoring.alerts.lifecycle import Kind
from monitoring.alerts.muting import Silence


def lasting(state: OnCall, now: datetime) -> OnCall:
    """Forget the used links that would have expired: nobody can use them again."""
    kept = {name: ends for name, ends in state.links.items() if now < ends}
    return state if kept == state.links else replace(state, links=kept)


def used(state: OnCall, name: str, expires: datetime, now: datetime) -> OnCall:
    """Note that a link was used; Refused where it was before, or comes too late."""
    if now >= expires:
        raise Refused(f"the link expired at {expires:%Y-%m-%d %H:%M} UTC")
    if name in state.links:
        raise Refused("the link was used already, and works once")
    return replace(state, links={**state.links, name: expires})


def kind_of(state: OnCall, incident: str) -> Kind:
    """Return the kind of an incident that is open; Refused where it is over."""
    for kind, group in state.groups.items():
        if group.told and f"{state.group(kind)}-{group.first}" == incident:
            return Kind(kind)
    raise Refused(f"{incident}: the incident is over, or is none of team {state.team}")


def waiting(state: OnCall, kind: Kind, model: str) -> list[str]:
    """Return the alerts of an incident, of one model or of all, that wait to be acknowledged."""
    told = state.groups[kind].told
    found = [
        name
        for name, entry in sorted(state.alerts.items())
        if name in told
        and entry.firing
        and entry.acknowledged_by is None
        and model in ("", entry.notice.model)
    ]
    if not found:
        raise Refused("no alert of the incident waits to be acknowledged")
    return found


def silence(kind: Kind, model: str, until: datetime, name: str, by: str, reason: str) -> Silence:
    """Return the silence of an incident's kind, on one model or on all of the team."""
    return Silence(name, by, reason, until, model or None, None, kind)
