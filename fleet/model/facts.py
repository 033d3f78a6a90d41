"""Facts: what a partition is told. Events become facts, and so do the results of effects.

The class name, in snake case, is the stored kind (see `engine.codec.Kinds`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from engine.codec import Kinds
from fleet.model.records import Collection
from fleet.model.results import (
    Archived,
    Assessed,
    Counted,
    Joined,
    LabelsRead,
    LogRead,
    Measured,
    Merged,
    Recalled,
    Referenced,
    Reported,
    TrafficCounted,
)
from monitoring.alerts.azure import Phase, Sev
from monitoring.alerts.changes import ModelChanged
from monitoring.alerts.lifecycle import Notify
from monitoring.alerts.muting import Matchers
from monitoring.alerts.reach import Delivered, Undelivered
from retrain.gate import Decision
from retrain.ports import JobPhase


@dataclass(frozen=True)
class LogGrew:
    """A log file has at least `size` bytes now."""

    blob: str
    size: int
    collection: Collection
    deployment: str = ""


@dataclass(frozen=True)
class LogShrank:
    """A log file that was read further has `size` bytes now: it was cut, or another is there."""

    blob: str
    size: int


@dataclass(frozen=True)
class Registered:
    """A version stands in the registry and asks for promotion.

    `at` is when that happened, where an event says so. `found` says that a look at the registry
    found it: then `at` is when it was created.
    """

    version: str
    trigger: str = "registered"
    waived_by: str | None = None
    reason: str = ""
    at: datetime | None = None
    found: bool = False


@dataclass(frozen=True)
class Surveyed:
    """The first look that found the model in the registry: what was created until `to` is known."""

    to: datetime


@dataclass(frozen=True)
class RunChanged:
    """What the trainer says about a run."""

    run: str
    phase: JobPhase
    version: str | None = None
    reason: str = ""
    infrastructure: bool = False
    cost: float | None = None


@dataclass(frozen=True)
class Hinted:
    """An event says that something happened to a run: the trainer is worth asking now."""

    run: str


@dataclass(frozen=True)
class Noted:
    """Something happened around the model that may explain a later change; it asks for nothing.

    A reported one says what sort of `change` it is, `by` whom, and has an end, `until`, where it
    lasts; its text is the subject.
    """

    type: str
    subject: str
    at: datetime | None = None
    change: str = ""
    by: str = ""
    until: datetime | None = None


@dataclass(frozen=True)
class AzureAlerted:
    """An alert of Azure Monitor on a resource of the model fired or was resolved, `at` that time.

    `id` is its id there, `rule` the name of its rule, `target` names the resource in words. One
    that is `stateless` is never resolved.
    """

    id: str
    rule: str
    severity: Sev
    phase: Phase
    target: str
    at: datetime | None = None
    description: str = ""
    stateless: bool = False


@dataclass(frozen=True)
class Gated:
    """The offline gate's decision on a version.

    `scores` names its reference of scores, `bad_rate` is the champion's rate of large losses on
    the gate's rows, `label_rate` that of positive labels among the rows the version learned from.
    """

    id: str
    version: str
    decision: Decision
    scores: str = ""
    bad_rate: float | None = None
    label_rate: float | None = None


@dataclass(frozen=True)
class TrafficSet:
    """The router took the split over; `names` are versions by the name of their deployment.

    `foreign` tells of somebody else's split that was met on the way, `unready` of deployments that
    get live traffic although they are not in order.
    """

    key: str
    weights: dict[str, int]
    shadow: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    foreign: str = ""
    unready: str = ""


@dataclass(frozen=True)
class TrafficSeen:
    """The split that a look found; without weights where no version gets live traffic."""

    at: datetime
    weights: dict[str, int]
    shadow: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    unready: str = ""


#: The verb by which a model hears that the acknowledgement of its alert expired.
LAPSED = "ack-expired"


@dataclass(frozen=True)
class Asked:
    """An operator's command.

    Of a new reference, `data` names a table, or `days` are its first and last day. Of a note,
    `change` says which sort of change, and `at` is when it happened. `matchers` narrow a silence.
    """

    verb: str
    by: str
    reason: str
    id: str
    target: str = ""
    until: datetime | None = None
    data: str = ""
    days: tuple[str, ...] = ()
    change: str = ""
    at: datetime | None = None
    matchers: Matchers = field(default_factory=Matchers)


#: What a link does to the incident of its page.
Verb = Literal["ack", "silence"]


@dataclass(frozen=True)
class Link:
    """What a link in a page does: `ack` or `silence` an incident, where it is named of one model.

    `to` is the receiver of the page.
    """

    verb: Verb
    incident: str
    model: str
    to: str
    expires: datetime
    id: str


@dataclass(frozen=True)
class Followed:
    """Somebody used a link in a page; `id` names this use of it."""

    link: Link
    by: str
    reason: str
    id: str


@dataclass(frozen=True)
class Notified:
    """A model tells its on-call partition about an alert."""

    notice: Notify


@dataclass(frozen=True)
class Declined:
    """An effect was refused for good."""

    effect: str
    key: str
    reason: str


@dataclass(frozen=True)
class Delayed:
    """An effect has been tried for a long time without success; done at last without a reason."""

    effect: str
    key: str
    reason: str


@dataclass(frozen=True)
class Configured:
    """The fleet's document says something new about this model."""

    policy: str
    reason: str = ""


@dataclass(frozen=True)
class Digested:
    """A team's digest of a day, or of the week that ends with it, was written."""

    day: str
    title: str
    lines: tuple[str, ...]
    weekly: bool = False


@dataclass(frozen=True)
class Unrecognised:
    """An event of an unknown type: acknowledged, and recorded once a type."""

    type: str
    source: str


@dataclass(frozen=True)
class Parked:
    """An event or message that could not be taken in, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Anchored:
    """How far every journal had come at an hour: `PARTITION SEQ LINK` each; see fleet.anchors."""

    hour: str
    part: int
    anchors: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class Noticed:
    """Something happened to the host itself, which every team has to know."""

    id: str
    reason: str


@dataclass(frozen=True)
class Documented:
    """The document of this version holds; `fault` says why a changed one does not."""

    version: str
    fault: str = ""


@dataclass(frozen=True)
class Adopted:
    """Somebody else's split was taken over: `champion` answers most of it.

    One part tells it another within a step; it is never stored.
    """

    champion: str
    reason: str


Fact = (
    LogGrew
    | LogShrank
    | LogRead
    | Merged
    | Archived
    | Recalled
    | Counted
    | TrafficCounted
    | LabelsRead
    | Assessed
    | Joined
    | Measured
    | Referenced
    | Registered
    | Surveyed
    | RunChanged
    | Gated
    | TrafficSet
    | TrafficSeen
    | Asked
    | Notified
    | Declined
    | Delayed
    | Followed
    | Configured
    | Digested
    | Unrecognised
    | Parked
    | Noticed
    | Documented
    | Anchored
    | Hinted
    | Noted
    | AzureAlerted
    | Reported
    | Undelivered
    | Delivered
    | ModelChanged
)
FACTS = Kinds(*get_args(Fact))
