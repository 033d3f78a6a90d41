"""OpenSLO v1 documents, as read from YAML, into objectives.

Supported: kinds SLO, SLI, Service and DataSource; rolling windows, occurrences budgeting, and
indicators whose metric source is of type `driftwarden` with `spec: {sli: availability | latency |
freshness}`. All other content is refused rather than ignored.
Specification: https://github.com/OpenSLO/OpenSLO (version v1).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from engine.errors import Refused
from monitoring.slo.budget import REACH
from monitoring.slo.objective import Objective, Sli
from monitoring.slo.sources.table import SOURCES

Doc = Mapping[str, Any]
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
UNITS["w"] = 7 * UNITS["d"]
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DESCRIPTIVE = ("Service", "DataSource")
KINDS = ("SLO", "SLI", *DESCRIPTIVE)
THRESHOLDS = [one.sli for one in SOURCES.values() if one.threshold]


def parse(documents: Iterable[Doc], where: str = "openslo") -> tuple[Objective, ...]:
    """Every objective of one file's documents; `where` is the file's name in messages.

    Raises `Refused` with file, document, path and what to write instead.
    """
    found = list(documents)
    for number, document in enumerate(found):
        _header(document, f"{where}: document {number + 1}")
    indicators = {
        document["metadata"]["name"]: document["spec"]
        for document in found
        if document["kind"] == "SLI"
    }
    slos = [document for document in found if document["kind"] == "SLO"]
    objectives = [
        objective
        for slo in slos
        for objective in _objectives(slo, indicators, f"{where}: SLO {slo['metadata']['name']}")
    ]
    names = [objective.name for objective in objectives]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"{where}: {name}: two objectives of one name, give each a displayName")
    return tuple(objectives)


def _header(document: Doc, at: str) -> None:
    _fields(document, at, required=("apiVersion", "kind", "metadata", "spec"))
    if document["apiVersion"] != "openslo/v1":
        raise Refused(f"{at}: apiVersion {document['apiVersion']}: only openslo/v1 is read")
    kind = document["kind"]
    if kind not in KINDS:
        raise Refused(f"{at}: kind {kind}: only {', '.join(KINDS)} are read{_near(kind, KINDS)}")
    metadata = document["metadata"]
    _fields(metadata, f"{at}: metadata", ("name",), ("displayName", "labels", "annotations"))
    if not isinstance(metadata["name"], str):
        raise Refused(f"{at}: metadata.name: {metadata['name']!r} is not a string")
    _fields(document["spec"], f"{at}: spec", any_field=True)


def _objectives(slo: Doc, indicators: Mapping[str, Doc], at: str) -> list[Objective]:
    spec, name = slo["spec"], slo["metadata"]["name"]
    _fields(
        spec,
        f"{at}: spec",
        ("service", "timeWindow", "objectives"),
        ("description", "indicator", "indicatorRef", "budgetingMethod"),
    )
    method = spec.get("budgetingMethod", "Occurrences")
    if method != "Occurrences":
        raise Refused(f"{at}: spec.budgetingMethod {method}: only Occurrences is computed")
    window = _window(spec["timeWindow"], f"{at}: spec.timeWindow")
    sli = _sli(*_indicator(spec, indicators, at))
    goals = _several(spec["objectives"], f"{at}: spec.objectives")
    objectives = []
    for i, goal in enumerate(goals):
        place = f"{at}: objectives[{i}]"
        target, threshold = _goal(goal, sli, place)
        full = _named(name, goal, len(goals), place)
        objectives.append(Objective(full, spec["service"], sli, target, window, threshold))
    return objectives


def _goal(goal: Doc, sli: Sli, at: str) -> tuple[float, timedelta | None]:
    """Read the target of one objective, and its threshold where its indicator has one."""
    _fields(goal, at, (), ("displayName", "target", "targetPercent", "op", "value"))
    target = _target(goal, at)
    if SOURCES[sli].threshold:
        return target, _threshold(goal, at)
    for field in ("op", "value"):
        if field in goal:
            raise Refused(f"{at}.{field}: {sli} counts good events and has no threshold")
    return target, None


def _named(name: str, goal: Doc, count: int, at: str) -> str:
    """Name one of `count` objectives of the SLO `name`."""
    if count == 1:
        return name
    if "displayName" not in goal:
        raise Refused(f"{at}: several objectives in one SLO each need a displayName")
    return f"{name}-{goal['displayName']}"


def _target(goal: Doc, at: str) -> float:
    if ("target" in goal) == ("targetPercent" in goal):
        raise Refused(f"{at}: give either target (0.99) or targetPercent (99)")
    field, scale = ("target", 1) if "target" in goal else ("targetPercent", 100)
    value = goal[field]
    if not _number(value) or not 0 < value < scale:
        hint = f", did you mean {value / 100:g}?" if scale == 1 and _percent(value) else ""
        raise Refused(f"{at}.{field}: {value!r} is not between 0 and {scale}, both excluded{hint}")
    return float(value) / scale


def _threshold(goal: Doc, at: str) -> timedelta:
    if goal.get("op", "lte") != "lte":
        raise Refused(f"{at}.op {goal['op']}: only lte is computed (at most the value is good)")
    if "value" not in goal:
        raise Refused(f"{at}.value is missing: seconds, or text as 300ms, 2s, 15m, 1h")
    value = goal["value"]
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", value) if isinstance(value, str) else None
    seconds = float(match[1]) * SECONDS[match[2]] if match else value
    if not _number(seconds) or seconds <= 0:
        raise Refused(
            f"{at}.value: {value!r} is not a positive time; write seconds, or 300ms, 2s, 15m, 1h"
        )
    return timedelta(seconds=float(seconds))


def _window(stated: Any, at: str) -> timedelta:
    windows = _several(stated, at)
    if len(windows) != 1:
        raise Refused(f"{at}: {len(windows)} windows, exactly one is needed")
    window = windows[0]
    _fields(window, f"{at}[0]", ("duration",), ("isRolling", "calendar"))
    if "calendar" in window or window.get("isRolling", True) is not True:
        raise Refused(f"{at}[0]: only rolling windows are computed, write isRolling: true")
    match = re.fullmatch(r"(\d+)([mhdw])", str(window["duration"]))
    length = int(match[1]) * UNITS[match[2]] if match else timedelta(0)
    if not timedelta(days=3) <= length < REACH:
        raise Refused(
            f"{at}[0].duration: {window['duration']!r} must be 3 to 30 days, written as 30d or 4w"
        )
    return length


def _indicator(spec: Doc, indicators: Mapping[str, Doc], at: str) -> tuple[Doc, str]:
    if ("indicator" in spec) == ("indicatorRef" in spec):
        raise Refused(f"{at}: spec: give either indicator or indicatorRef")
    if "indicatorRef" in spec:
        name = spec["indicatorRef"]
        if name not in indicators:
            raise Refused(
                f"{at}: spec.indicatorRef {name}: no SLI of that name{_near(name, indicators)}"
            )
        return indicators[name], f"{at}: SLI {name}"
    place = f"{at}: spec.indicator"
    _fields(spec["indicator"], place, ("spec",), ("metadata",))
    return spec["indicator"]["spec"], f"{place}.spec"


def _sli(spec: Doc, at: str) -> Sli:
    _fields(spec, at, (), ("description", "ratioMetric", "thresholdMetric"))
    if ("ratioMetric" in spec) == ("thresholdMetric" in spec):
        raise Refused(f"{at}: give either ratioMetric or thresholdMetric")
    if "thresholdMetric" in spec:
        sli = _source(spec["thresholdMetric"], f"{at}.thresholdMetric")
        if not SOURCES[sli].threshold:
            raise Refused(f"{at}.thresholdMetric: {sli} is a ratioMetric")
        return sli
    ratio, place = spec["ratioMetric"], f"{at}.ratioMetric"
    _fields(ratio, place, ("total",), ("counter", "good", "bad"))
    parts = [part for part in ("good", "bad", "total") if part in ratio]
    if len(parts) != 2:
        raise Refused(f"{place}: give total and either good or bad")
    found = {part: _source(ratio[part], f"{place}.{part}") for part in parts}
    for part, sli in found.items():
        if SOURCES[sli].threshold:
            raise Refused(f"{place}.{part}: {' and '.join(THRESHOLDS)} are a thresholdMetric")
    if len(set(found.values())) > 1:
        raise Refused(f"{place}: {' and '.join(sorted(set(found.values())))} are different counts")
    return found["total"]


def _source(metric: Any, at: str) -> Sli:
    _fields(metric, at, ("metricSource",))
    source, place = metric["metricSource"], f"{at}.metricSource"
    _fields(source, place, ("type", "spec"), ("metricSourceRef",))
    if source["type"] != "driftwarden":
        raise Refused(f"{place}.type {source['type']}: only driftwarden's own counts are read")
    _fields(source["spec"], f"{place}.spec", ("sli",))
    name = source["spec"]["sli"]
    if name not in set(Sli):
        known = ", ".join(Sli)
        raise Refused(f"{place}.spec.sli {name}: one of {known}{_near(str(name), Sli)}")
    return Sli(name)


def _fields(
    value: Any,
    at: str,
    required: Sequence[str] = (),
    optional: Sequence[str] = (),
    *,
    any_field: bool = False,
) -> None:
    if not isinstance(value, Mapping):
        raise Refused(f"{at}: {value!r} is not a mapping")
    for name in required:
        if name not in value:
            raise Refused(f"{at}: {name} is missing")
    known = (*required, *optional)
    for name in value:
        if not any_field and name not in known:
            raise Refused(f"{at}: {name}: unknown field{_near(str(name), known)}")


def _several(value: Any, at: str) -> Sequence[Any]:
    if not isinstance(value, list) or not value:
        raise Refused(f"{at}: {value!r} is not a list with at least one entry")
    return value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _percent(value: Any) -> bool:
    return _number(value) and 1 < value < 100


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, [str(k) for k in known], n=1)
    return f", did you mean {close[0]}?" if close else ""
