"""OpenSLO v1 documents, as read from YAML, into objectives.

Supported: kinds SLO, SLI, Service and DataSource; rolling windows, occurrences budgeting, and
indicators whose metric source is of type `driftwarden` with `spec: {sli: availability | latency |
freshness}`. All other content is refused rather than ignored.
Specification: https://github.com/OpenSLO/OpenSLO (version v1).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from engine.errors import Refused
from monitoring.near import near
from monitoring.slo.budget import REACH
from monitoring.slo.objective import Objective, Sli
from monitoring.slo.sources.table import SOURCES
from monitoring.slo.values import fields, number, percent, several, shown, text, word

Doc = Mapping[str, Any]
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
UNITS["w"] = 7 * UNITS["d"]
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DESCRIPTIVE = ("Service", "DataSource")
KINDS = ("SLO", "SLI", *DESCRIPTIVE)
THRESHOLDS = [one.sli for one in SOURCES.values() if one.threshold]


def parse(
    documents: Iterable[Any], where: str = "openslo", lines: Sequence[int] = ()
) -> tuple[Objective, ...]:
    """Every objective of one file's documents, the empty ones left out.

    `where` is the file's name in messages, `lines` has the first line of each document.

    Raises `Refused` with one line for each document at fault: file, document, path and what to
    write instead.
    """
    places = [f"{where}:{line}" for line in lines]
    found = [
        (document, places[number] if places else where, f"document {number + 1}")
        for number, document in enumerate(documents)
        if document is not None
    ]
    wrong: list[str] = []
    for document, place, named in found:
        _collect(wrong, partial(_header, document, f"{place}: {named}"))
    if wrong:
        raise Refused("\n".join(wrong))
    indicators = {
        document["metadata"]["name"]: document["spec"]
        for document, *_ in found
        if document["kind"] == "SLI"
    }
    objectives: list[Objective] = []
    for document, place, _ in found:
        if document["kind"] == "SLO":
            at = f"{place}: SLO {document['metadata']['name']}"
            _collect(wrong, partial(_add, objectives, document, indicators, at))
    names = Counter(objective.name for objective in objectives)
    wrong += [
        f"{where}: {name}: two objectives of one name, give each a displayName"
        for name, times in names.items()
        if times > 1
    ]
    if wrong:
        raise Refused("\n".join(wrong))
    return tuple(objectives)


def _add(found: list[Objective], slo: Doc, indicators: Mapping[str, Doc], at: str) -> None:
    found += _objectives(slo, indicators, at)


def _collect(wrong: list[str], check: Callable[[], None]) -> None:
    try:
        check()
    except Refused as error:
        wrong.append(str(error))


def _header(document: Doc, at: str) -> None:
    fields(document, at, required=("apiVersion", "kind", "metadata", "spec"))
    version = document["apiVersion"]
    if version != "openslo/v1":
        raise Refused(f"{at}: apiVersion {word(version)}: only openslo/v1 is read")
    kind = document["kind"]
    if kind not in KINDS:
        hint = near(word(kind), KINDS)
        raise Refused(f"{at}: kind {word(kind)}: only {', '.join(KINDS)} are read{hint}")
    metadata = document["metadata"]
    fields(metadata, f"{at}: metadata", ("name",), ("displayName", "labels", "annotations"))
    text(metadata["name"], f"{at}: metadata.name")
    fields(document["spec"], f"{at}: spec", any_field=True)


def _objectives(slo: Doc, indicators: Mapping[str, Doc], at: str) -> list[Objective]:
    spec, name = slo["spec"], slo["metadata"]["name"]
    fields(
        spec,
        f"{at}: spec",
        ("service", "timeWindow", "objectives"),
        ("description", "indicator", "indicatorRef", "budgetingMethod"),
    )
    method = spec.get("budgetingMethod", "Occurrences")
    if method != "Occurrences":
        raise Refused(f"{at}: spec.budgetingMethod {word(method)}: only Occurrences is computed")
    window = _window(spec["timeWindow"], f"{at}: spec.timeWindow")
    sli = _sli(*_indicator(spec, indicators, at))
    goals = several(spec["objectives"], f"{at}: spec.objectives")
    service = text(spec["service"], f"{at}: spec.service")
    objectives = []
    for i, goal in enumerate(goals):
        place = f"{at}: objectives[{i}]"
        target, threshold = _goal(goal, sli, place)
        full = _named(name, goal, len(goals), place)
        objectives.append(Objective(full, service, sli, target, window, threshold))
    return objectives


def _goal(goal: Doc, sli: Sli, at: str) -> tuple[float, timedelta | None]:
    """Read the target of one objective, and its threshold where its indicator has one."""
    fields(goal, at, (), ("displayName", "target", "targetPercent", "op", "value"))
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
    return f"{name}-{text(goal['displayName'], f'{at}.displayName')}"


def _target(goal: Doc, at: str) -> float:
    if ("target" in goal) == ("targetPercent" in goal):
        raise Refused(f"{at}: give either target (0.99) or targetPercent (99)")
    field, scale = ("target", 1) if "target" in goal else ("targetPercent", 100)
    value = goal[field]
    if not number(value) or not 0 < value < scale:
        hint = f", did you mean {value / 100:g}?" if scale == 1 and percent(value) else ""
        raise Refused(
            f"{at}.{field}: {shown(value)} is not between 0 and {scale}, both excluded{hint}"
        )
    return float(value) / scale


def _threshold(goal: Doc, at: str) -> timedelta:
    if goal.get("op", "lte") != "lte":
        raise Refused(
            f"{at}.op {word(goal['op'])}: only lte is computed (at most the value is good)"
        )
    if "value" not in goal:
        raise Refused(f"{at}.value is missing: seconds, or text as 300ms, 2s, 15m, 1h")
    value = goal["value"]
    match = (
        re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)", value)
        if isinstance(value, str)
        else None
    )
    seconds = float(match[1]) * SECONDS[match[2]] if match else value
    if not number(seconds) or not 0 < seconds <= REACH.total_seconds():
        raise Refused(
            f"{at}.value: {shown(value)} is not a positive time of at most {REACH.days} days; "
            "write seconds, or 300ms, 2s, 15m, 1h"
        )
    return timedelta(seconds=float(seconds))


def _window(stated: Any, at: str) -> timedelta:
    windows = several(stated, at)
    if len(windows) != 1:
        raise Refused(f"{at}: {len(windows)} windows, exactly one is needed")
    window = windows[0]
    fields(window, f"{at}[0]", ("duration",), ("isRolling", "calendar"))
    if "calendar" in window or window.get("isRolling", True) is not True:
        raise Refused(f"{at}[0]: only rolling windows are computed, write isRolling: true")
    stated = window["duration"]
    match = re.fullmatch(r"(\d{1,6})([mhdw])", stated) if isinstance(stated, str) else None
    length = int(match[1]) * UNITS[match[2]] if match else timedelta(0)
    if not timedelta(days=3) <= length < REACH:
        raise Refused(
            f"{at}[0].duration: {shown(stated)} must be 3 to 30 days, written as 30d or 4w"
        )
    return length


def _indicator(spec: Doc, indicators: Mapping[str, Doc], at: str) -> tuple[Doc, str]:
    if ("indicator" in spec) == ("indicatorRef" in spec):
        raise Refused(f"{at}: spec: give either indicator or indicatorRef")
    if "indicatorRef" in spec:
        name = text(spec["indicatorRef"], f"{at}: spec.indicatorRef")
        if name not in indicators:
            raise Refused(
                f"{at}: spec.indicatorRef {name}: no SLI of that name{near(name, indicators)}"
            )
        return indicators[name], f"{at}: SLI {name}"
    place = f"{at}: spec.indicator"
    fields(spec["indicator"], place, ("spec",), ("metadata",))
    return spec["indicator"]["spec"], f"{place}.spec"


def _sli(spec: Doc, at: str) -> Sli:
    fields(spec, at, (), ("description", "ratioMetric", "thresholdMetric"))
    if ("ratioMetric" in spec) == ("thresholdMetric" in spec):
        raise Refused(f"{at}: give either ratioMetric or thresholdMetric")
    if "thresholdMetric" in spec:
        sli = _source(spec["thresholdMetric"], f"{at}.thresholdMetric")
        if not SOURCES[sli].threshold:
            raise Refused(f"{at}.thresholdMetric: {sli} is a ratioMetric")
        return sli
    ratio, place = spec["ratioMetric"], f"{at}.ratioMetric"
    fields(ratio, place, ("total",), ("counter", "good", "bad"))
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
    fields(metric, at, ("metricSource",))
    source, place = metric["metricSource"], f"{at}.metricSource"
    fields(source, place, ("type", "spec"), ("metricSourceRef",))
    if source["type"] != "driftwarden":
        raise Refused(
            f"{place}.type {word(source['type'])}: only driftwarden's own counts are read"
        )
    fields(source["spec"], f"{place}.spec", ("sli",))
    name = source["spec"]["sli"]
    if name not in list(Sli):
        known = ", ".join(Sli)
        raise Refused(f"{place}.spec.sli {word(name)}: one of {known}{near(word(name), Sli)}")
    return Sli(name)
