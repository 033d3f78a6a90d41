"""Acknowledgements that expire: the alert is sent again, and its page escalates again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from monitoring.alerts.desk import OnCall
from monitoring.alerts.group import Open, Policy
from monitoring.alerts.receivers import ONCALL


@dataclass(frozen=True)
class Acknowledged:
    """Tell the model's partition that its alert is acknowledged; `key` is the delivery id there.

    `lapsed`: that it is not acknowledged any more.
    """

    key: str
    model: str
    alert: str
    by: str
    lapsed: bool = False


def expire(state: OnCall, policy: Policy, now: datetime) -> tuple[OnCall, tuple[Acknowledged, ...]]:
    """Take the acknowledgements back that are older than the policy allows."""
    over = {
        name: replace(entry, acknowledged_by=None, acknowledged_at=None, lapsed=entry.lapsed + 1)
        for name, entry in state.alerts.items()
        if (ends := _ends(entry, policy)) is not None and now >= ends
    }
    if not over:
        return state, ()
    # An alert that counts as not told is sent again.
    groups = {
        kind: replace(group, told={n: "" if n in over else key for n, key in group.told.items()})
        for kind, group in state.groups.items()
    }
    told = [one for name in sorted(over) for one in _lapsed(state.alerts[name])]
    return replace(state, alerts=state.alerts | over, groups=groups), tuple(told)


def told(entry: Open, by: str) -> tuple[Acknowledged, ...]:
    """Return what the model of an alert hears of its acknowledgement; a team's own has none."""
    notice = entry.notice
    if notice.model.startswith(ONCALL):
        return ()
    again = f":{entry.lapsed}" if entry.lapsed else ""
    return (Acknowledged(f"ack:{notice.key}{again}", notice.model, notice.alert, by),)


def wakes(state: OnCall, policy: Policy) -> list[datetime]:
    """When acknowledgements expire."""
    ends = (_ends(entry, policy) for entry in state.alerts.values())
    return [at for at in ends if at is not None]


def _lapsed(entry: Open) -> tuple[Acknowledged, ...]:
    by = entry.acknowledged_by or ""
    return tuple(replace(one, key=f"lapsed:{one.key}", lapsed=True) for one in told(entry, by))


def _ends(entry: Open, policy: Policy) -> datetime | None:
    if policy.ack_expires is None or entry.acknowledged_at is None or not entry.firing:
        return None
    return entry.acknowledged_at + policy.ack_expires
