"""Data sources and indicators: where numbers come from, and which of them make a metric."""

from __future__ import annotations

from dataclasses import dataclass

from monitoring.slo.definition import Metric, Ratio, Raw, Source, Threshold
from monitoring.slo.objective import Sli
from monitoring.slo.openslo.kinds import Object, Shelf
from monitoring.slo.openslo.node import Node, description
from monitoring.slo.openslo.values import word
from monitoring.slo.sources.source import Source as Counted
from monitoring.slo.sources.table import SOURCES

#: The type of sources that count what the daemon sees itself.
OWN = "driftwarden"
PARTS = ("good", "bad", "total")


@dataclass(frozen=True)
class Indicator:
    """A metric by name."""

    name: str
    metric: Metric


def data_source(one: Object) -> str:
    """Return the type of a data source; its connection is not ours to read."""
    spec = one.spec(("description", "type", "connectionDetails"))
    description(spec)
    return spec.field("type").text()


def indicator(one: Object, sources: Shelf[str]) -> Indicator:
    """Return the metric of an SLI."""
    spec = one.spec(("description", "thresholdMetric", "ratioMetric"))
    description(spec)
    if spec.has("ratioMetric") == spec.has("thresholdMetric"):
        raise spec.fault("give either ratioMetric or thresholdMetric")
    if spec.has("thresholdMetric"):
        node = spec.field("thresholdMetric")
        source = _source(node, sources)
        if (own := counted(source)) is not None and not own.threshold:
            raise node.fault(f"{own.sli} is a ratioMetric")
        return Indicator(one.metadata.name, Threshold(source))
    return Indicator(one.metadata.name, _ratio(spec.field("ratioMetric"), sources))


def counted(source: Source) -> Counted | None:
    """Return how the daemon counts a source, None where it does not count it itself."""
    return SOURCES[Sli(str(source.spec["sli"]))] if source.type == OWN else None


def timed(source: Source) -> bool:
    """Tell whether a threshold of a source is a time."""
    own = counted(source)
    return own is not None and (own.limits_answers or own.ages)


def _ratio(node: Node, sources: Shelf[str]) -> Ratio | Raw:
    node.fields(("counter", *PARTS, "raw", "rawType"))
    counter = node.get("counter")
    grows = counter is not None and counter.flag()
    if node.has("raw"):
        return _raw(node, sources)
    if node.has("rawType"):
        raise node.at("rawType").fault("says how raw was computed, which is missing")
    parts = [part for part in PARTS if node.has(part)]
    if len(parts) != 2 or "total" not in parts:
        raise node.fault("give total and either good or bad, or raw")
    found = {part: _source(node.field(part), sources) for part in parts}
    own = _own_counts(node, found)
    total = found["total"]
    # Our own counts are of events in a minute: they do not grow.
    return Ratio(total, found.get("good"), found.get("bad"), grows and not own)


def _own_counts(node: Node, found: dict[str, Source]) -> bool:
    """Tell whether both parts are counted by the daemon, as one and the same number."""
    names = set()
    for part, source in found.items():
        own = counted(source)
        if own is not None and own.threshold:
            limited = " and ".join(one.sli for one in SOURCES.values() if one.threshold)
            raise node.field(part).fault(f"{limited} are a thresholdMetric")
        names.add(own.sli if own is not None else "")
    if len(names) > 1:
        told = " and ".join(sorted(name or "another source" for name in names))
        raise node.fault(f"{told} are different counts")
    return names != {""}


def _raw(node: Node, sources: Shelf[str]) -> Raw:
    if [part for part in PARTS if node.has(part)]:
        raise node.fault("give either raw, or total and one of good and bad")
    kind = node.field("rawType").choice(("success", "failure"))
    source = _source(node.field("raw"), sources)
    if source.type == OWN:
        raise node.field("raw").fault(f"type {OWN} counts events: give good and total")
    return Raw(source, kind == "failure")


def _source(metric: Node, sources: Shelf[str]) -> Source:
    node = metric.fields(("metricSource",)).field("metricSource")
    node.fields(("metricSourceRef", "type", "spec"))
    kind = _type(node, sources)
    spec = node.field("spec")
    if kind == OWN:
        return Source(kind, {"sli": spec.fields(("sli",)).field("sli").choice(SOURCES)})
    return Source(kind, dict(spec.mapping()))


def _type(node: Node, sources: Shelf[str]) -> str:
    stated, reference = node.get("type"), node.get("metricSourceRef")
    named = stated.text() if stated is not None else None
    if reference is None:
        if named is None:
            raise node.fault("type is missing; write it, or the metricSourceRef of a DataSource")
        return named
    found = sources.referenced(reference)
    if named is not None and named != found:
        told = f"{word(named)}: DataSource {word(reference.value)} is of type {word(found)}"
        raise node.field("type").fault(told)
    return found
