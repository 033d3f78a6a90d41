"""The telemetry catalogue: every metric, span and custom event, named once, and their port.

Attributes have bounded cardinality: names out of fleet.yaml and words of the state machines, never
a feature's value, a row's id or a person's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from engine import outbox
from engine.loop import Loop
from engine.store import parse_instant
from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.published import CATALOGUE
from retrain.rollout.state import Phase

Attributes = Mapping[str, str]
#: What carries a trace on, in a queue message and among a CloudEvent's extensions.
TRACEPARENT = "traceparent"

#: What each attribute can be: this bounds the number of time series.
ATTRIBUTES = {
    "model": "name of a model in fleet.yaml",
    "partition": "name of a model, `oncall:TEAM`, or `fleet`",
    "version": "a version that answers live traffic now",
    "effect": "kind of an effect (fleet/model/effects.py)",
    "fact": "kind of a fact (fleet/model/facts.py)",
    "outcome": "`paid`, `postponed` (outside's fault), `refused`, `failed` (a defect); of a "
    "training, how it ended",
    "queue": "name of a queue of the app",
}
ATTRIBUTES |= {
    field.name: "a word of the published event's field (docs/events.md)"
    for shape in CATALOGUE.values()
    for field in shape.fields
    if field.words and field.name not in ATTRIBUTES
}


class Instrument(StrEnum):
    """How values of a metric add up."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric: what it measures, in which unit (UCUM), by which attributes."""

    name: str
    unit: str
    attributes: tuple[str, ...]
    description: str
    instrument: Instrument = Instrument.GAUGE


@dataclass(frozen=True)
class Span:
    """One kind of work that is timed.

    `consumes` marks the entry of a message; `duration` names the histogram that takes its seconds.
    """

    name: str
    attributes: tuple[str, ...]
    description: str
    consumes: bool = False
    duration: str = ""


@dataclass(frozen=True)
class CustomEvent:
    """Something that happened once and is worth finding again."""

    name: str
    attributes: tuple[str, ...]
    description: str


OWED = ("partition", "effect", "outcome")
METRICS = {
    metric.name: metric
    for metric in (
        Metric("driftwarden.alerts.firing", "{alert}", ("model",), "Alerts that fire now."),
        Metric("driftwarden.effects.owed", "{effect}", ("model",), "Effects not yet paid."),
        Metric("driftwarden.effects.oldest", "s", ("model",), "Age of the oldest unpaid effect."),
        Metric("driftwarden.traffic.weight", "%", ("model", "version"), "Share of live traffic."),
        Metric("driftwarden.window.rows", "{row}", ("model",), "Rows of the newest window."),
        Metric("driftwarden.window.labelled", "{row}", ("model",), "Labels of the newest joined."),
        Metric(
            "driftwarden.lines.bad", "{line}", ("model",),
            "Lines and rows of logs and labels that were left out, own requests among them.",
        ),
        Metric("driftwarden.drift.flagged", "{feature}", ("model",), "Features that moved."),
        Metric("driftwarden.rollout.active", "{rollout}", ("model",), "Rollouts under way."),
        Metric("driftwarden.partition.halted", "{partition}", ("model",), "Stopped by a defect."),
        Metric("driftwarden.queue.poison", "{message}", ("queue",), "Messages given up on."),
        Metric(
            "driftwarden.heartbeat", "{tick}", (), "One each tick: silence is an outage.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.events.refused", "{event}", (), "Events that could not be read.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.facts.settled", "{fact}", ("partition", "fact"),
            "Facts taken in; one more for each lost race.", Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.effects.paid", "{effect}", OWED, "Attempts to pay an effect.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.effect.duration", "s", OWED, "Time of one attempt.", Instrument.HISTOGRAM,
        ),
    )
}  # fmt: skip

SPANS = {
    span.name: span
    for span in (
        Span("driftwarden.ingest", (), "One event taken in.", consumes=True),
        Span("driftwarden.work", ("partition",), "One queue message worked off.", consumes=True),
        Span(
            "driftwarden.effect", OWED, "One attempt to pay an effect.",
            duration="driftwarden.effect.duration",
        ),
    )
}  # fmt: skip

