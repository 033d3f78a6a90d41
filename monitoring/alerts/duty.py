"""A team's policy as it holds at a moment: who is on call, whether tickets wait, what is muted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from monitoring.alerts import hours
from monitoring.alerts.group import Policy
from monitoring.alerts.levels import Present
from monitoring.alerts.lifecycle import Notify
from monitoring.alerts.rotation import ROTATION, Rotation
from monitoring.calendars import Calendar, calendar
from monitoring.calendars import Policy as CalendarPolicy


@dataclass(frozen=True)
class Duty:
    """A team's policy with what it refers to; `delegates` are receivers that escalate themselves.

    Without a calendar its clock is UTC, and no day but those of the weekend is free.
    """

    policy: Policy
    calendar: Calendar = field(default_factory=lambda: calendar(CalendarPolicy()))
    rotation: Rotation | None = None
    delegates: frozenset[str] = frozenset()

    def at(self, now: datetime) -> tuple[Policy, Present]:
        """Return the policy with the people on call in it, and what else holds at `now`."""
        policy, zone = self.policy, self.calendar.policy.zone
        changes: list[datetime | None] = []
        on_call: tuple[str, ...] = ()
        if self.rotation is not None:
            on_call = self.rotation.receivers(now)
            changes.append(self.rotation.changes(now))
        opening = hours.Opening()
        if policy.hours is not None:
            opening = hours.opening(policy.hours, self.calendar, now)
            changes.append(opening.changes)
        changes.append(hours.next_edge(policy.mute, zone, now))
        present = Present(
            self.delegates,
            opening.resumes,
            hours.muted(policy.mute, zone, now),
            min((at for at in changes if at is not None), default=None),
        )
        named = {"page": _named(policy.page, on_call), "ticket": _named(policy.ticket, on_call)}
        return policy.model_copy(update=named), present


def muted(notices: Iterable[Notify], present: Present) -> dict[str, str]:
    """Return the ids of notices that an interval mutes, each with the reason."""
    return {
        notice.id: f"muted for the team until {present.muted[notice.kind]:%Y-%m-%d %H:%M} UTC"
        for notice in notices
        if notice.kind in present.muted
    }


def _named(receivers: Iterable[str], on_call: tuple[str, ...]) -> tuple[str, ...]:
    """Put those on call in the place of the rotation; of a receiver the first place counts."""
    found: list[str] = []
    for name in receivers:
        found += on_call if name == ROTATION else (name,)
    return tuple(dict.fromkeys(found))
