"""The telemetry catalogue: every metric, span and custom event, named once.

Attributes have bounded cardinality: names out of fleet.yaml and words of the state machines, never
a feature's value, a row's id or a person's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fleet.published import CATALOGUE

#: The values of each attribute: they bound the number of time series.
ATTRIBUTES = {
    "model": "name of a model in fleet.yaml",
    "partition": "name of a model, `oncall:TEAM`, or `fleet`",
    "version": "a version that answers live traffic now",
    "effect": "kind of an effect (fleet/model/effects.py)",
    "fact": "kind of a fact (fleet/model/facts.py)",
    "outcome": "`paid`, `postponed` (outside's fault), `refused`, `failed` (a defect); of a "
    "training, how it ended",
    "severity": "`page` or `ticket`",
    "subject": "a partition, or a place",
    "place": "name of a queue or a container of the app",
    "list": "`targets` of one alert of Azure Monitor, or `alerts` of its list",
    "about": "`file`, `model`, `deployment` or `run`, which nothing in fleet.yaml names",
}
ATTRIBUTES |= {
    field.name: "a word of the published event's field (docs/events.md)"
    for shape in CATALOGUE.values()
    for field in shape.fields
    if field.words and field.name not in ATTRIBUTES
}


class Instrument(StrEnum):
    """How the values of a metric are aggregated."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric: its unit (UCUM), its attributes, and what it measures."""

    name: str
    unit: str
    attributes: tuple[str, ...]
    description: str
    instrument: Instrument = Instrument.GAUGE


@dataclass(frozen=True)
class Span:
    """One kind of work whose duration is measured.

    `consumes` marks the entry of a message; `duration` names the histogram that takes its seconds.
    """

    name: str
    attributes: tuple[str, ...]
    description: str
    consumes: bool = False
    duration: str = ""


@dataclass(frozen=True)
class CustomEvent:
    """An occurrence that operators search for later."""

    name: str
    attributes: tuple[str, ...]
    description: str


OWED = ("partition", "effect", "outcome")
METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "driftwarden.alerts.firing",
            "{alert}",
            ("partition", "severity"),
            "Alerts that fire now; those of a team are its models' and the host's.",
        ),
        Metric("driftwarden.effects.owed", "{effect}", ("partition",), "Pending effects."),
        Metric(
            "driftwarden.effects.oldest",
            "s",
            ("partition",),
            "Age of the oldest pending effect; reports do not count.",
        ),
        Metric("driftwarden.traffic.weight", "%", ("model", "version"), "Share of live traffic."),
        Metric("driftwarden.window.rows", "{row}", ("model",), "Rows of the newest window."),
        Metric(
            "driftwarden.window.labelled",
            "{row}",
            ("model",),
            "Labels of the newest joined window.",
        ),
        Metric(
            "driftwarden.lines.bad",
            "{line}",
            ("model",),
            "Lines and rows of logs and labels that were left out, own requests among them.",
        ),
        Metric(
            "driftwarden.drift.flagged",
            "{feature}",
            ("model",),
            "Significant features of the newest assessed window.",
        ),
        Metric("driftwarden.rollout.active", "{rollout}", ("model",), "Rollouts under way."),
        Metric(
            "driftwarden.partition.halted",
            "{partition}",
            ("partition",),
            "Partitions halted by a defect.",
        ),
        Metric(
            "driftwarden.partition.overdue",
            "s",
            ("partition",),
            "Time that the wake-up, or the oldest fact, of a partition has waited; 0 where it is "
            "halted.",
        ),
        Metric(
            "driftwarden.receivers.unreachable",
            "{receiver}",
            ("partition",),
            "Receivers of a team that refuse messages, or fail for more than a minute.",
        ),
        Metric(
            "driftwarden.waiting",
            "{message}",
            ("place",),
            "Refused events, poisoned doorbells and dead letters that wait for an operator.",
        ),
        Metric(
            "driftwarden.unmeasured",
            "{subject}",
            ("subject",),
            "1 where a partition or a place could not be measured in this tick, else 0.",
        ),
        Metric(
            "driftwarden.heartbeat",
            "{tick}",
            (),
            "One per tick, counted after everything was measured; missing ticks mean an outage.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.events.foreign",
            "{event}",
            ("about",),
            "Events about what belongs to others; they are ignored.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.azure_alerts.ignored",
            "{alert}",
            (),
            "Alerts of Azure Monitor that are about no watched resource.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.input.odd",
            "{element}",
            ("list",),
            "Elements of a list from outside that cannot be read; all others of it are used.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.facts.settled",
            "{fact}",
            ("partition", "fact"),
            "Facts processed; counted again when a commit is lost to another worker.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.effects.paid",
            "{effect}",
            OWED,
            "Attempts to perform an effect.",
            Instrument.COUNTER,
        ),
        Metric(
            "driftwarden.effect.duration",
            "s",
            OWED,
            "Time of one attempt.",
            Instrument.HISTOGRAM,
        ),
    )
}

SPANS = {
    span.name: span
    for span in (
        Span("driftwarden.ingest", (), "One event received.", consumes=True),
        Span("driftwarden.work", ("partition",), "One queue message processed.", consumes=True),
        Span(
            "driftwarden.effect",
            OWED,
            "One attempt to perform an effect.",
            duration="driftwarden.effect.duration",
        ),
    )
}

EVENTS = {
    event.name: event
    for event in (
        CustomEvent(
            "driftwarden.declined", ("partition", "effect"), "An effect was refused for good."
        ),
        CustomEvent("driftwarden.halted", ("partition",), "A partition was halted by a defect."),
        *(
            CustomEvent(
                shape.telemetry,
                ("model", *(field.name for field in shape.fields if field.words)),
                f"Published: {shape.description[0].lower()}{shape.description[1:]}",
            )
            for shape in CATALOGUE.values()
        ),
    )
}
