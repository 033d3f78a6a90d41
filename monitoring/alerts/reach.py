"""Whether a receiver can be reached: what its attempts say, and when to go past it.

One failed attempt is often repaired by the next. A receiver that has failed for `PATIENCE`, or that
refused a message for good, is unreachable until it accepts a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page


class Phase(StrEnum):
    """The phase of one receiver of one team."""

    REACHABLE = "reachable"
    FAILING = "failing"
    UNREACHABLE = "unreachable"


EDGES: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.REACHABLE: (Phase.FAILING, Phase.UNREACHABLE),
    Phase.FAILING: (Phase.UNREACHABLE, Phase.REACHABLE),
    Phase.UNREACHABLE: (Phase.REACHABLE,),
}

PATIENCE = timedelta(minutes=1)
"""How long a receiver may fail before a page goes to the next one."""
RETRY = timedelta(hours=1)
"""How long until the messages that a receiver refused are sent to it again."""
#: Events whose message is the last of its incident.
LAST = (Event.RESOLVED, Event.UNSILENCED, Event.DIGEST)
KEPT = 20
"""Most messages that are kept for a receiver that refuses them, one an incident."""


@dataclass(frozen=True)
class Undelivered:
    """An attempt to deliver a page failed; `permanent`: the receiver will never accept it."""

    page: Page
    reason: str
    permanent: bool = False


@dataclass(frozen=True)
class Delivered:
    """A receiver accepted a message of an incident.

    It is told where the receiver could not be reached before, or where it calls its message by a
    `handle`, under which it is changed later.
    """

    receiver: str
    incident: str
    handle: str = ""


@dataclass(frozen=True)
class Down:
    """A receiver that cannot be reached since `since`; a reachable one has none.

    `missed` is the last message of each incident that it refused, and `retry` is when they are sent
    again. `outage` numbers the outages of a team.
    """

    phase: Phase
    since: datetime
    reason: str
    outage: int
    missed: dict[str, Page] = field(default_factory=dict)
    retry: datetime | None = None

    @property
    def passed_at(self) -> datetime:
        """When a page that waits for this receiver goes to the next one."""
        return self.since if self.phase is Phase.UNREACHABLE else self.since + PATIENCE


def failed(known: Down | None, fact: Undelivered, outage: int, now: datetime) -> Down:
    """Return a receiver after an attempt that failed; `outage` is the number of a new outage."""
    page = fact.page
    # A channel's reason begins with the receiver, which is named wherever this one is shown.
    reason = fact.reason.removeprefix(f"receiver {page.receiver}: ")
    down = known or Down(Phase.FAILING, now, reason, outage)
    if not fact.permanent:
        return down
    others = [(k, kept) for k, kept in down.missed.items() if k != page.incident]
    missed = dict([*others, (page.incident, page)][-KEPT:])
    retry = down.retry or now + RETRY
    return replace(down, phase=Phase.UNREACHABLE, reason=reason, missed=missed, retry=retry)


def passed(down: Down, now: datetime) -> Down:
    """Return a receiver as time passes: one that fails for long is unreachable."""
    if down.phase is Phase.FAILING and now >= down.passed_at:
        return replace(down, phase=Phase.UNREACHABLE)
    return down


def retried(down: Down, now: datetime) -> tuple[Down, tuple[Page, ...]]:
    """Return a receiver and the refused messages that may be sent to it again now.

    Where there is none, `restored` tells whether it accepts messages again.
    """
    if down.retry is None or now < down.retry:
        return down, ()
    return replace(down, missed={}, retry=None), tuple(down.missed.values())


def restored(team: str, receiver: str, down: Down, now: datetime) -> Page:
    """Return the note by which a receiver that refused messages is tried again."""
    incident = f"{team}:{Event.RESTORED}-{receiver}-{down.outage}"
    return Page(
        key=f"{incident}:{now:%Y%m%dT%H%M%S}:{receiver}",
        receiver=receiver,
        event=Event.RESTORED,
        severity=Severity.TICKET,
        title=f"{receiver} can be reached again",
        lines=(f"it could not since {down.since:%Y-%m-%d %H:%M} UTC: {down.reason}",),
        alerts=(),
        incident=incident,
    )


def answered(down: Down, incident: str) -> tuple[Page, ...]:
    """Return what a receiver that answers again still has to hear: how incidents ended."""
    return tuple(
        page for name, page in down.missed.items() if name != incident and page.event in LAST
    )


def wakes(down: Down) -> list[datetime]:
    """When a receiver changes although no message is tried."""
    times = [down.passed_at] if down.phase is Phase.FAILING else []
    return times if down.retry is None else [*times, down.retry]
