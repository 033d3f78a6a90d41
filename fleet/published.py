"""Published events: every type with its fields, and the CloudEvents 1.0 document of an event.

Removing a field, or changing its meaning, raises the version in the type's `dataschema`. Adding a
field does not; readers ignore fields that they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import get_args

from engine.errors import Refused
from engine.store import instant
from fleet.partitions import FLEET
from monitoring.alerts.lifecycle import ModelKind, Severity
from monitoring.drift.verdict import SEVERITY
from retrain import run, trigger
from retrain.rollout.stages import EDGES

PREFIX = "Driftwarden."
#: Where a word of a name in capitals begins, but for the first one.
WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
Fields = dict[str, str | float | int | bool | tuple[str, ...] | None]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Event(StrEnum):
    """Types of published events, without the prefix `Driftwarden.`."""

    DRIFT_STABLE = "drift.stable"
    DRIFT_DRIFTING = "drift.drifting"
    DRIFT_DRIFTED = "drift.drifted"
    ALERT_FIRING = "alert.firing"
    ALERT_RESOLVED = "alert.resolved"
    RETRAIN_STARTED = "retrain.started"
    RETRAIN_ENDED = "retrain.ended"
    ROLLOUT_STARTED = "rollout.started"
    ROLLOUT_ADVANCED = "rollout.advanced"
    ROLLOUT_PROMOTED = "rollout.promoted"
    ROLLOUT_ROLLED_BACK = "rollout.rolled_back"
    ROLLOUT_STOPPED = "rollout.stopped"
    JOURNAL_ANCHORED = "JournalAnchored"


@dataclass(frozen=True)
class Field:
    """One field of an event's data.

    `shape` is its JSON type, `words` are its values where they are a closed set. Arrays hold
    strings.
    """

    name: str
    description: str
    shape: str = "string"
    words: tuple[str, ...] = ()
    nullable: bool = False


@dataclass(frozen=True)
class Published:
    """One type: its description, its fields, and the field that names its subject."""

    event: Event
    description: str
    about: str
    fields: tuple[Field, ...]
    version: int = 1

    @property
    def uri(self) -> str:
        """The value of `dataschema`."""
        return f"urn:driftwarden:{self.event}:{self.version}"

    @property
    def telemetry(self) -> str:
        """Its name among the custom events of the telemetry, which are in lower case."""
        return f"driftwarden.{WORD.sub('_', self.event).lower()}"

    @property
    def file(self) -> str:
        """The schema's file below docs/events."""
        return f"{self.event}.{self.version}.schema.json"


def _words(kind: Iterable[StrEnum]) -> tuple[str, ...]:
    return tuple(str(word) for word in kind)


DRIFT = (
    Field("window", "Name of the window: its day (ISO 8601)."),
    Field("verdict", "The stream's verdict as of this window.", words=_words(SEVERITY)),
    Field("before", "The verdict before; null for the first.", "string", _words(SEVERITY), True),
    Field("features", "Names of the features that are not stable.", "array"),
    Field("rows", "Rows of the window.", "integer"),
    Field("explained_by", "The announced event that explains it.", nullable=True),
)
ALERT = (
    Field("alert", "The alert and which time it fires, e.g. `drift-3`."),
    Field("kind", "The kind of the alert.", words=_words(get_args(ModelKind))),
    Field("severity", "Whether it is a page or a ticket.", words=_words(Severity)),
    Field("reason", "Why, in one line."),
    Field("features", "Names of the features concerned.", "array"),
)
RUN = (
    Field("run", "Name of the training."),
    Field("trigger", "The trigger that started it.", words=_words(trigger.Kind)),
)
STARTED = (
    *RUN,
    Field("reason", "Why, in one line."),
    Field("days", "Days of data it learns from.", "integer"),
)
ENDED = (
    *RUN,
    Field("outcome", "How it ended.", words=_words(sorted(run.ENDS))),
    Field("version", "The version it made.", nullable=True),
    Field("reason", "Why, in one line."),
    Field("cost", "What it cost, in the budget's currency.", "number", nullable=True),
)
ROLLOUT = (
    Field("rollout", "Name of the rollout."),
    Field("challenger", "The version that is rolled out."),
    Field("champion", "The version it is compared with."),
    Field("reason", "Why, in one line."),
)
LIVE_PHASES = [phase for phase, after in EDGES.items() if after]
LIVE = (
    *ROLLOUT,
    Field("phase", "Where it stands.", words=_words(LIVE_PHASES)),
    Field("stage", "Number of the canary stage, from 0.", "integer"),
    Field("weight", "Percent of the live traffic on the challenger.", "integer"),
)
ANCHORS = (
    Field("hour", "The hour of the anchors, UTC."),
    Field(
        "part", "Number of the part, from 0: a large fleet's anchors are several events.", "integer"
    ),
    Field(
        "anchors",
        "One line a partition: its name, the number of its newest record, and that record's link.",
        "array",
    ),
)

