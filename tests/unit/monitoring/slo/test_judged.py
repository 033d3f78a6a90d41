"""What a daemon judges of OpenSLO documents, and how precisely the rest is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from engine.errors import Refused
from fleet.document.text import Text
from monitoring.slo.judged import judged
from monitoring.slo.objective import Objective, Sli
from monitoring.slo.openslo.documents import read

TEXT = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: answers}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: driftwarden, spec: {sli: availability}}}
    total: {metricSource: {type: driftwarden, spec: {sli: availability}}}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: flights, displayName: Late arrivals}
spec: {description: scores departures}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: flights-up}
spec:
  service: flights
  indicatorRef: answers
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.995}]
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: flights-fast}
spec:
  service: flights
  indicator:
    metadata: {name: answer-time}
    spec:
      thresholdMetric: {metricSource: {type: driftwarden, spec: {sli: latency}}}
  timeWindow: [{duration: 4w, isRolling: true}]
  objectives:
    - {displayName: most, targetPercent: 99, op: lte, value: 300ms}
    - {displayName: all, target: 0.999, value: 2}
"""


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(TEXT))


def parse(values: list[Any], where: str, lines: Sequence[int] = ()) -> tuple[Objective, ...]:
    """Return the objectives that a daemon judges of documents, as a model of a fleet has them."""
    places = lines or [1] * len(values)
    texts = [Text(where, value, {(): line}) for value, line in zip(values, places, strict=True)]
    found = read(texts)
    wrong = [str(problem) for problem in found.errors]
    objectives: list[Objective] = []
    for slo in found.slos:
        try:
            objectives += judged(slo)
        except Refused as error:
            wrong.append(str(error))
    if wrong:
        raise Refused("\n".join(wrong))
    return tuple(objectives)


def test_objectives_are_read_whole() -> None:
    month, weeks = timedelta(days=30), timedelta(weeks=4)
    latency = ("flights", Sli.LATENCY)
    assert parse(documents(), "flights.yaml") == (
        Objective("flights-up", "flights", Sli.AVAILABILITY, 0.995, month),
        Objective("flights-fast-most", *latency, 0.99, weeks, timedelta(milliseconds=300)),
        Objective("flights-fast-all", *latency, 0.999, weeks, timedelta(seconds=2)),
    )


def at(document: int, path: str) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    every = documents()
    place: Any = every[document]
    *way, last = path.split(".")
    for name in way:
        place = place[int(name)] if isinstance(place, list) else place[name]
    return place, every, last


UP, FAST, GONE = 2, 3, object()


