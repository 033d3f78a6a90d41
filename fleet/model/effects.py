"""Effects: what a partition owes. Tasks are work for a worker, the rest changes the world.

The key is the effect's identity: paying it twice must come to the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from engine.codec import Kinds
from fleet.model.tasks import Work
from fleet.published import Event, Fields
from monitoring.alerts import paging
from monitoring.alerts.lifecycle import Notify
from retrain.ports import TrainingJob
from retrain.registry import Stage


@dataclass(frozen=True)
class Submit:
    """Start a training."""

    run: str
    job: TrainingJob
    lane: str = "training"

    @property
    def key(self) -> str:
        """The job's own id."""
        return f"submit:{self.job.id}"


@dataclass(frozen=True)
class Poll:
    """Ask how a training stands."""

    run: str
    at: datetime
    lane: str = "training"

    @property
    def key(self) -> str:
        """Run and moment of asking."""
        return f"poll:{self.run}:{self.at:%Y%m%dT%H%M%S}"


@dataclass(frozen=True)
class Cancel:
    """Stop a training."""

    run: str
    lane: str = "training"

    @property
    def key(self) -> str:
        """The run."""
        return f"cancel:{self.run}"


@dataclass(frozen=True)
class SetTraffic:
    """Make a split of the live traffic hold.

    It takes the place of the keys in `replaces`, which may be unpaid still. A `retreat` has a lane
    of its own, so that it waits for none of them.
    """

    key: str
    weights: dict[str, int]
    shadow: tuple[str, ...]
    lane: str = "traffic"
    retreat: bool = False
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """See which split of the live traffic holds."""

    at: datetime
    lane: str = "traffic"

    @property
    def key(self) -> str:
        """The moment of looking."""
        return f"look:{self.at:%Y%m%dT%H%M%S}"


@dataclass(frozen=True)
class Tag:
    """Write a version's stage and tags into the registry."""

    key: str
    version: str
    stage: Stage
    tags: dict[str, str]
    lane: str = "registry"


@dataclass(frozen=True)
class Tell:
    """Hand a notification to the on-call partition of the team.

    `again` tells a repetition apart, which is news only to a team that does not know the alert.
    """

    team: str
    notice: Notify
    lane: str = "oncall"
    again: str = ""

    @property
    def key(self) -> str:
        """The delivery id at the receiver."""
        return f"tell:{self.notice.key}{self.again}"


@dataclass(frozen=True)
class Publish:
    """Publish an event about the model; `fleet.published` says which fields its type has."""

    key: str
    type: Event
    fields: Fields
    at: datetime
    lane: str = "events"


@dataclass(frozen=True)
class KeepAnchors:
    """Keep the anchors of an hour beside the store."""

    hour: str
    part: int
    anchors: tuple[str, ...]
    lane: str = "anchors"

    @property
    def key(self) -> str:
        """One for each part of an hour."""
        return f"anchors:{self.hour}:{self.part}"


@dataclass(frozen=True)
class WriteDigest:
    """Write a team's digest of what happened from `since` to `until`.

    `missed` counts those before it that were never made.
    """

    team: str
    day: str
    since: datetime
    until: datetime
    missed: int = 0
    weekly: bool = False

    @property
    def key(self) -> str:
        """The team and the day: a day has one digest."""
        return f"digest:{self.team}:{'week' if self.weekly else 'day'}:{self.day}"

    @property
    def lane(self) -> str:
        """The team: its digests keep their order."""
        return f"digests:{self.team}"


@dataclass(frozen=True)
class SendPage:
    """Page a receiver; `report`: it could not be reached before, so that success is news."""

    page: paging.Page
    at: datetime
    report: bool = False

    @property
    def key(self) -> str:
        """The page's own key."""
        return f"page:{self.page.key}"

    @property
    def lane(self) -> str:
        """Receiver and incident: order matters within one incident at one receiver alone."""
        return f"pages:{self.page.receiver}:{self.page.incident}"


@dataclass(frozen=True)
class AckModel:
    """Tell a model's partition that its alert was taken, or that the taking has `lapsed`."""

    key: str
    model: str
    alert: str
    by: str
    lane: str = "oncall"
    lapsed: bool = False


#: Effects that change or ask the world around a model.
Outside = Submit | Poll | Cancel | SetTraffic | Look | Tag | Tell | Publish | KeepAnchors
#: Effects of an on-call partition.
OnCallEffect = SendPage | AckModel
Effect = Work | Outside | OnCallEffect | WriteDigest
EFFECTS = Kinds(*get_args(Effect))