EVENTS = {
    event.name: event
    for event in (
        CustomEvent("driftwarden.declined", ("partition", "effect"), "An effect refused for good."),
        CustomEvent("driftwarden.halted", ("partition",), "A partition stopped by a defect."),
        *(
            CustomEvent(
                f"driftwarden.{shape.event}",
                ("model", *(field.name for field in shape.fields if field.words)),
                f"Published: {shape.description[0].lower()}{shape.description[1:]}",
            )
            for shape in CATALOGUE.values()
        ),
    )
}


class Telemetry(Protocol):
    """Takes measurements; it never raises for what the outside does."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[dict[str, str]]:
        """Time what is done inside; what is put into the mapping becomes attributes too.

        `parent` is the W3C `traceparent` to go on from; empty is the present span.
        """
        ...

    def add(self, metric: str, value: float, attributes: Attributes) -> None:
        """Count, set or record one value, by the metric's instrument."""
        ...

    def event(self, name: str, attributes: Attributes) -> None:
        """Note a custom event."""
        ...

    def traceparent(self) -> str:
        """Return the present span as W3C `traceparent`, empty where there is none."""
        ...


class Silent:
    """Telemetry of a host that has nowhere to send it."""

    def span(
        self, name: str, attributes: Attributes, parent: str = ""
    ) -> AbstractContextManager[dict[str, str]]:
        """See `Telemetry`."""
        del name, attributes, parent
        return nullcontext({})

    def add(self, metric: str, value: float, attributes: Attributes) -> None:
        """See `Telemetry`."""

    def event(self, name: str, attributes: Attributes) -> None:
        """See `Telemetry`."""

    def traceparent(self) -> str:
        """See `Telemetry`."""
        return ""


@dataclass(frozen=True)
class Point:
    """One measured value of one metric."""

    metric: str
    value: float
    attributes: dict[str, str]


def points(loop: Loop, fleet: Fleet, now: datetime) -> Iterator[Point]:
    """Measure every gauge of every model."""
    for name in fleet.models:
        head = loop.head(name)
        state: Model = head.state
        by_model = {"model": name}
        owed = outbox.owed(loop.store, loop.domain.effects, name)
        ages = [(now - parse_instant(str(item.row.props["at"]))).total_seconds() for item in owed]
        live = [a for a in state.alerts.values() if a.phase in ("firing", "acknowledged")]
        active = state.rollout is not None and not _over(state.rollout.phase)
        days = [past for _, past in sorted(state.past.items())]
        joined = [past for past in days if past.joined]
        yield Point("driftwarden.alerts.firing", len(live), by_model)
        yield Point("driftwarden.effects.owed", len(owed), by_model)
        yield Point("driftwarden.effects.oldest", max(ages, default=0.0), by_model)
        yield Point("driftwarden.window.rows", days[-1].rows if days else 0, by_model)
        yield Point("driftwarden.window.labelled", joined[-1].labelled if joined else 0, by_model)
        yield Point("driftwarden.lines.bad", state.counts.get("bad", 0), by_model)
        yield Point("driftwarden.drift.flagged", len(_flagged(state)), by_model)
        yield Point("driftwarden.rollout.active", int(active), by_model)
        yield Point("driftwarden.partition.halted", int(bool(head.halted)), by_model)
        for version, weight in state.weights.items():
            yield Point("driftwarden.traffic.weight", weight, {"model": name, "version": version})


def tick(
    telemetry: Telemetry, found: Iterable[Point], poison: Mapping[str, int] | None = None
) -> None:
    """Tell that the timer ran, and what was measured; `poison` counts messages by queue."""
    telemetry.add("driftwarden.heartbeat", 1, {})
    for point in found:
        telemetry.add(point.metric, point.value, point.attributes)
    for queue, waiting in (poison or {}).items():
        telemetry.add("driftwarden.queue.poison", waiting, {"queue": queue})


def _flagged(state: Model) -> tuple[str, ...]:
    assessed = [day for day, past in state.past.items() if past.verdict is not None]
    return state.past[max(assessed)].flagged if assessed else ()


def _over(phase: Phase) -> bool:
    return phase in (Phase.promoted, Phase.rolled_back, Phase.stopped)