@pytest.mark.parametrize(
    ("document", "path", "value", "complaint"),
    [
        (0, "apiVersion", "openslo/v2", "document 1: apiVersion: openslo/v2: only openslo/v1"),
        (
            UP,
            "kind",
            "Slo",
            "document 3: kind: Slo: one of SLO, SLI, Service, DataSource, Alert",
        ),
        (UP, "metadata.name", GONE, "document 3: metadata: name is missing"),
        (UP, "metadata.name", 7, "metadata.name: 7 is not a string"),
        (UP, "spec", [], r"SLO flights-up: spec: \[\] is not a mapping"),
        (UP, "spec.service", GONE, "SLO flights-up: spec: service is missing"),
        (UP, "spec.objektives", [], "spec.objektives: unknown field, did you mean objectives"),
        (
            UP,
            "spec.budgetingMethod",
            "Timeslices",
            "timeSliceWindow is missing; budgetingMethod Timeslices",
        ),
        (UP, "spec.indicatorRef", "answer", "no SLI answer, did you mean answers"),
        (UP, "spec.indicatorRef", GONE, "spec: give either indicator or indicatorRef"),
        (UP, "spec.timeWindow", {}, r"spec.timeWindow: \{\} is not a list"),
        (UP, "spec.timeWindow.0.duration", "2M", "timeWindow: 60 d must be 3 to 30 days, as in 30"),
        (
            UP,
            "spec.timeWindow.0.duration",
            "9" * 50 + "d",
            "9d' is no duration; write a whole numb",
        ),
        (FAST, "spec.objectives.0.value", "9" * 50 + "h", "9h' is not a positive time of at most"),
        (UP, "spec.timeWindow.0.duration", "1d", "timeWindow: 1 d must be 3 to 30 days"),
        (UP, "spec.timeWindow.0.isRolling", False, "that is not rolling needs a calendar"),
        (UP, "spec.objectives", [], r"spec.objectives: \[\] is not a list with at least one"),
        (UP, "spec.objectives.0.target", 1, "target: 1 is not from 0 to below 1"),
        (UP, "spec.objectives.0.target", 99.5, "99.5 is not from 0 to below 1, did you mean 0.995"),
        (UP, "spec.objectives.0.target", GONE, "give either target"),
        (
            UP,
            "spec.objectives.0.target",
            0,
            "flights-up: target 0 is always met, and is not judged",
        ),
        (UP, "spec.objectives.0.value", 3, "availability counts good events and has no threshold"),
        (FAST, "spec.objectives.0.value", GONE, r"objectives\[0\]: value is missing: seconds, or"),
        (
            FAST,
            "spec.objectives.0.value",
            "soon",
            "'soon' is not a positive time of at most 31 days; write seconds",
        ),
        (FAST, "spec.objectives.0.op", "gte", "op gte: only lte is judged, at most value is good"),
        (FAST, "spec.objectives.0.displayName", "all", "flights-fast-all: two objectives of one"),
        (
            FAST,
            "spec.indicator.spec.thresholdMetric.metricSource.type",
            "Prometheus",
            "spec.objectives.0..value: '300ms' is not a number; write digits",
        ),
        (
            FAST,
            "spec.indicator.spec.thresholdMetric.metricSource.spec.sli",
            "latencies",
            "sli: latencies: one of availability, latency, freshness.*, did you mean latency",
        ),
        (
            FAST,
            "spec.indicator.spec.thresholdMetric.metricSource.spec.sli",
            "availability",
            "thresholdMetric: availability is a ratioMetric",
        ),
        (0, "spec.ratioMetric.good", GONE, "ratioMetric: give total and either good or bad"),
        (
            0,
            "spec.ratioMetric.good.metricSource.spec.sli",
            "freshness",
            "ratioMetric.good: latency and freshness are a thresholdMetric",
        ),
        (0, "spec.thresholdMetric", {}, "give either ratioMetric or thresholdMetric"),
    ],
)
def test_everything_else_is_refused_with_its_place(
    document: int, path: str, value: object, complaint: str
) -> None:
    place, every, last = at(document, path)
    if isinstance(place, list):
        place[int(last)] = value
    elif value is GONE:
        del place[last]
    else:
        place[last] = value
    with pytest.raises(Refused, match=complaint) as refusal:
        parse(every, "slo.yaml")
    assert str(refusal.value).startswith("slo.yaml:1: ")
    assert "\n" not in str(refusal.value)


def test_a_file_without_objectives_has_none() -> None:
    assert parse([], "slo.yaml") == ()


#: Values that YAML can hold, none of which means anything in any field below.
ODD: list[Any] = [
    float("inf"), float("-inf"), float("nan"), 1e20, 1e308, -1, 0, 10**30, 16**5000, True, None, "",
    " ", "x" * 200, [], [1], {}, {"a": 1}, {1, 2}, b"x", date(2026, 1, 1), "\n", "a\0",
]  # fmt: skip
FIELDS = [
    (0, "apiVersion"), (0, "kind"), (0, "spec.ratioMetric.good.metricSource.type"),
    (0, "spec.ratioMetric.good.metricSource.spec.sli"), (UP, "metadata.name"), (UP, "spec.service"),
    (UP, "spec.indicatorRef"), (UP, "spec.timeWindow"), (UP, "spec.timeWindow.0.duration"),
    (UP, "spec.budgetingMethod"), (UP, "spec.objectives"), (UP, "spec.objectives.0.target"),
    (FAST, "spec.objectives.0.value"), (FAST, "spec.objectives.1.targetPercent"),
    (FAST, "spec.objectives.0.displayName"), (FAST, "spec.objectives.0.op"),
    (FAST, "spec.indicator.spec.thresholdMetric"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "path"), FIELDS)
def test_no_value_of_any_type_is_more_than_a_refusal(document: int, path: str) -> None:
    for value in ODD:
        place, every, last = at(document, path)
        place[int(last) if isinstance(place, list) else last] = value
        with pytest.raises(Refused) as refusal:
            parse(every, "slo.yaml")
        for line in str(refusal.value).splitlines():
            assert line.startswith("slo.yaml:1: ")
            assert len(line) < 300


@pytest.mark.parametrize("document", [7, "text", date(2026, 1, 1), [], 1e400])
def test_a_document_that_is_no_mapping_is_refused(document: Any) -> None:
    with pytest.raises(Refused, match=r"slo\.yaml:9: document 5: .* is not a mapping"):
        parse([*documents(), document], "slo.yaml", [1, 2, 3, 4, 9])