CATALOGUE = {
    shape.event: shape
    for shape in (
        Published(Event.DRIFT_STABLE, "The stream is stable again.", "window", DRIFT),
        Published(Event.DRIFT_DRIFTING, "The stream drifts, below the threshold.", "window", DRIFT),
        Published(
            Event.DRIFT_DRIFTED, "The stream has drifted, beyond the threshold.", "window", DRIFT
        ),
        Published(
            Event.ALERT_FIRING,
            "An alert fires, becomes a page, or is repeated as a reminder.",
            "alert",
            ALERT,
        ),
        Published(Event.ALERT_RESOLVED, "An alert is resolved.", "alert", ALERT),
        Published(Event.RETRAIN_STARTED, "A training started.", "run", STARTED),
        Published(Event.RETRAIN_ENDED, "A training ended (any outcome).", "run", ENDED),
        Published(Event.ROLLOUT_STARTED, "A rollout left the queue.", "rollout", LIVE),
        Published(
            Event.ROLLOUT_ADVANCED,
            "A rollout advanced to its next phase or stage.",
            "rollout",
            LIVE,
        ),
        Published(Event.ROLLOUT_PROMOTED, "The challenger is the champion.", "rollout", ROLLOUT),
        Published(
            Event.ROLLOUT_ROLLED_BACK,
            "The challenger was rolled back; the champion answers all traffic.",
            "rollout",
            ROLLOUT,
        ),
        Published(Event.ROLLOUT_STOPPED, "It ended without a promotion.", "rollout", ROLLOUT),
        Published(
            Event.JOURNAL_ANCHORED,
            "How far every journal has come, once an hour, for `verify --anchors`.",
            "hour",
            ANCHORS,
        ),
    )
}


def document(
    key: str, kind: str, model: str, fields: Mapping[str, object], at: datetime
) -> dict[str, object]:
    """Return the CloudEvent that every host publishes, as JSON.

    Parameters
    ----------
    key : its id, unique for its source; the same key is the same event.
    kind : its type without the prefix.
    model : the partition that tells it: a model's, or the fleet's own.
    fields : its data.

    Raises
    ------
    Refused
        The type is not in the catalogue, or one of its fields is missing.
    """
    shape = CATALOGUE.get(Event(kind)) if kind in set(Event) else None
    if shape is None:
        raise Refused(f"event {key}: type {kind!r} is not in the catalogue; see docs/events.md")
    if absent := [field.name for field in shape.fields if field.name not in fields]:
        raise Refused(f"event {key}: {kind} lacks {', '.join(absent)}; see docs/events.md")
    return {
        "specversion": "1.0",
        "id": key,
        "source": "/driftwarden/fleet" if model == FLEET else f"/driftwarden/models/{model}",
        "type": PREFIX + kind,
        "subject": f"{shape.about}s/{fields[shape.about]}",
        "time": instant(at),
        "datacontenttype": "application/json",
        "dataschema": shape.uri,
        "data": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
        },
    }


def schema(shape: Published) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of a type's data."""
    return {
        "$schema": DIALECT,
        "$id": shape.uri,
        "title": PREFIX + shape.event,
        "description": shape.description,
        "type": "object",
        "required": [field.name for field in shape.fields],
        "properties": {field.name: _property(field) for field in shape.fields},
    }


def _property(field: Field) -> dict[str, object]:
    kind = [field.shape, "null"] if field.nullable else field.shape
    found: dict[str, object] = {"type": kind, "description": field.description}
    if field.words:
        found["enum"] = [*field.words, None] if field.nullable else list(field.words)
    if field.shape == "array":
        found["items"] = {"type": "string"}
    return found
