"""One group: its phases, the team's policy, and what is known of the messages that were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

import engine.policy
from engine.duration import Duration
from engine.policy import ShortText
from monitoring.alerts.digest import Policy as Digest
from monitoring.alerts.hours import Hours, Mute
from monitoring.alerts.levels import Present
from monitoring.alerts.lifecycle import Notify, Severity, Status
from monitoring.alerts.reach import Down
from monitoring.alerts.rotation import Policy as RotationPolicy


class Phase(StrEnum):
    """The phase of one group (one kind of alert of one team)."""

    CLOSED = "closed"
    WAITING = "waiting"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"


EDGES: Mapping[Phase, tuple[Phase, ...]] = {
    Phase.CLOSED: (Phase.WAITING, Phase.SENT),
    Phase.WAITING: (Phase.CLOSED, Phase.SENT),
    Phase.SENT: (Phase.ACKNOWLEDGED, Phase.MUTED, Phase.WAITING, Phase.CLOSED),
    Phase.ACKNOWLEDGED: (Phase.SENT, Phase.MUTED, Phase.WAITING, Phase.CLOSED),
    Phase.MUTED: (Phase.SENT, Phase.ACKNOWLEDGED, Phase.WAITING, Phase.CLOSED),
}


class Policy(engine.policy.Policy):
    """Receivers of a team's alerts, their order and delays."""

    page: tuple[ShortText, ...] = Field(
        min_length=1,
        description="Receivers of a page, in order: the first at once, the next if nobody "
        "acknowledges it. `rotation` is who is on call, and needs another receiver beside it.",
    )
    ticket: tuple[ShortText, ...] = Field(
        (), description="Receivers of a ticket, all of them; empty: the first page receiver."
    )
    changes: tuple[ShortText, ...] = Field(
        (),
        max_length=20,
        description="Receivers that are told of trainings, promotions, rollbacks and steps of the "
        "live traffic (in PagerDuty as change events, which page nobody).",
    )
    group_wait: Duration = Field(
        timedelta(minutes=2),
        description="How long to collect alerts of one kind before the first is sent.",
    )
    escalate_after: Duration = Field(
        timedelta(minutes=30),
        gt=timedelta(0),
        description="An unacknowledged page goes to the next receiver after this long, and at the "
        "latest a minute after its receiver could not be reached.",
    )
    repeat: int = Field(
        0,
        ge=0,
        le=9,
        description="How often the page begins again from the first receiver when nobody has "
        "acknowledged it at the last one.",
    )
    ack_expires: Duration | None = Field(
        None,
        gt=timedelta(0),
        description="An alert that still fires this long after it was acknowledged counts as not "
        "acknowledged: it is sent and escalates again. Left out: an acknowledgement lasts.",
    )
    rotation: RotationPolicy | None = Field(
        None,
        description="Who is on call, instead of `rotation` in `page` and `ticket`. Nobody on call: "
        "the page goes to the next receiver at once.",
    )
    calendar: ShortText | None = Field(
        None,
        description="Calendar of the team, one of `calendars`: the zone of its clock, its weekend "
        "and holidays. Left out: UTC, Saturday and Sunday.",
    )
    hours: Hours | None = Field(
        None,
        description="Business hours: tickets wait for them, pages do not. Left out: always.",
    )
    mute: tuple[Mute, ...] = Field(
        (), max_length=50, description="Recurring intervals in which some kinds are muted."
    )
    digest: Digest | None = Field(
        None, description="What happened, once a day and once a week; left out: no digests."
    )

    @property
    def receivers(self) -> frozenset[str]:
        """Every receiver that the team's messages may go to."""
        own = () if self.digest is None else (self.digest.receiver,)
        people = () if self.rotation is None else self.rotation.people.values()
        return frozenset((*self.page, *self.ticket, *self.changes, *own, *people))

    def first(self, severity: Severity) -> tuple[str, ...]:
        """The receivers of the first message."""
        return self.page[:1] if severity is Severity.PAGE else self.ticket or self.page[:1]


@dataclass(frozen=True)
class Open:
    """One alert by its last notification, received at `heard`.

    `risen`: it made a ticket a page. `left`: it is over for this team, because its model left.
    `since` is the moment of its first notification; None where that was not kept yet.
    `lapsed` counts the acknowledgements since then that expired.
    """

    notice: Notify
    heard: datetime
    acknowledged_by: str | None = None
    risen: bool = False
    left: bool = False
    since: datetime | None = None
    acknowledged_at: datetime | None = None
    lapsed: int = 0

    @property
    def firing(self) -> bool:
        """Whether its last notification says that it fires."""
        return self.notice.status is Status.FIRING


def merged(known: Open | None, notice: Notify, now: datetime) -> Open:
    """Return an alert after a notification, which may be late or a repeat."""
    if known is None or (known.left and notice.at > known.notice.at):
        return Open(notice, now, since=notice.at)
    if _rank(notice) <= _rank(known.notice):
        return known
    rises = notice.severity is Severity.PAGE and known.notice.severity is Severity.TICKET
    taken_by = None if rises and notice.status is Status.FIRING else known.acknowledged_by
    taken_at = known.acknowledged_at if taken_by is not None else None
    return Open(notice, now, taken_by, risen=rises, since=known.since, acknowledged_at=taken_at)


def _rank(notice: Notify) -> tuple[bool, datetime, bool, str]:
    resolved = notice.status is Status.RESOLVED
    return resolved, notice.at, notice.severity is Severity.PAGE, notice.key


@dataclass(frozen=True)
class Group:
    """The messages sent to a team about one kind of alert.

    `first` and `ordinal` number the first and the last message since the group was closed; `first`
    is 0 in a group that was open before it was kept. `told` maps each alert in them to its last
    notification that was sent, empty where it was muted since; `opens` is when the notifications
    that came since are sent. The page sent at `paged` has reached the receiver `paged_to`, was
    passed on `level` times and begins the chain again for the `rounds`-th time; it goes past a
    receiver that cannot be reached at `passes`, and at once past one that left the chain.
    `opened` is the moment of the first message, `acknowledged` numbers the last message whose
    acknowledgement was told, and `handles` are what receivers call the group's message.
    """

    phase: Phase = Phase.CLOSED
    ordinal: int = 0
    first: int = 0
    severity: Severity = Severity.TICKET
    told: dict[str, str] = field(default_factory=dict)
    heard_by: tuple[str, ...] = ()
    opens: datetime | None = None
    paged: datetime | None = None
    level: int = 0
    paged_to: str = ""
    passes: datetime | None = None
    opened: datetime | None = None
    acknowledged: int = 0
    handles: dict[str, str] = field(default_factory=dict)
    rounds: int = 0


@dataclass(frozen=True)
class Around:
    """What a group is settled by: the team's policy, receivers that are down, muted alerts."""

    policy: Policy
    down: Mapping[str, Down]
    muted: Mapping[str, str]
    now: datetime
    present: Present = field(default_factory=Present)

    def passes(self, receiver: str) -> datetime | None:
        """When a page that waits for `receiver` goes to the next; None where it can be reached."""
        known = self.down.get(receiver)
        return known.passed_at if known is not None else None