def test_the_faults_of_all_documents_are_told_with_their_lines() -> None:
    every = documents()
    every[UP]["spec"]["objectives"][0]["target"] = 7
    every[FAST]["spec"]["timeWindow"][0]["duration"] = "1000d"
    with pytest.raises(Refused) as refusal:
        parse([None, *every], "slo.yaml", [1, 2, 10, 20, 30])
    assert [line[:30] for line in str(refusal.value).splitlines()] == [
        "slo.yaml:20: SLO flights-up: s",
        "slo.yaml:30: SLO flights-fast:",
    ]
    every[0]["kind"], every[1]["apiVersion"] = "Slo", "v2"
    with pytest.raises(
        Refused, match=r"slo\.yaml:2: document 2: kind: Slo(.|\n)*slo\.yaml:10: docu"
    ):
        parse([None, *every], "slo.yaml", [1, 2, 10, 20, 30])


def test_an_empty_document_is_none() -> None:
    assert len(parse([None, *documents(), None], "slo.yaml")) == 3


WEEK = {"startTime": "2026-01-01 00:00", "timeZone": "UTC"}
SLICES = [{"target": 0.9, "timeSliceTarget": 0.5, "timeSliceWindow": 5}]
OTHER = {"metricSource": {"type": "kql", "spec": {"query": "x"}}}
POLICY = {
    "metadata": {"name": "own"},
    "spec": {
        "conditions": [
            {
                "metadata": {"name": "fast"},
                "spec": {
                    "severity": "page",
                    "condition": {"op": "gt", "threshold": 2, "lookbackWindow": "1h"},
                },
            }
        ],
        "notificationTargets": [{"metadata": {"name": "a"}, "spec": {"target": "a"}}],
    },
}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"budgetingMethod": "Timeslices", "objectives": SLICES},
            "budgetingMethod Timeslices: only Occurrences is judged by a daemon",
        ),
        (
            {"budgetingMethod": "RatioTimeslices", "objectives": SLICES},
            "budgetingMethod RatioTimeslices: only Occurrences is judged by a daemon",
        ),
        (
            {"timeWindow": [{"duration": "1w", "calendar": WEEK}]},
            "timeWindow: only rolling windows are judged, write isRolling: true",
        ),
        ({"alertPolicies": [POLICY]}, "alertPolicies own: a daemon judges the built-in ones alone"),
        (
            {
                "indicator": {"spec": {"ratioMetric": {"good": OTHER, "total": OTHER}}},
            },
            "metricSource type kql: only driftwarden's own counts are judged by a daemon",
        ),
        (
            {
                "indicator": {"spec": {"ratioMetric": {"raw": OTHER, "rawType": "success"}}},
            },
            "metricSource type kql: only driftwarden's own counts are judged by a daemon",
        ),
        (
            {
                "indicator": {"spec": {"thresholdMetric": OTHER}},
                "objectives": [{"op": "lt", "value": 3, "target": 0.9}],
            },
            "metricSource type kql: only driftwarden's own counts are judged by a daemon",
        ),
    ],
)
def test_what_is_read_and_not_judged_yet_is_refused_in_a_line(
    changes: dict[str, object], complaint: str
) -> None:
    every = documents()
    if "indicator" in changes:
        del every[UP]["spec"]["indicatorRef"]
    every[UP]["spec"] |= changes
    with pytest.raises(Refused) as refusal:
        parse(every, "slo.yaml")
    assert str(refusal.value) == f"slo.yaml:1: SLO flights-up: {complaint}"


@pytest.mark.parametrize(("duration", "days"), [("1M", 30), ("30d", 30), ("3d", 3), ("72h", 3)])
def test_windows_of_three_to_thirty_days_are_judged(duration: str, days: int) -> None:
    every = documents()
    every[UP]["spec"]["timeWindow"][0]["duration"] = duration
    assert parse(every, "slo.yaml")[0].window == timedelta(days=days)


def test_several_objectives_without_a_name_are_called_by_their_target() -> None:
    every = documents()
    goals = every[FAST]["spec"]["objectives"]
    for goal in goals:
        goal.pop("displayName")
    assert [one.name for one in parse(every, "slo.yaml")][1:] == [
        "flights-fast-99",
        "flights-fast-99.9",
    ]
    goals[1] = goals[0]
    with pytest.raises(Refused, match=r"flights-fast-99: two objectives of one name, give each a"):
        parse(every, "slo.yaml")
