"""Whole documents: what is accepted, what is refused or told, and on which line."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from fleet.document.objectives import objectives
from monitoring.slo.definition import (
    AlertPolicy,
    Calendar,
    Condition,
    Level,
    Method,
    Objective,
    Op,
    Ratio,
    Raw,
    Rolling,
    Slo,
    Source,
    Threshold,
    Unit,
)
from tests.unit.monitoring.slo.openslo.cases import (
    CALENDAR,
    LIMITED,
    SLICED,
    TEXT,
    edited,
    line_of,
    one,
    reading,
    told,
)

Edit = tuple[str, str]
DAY = timedelta(days=1)


def test_every_kind_is_read_whole() -> None:
    found = reading()
    assert found.problems == ()
    assert found.slos == (
        Slo(
            name="shop-answers",
            service="shop",
            metric=Ratio(
                total=Source("Prometheus", {"query": "all"}),
                good=Source("Prometheus", {"query": "good"}),
                counter=True,
            ),
            window=Rolling(28 * DAY),
            method=Method.OCCURRENCES,
            objectives=(Objective("shop-answers", Fraction(999, 1000)),),
            policies=(
                AlertPolicy(
                    "burning",
                    (
                        Condition(
                            "fast",
                            "page",
                            Op.GT,
                            Fraction(72, 5),
                            timedelta(hours=1),
                            timedelta(minutes=2),
                        ),
                    ),
                    resolved=True,
                    guarded=True,
                    targets=("pager",),
                ),
            ),
            display="Answers",
            description="promised to customers",
            labels={"tier": ("one",)},
            annotations={"driftwarden.io/runbook": "https://wiki/shop"},
            where="slo.yaml:64",
            indicator="answered",
        ),
    )


INLINE = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: inline}
spec:
  service: shop
  indicator:
    metadata: {name: satisfied}
    spec: {ratioMetric: {rawType: failure, raw: {metricSource: {type: X, spec: {q: 1}}}}}
  timeWindow: [{duration: 1M, calendar: {startTime: "2026-01-01 00:00", timeZone: UTC}}]
  budgetingMethod: RatioTimeslices
  objectives: [{displayName: good, targetPercent: 99.95, timeSliceWindow: 5}]
  alertPolicies:
    - kind: AlertPolicy
      metadata: {name: own}
      spec:
        alertWhenNoData: true
        conditions:
          - kind: AlertCondition
            metadata: {name: slow}
            spec:
              severity: sev2
              condition: {op: gte, threshold: 1, lookbackWindow: 3d}
        notificationTargets:
          - kind: AlertNotificationTarget
            metadata: {name: mail}
            spec: {target: email}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {}
"""


def test_everything_may_be_inline() -> None:
    found = reading(text=INLINE)
    assert found.problems == ()
    (slo,) = found.slos
    assert slo.metric == Raw(Source("X", {"q": 1}), failure=True)
    assert slo.indicator == "satisfied"
    assert slo.window == Calendar(1, Unit.MONTH, datetime(2026, 1, 1), "UTC")
    assert slo.objectives == (
        Objective("inline", Fraction(9995, 10000), slice_window=timedelta(minutes=5)),
    )
    slow = Condition("slow", "sev2", Op.GTE, Fraction(1), 3 * DAY)
    assert slo.policies == (AlertPolicy("own", (slow,), no_data=True, targets=("email",)),)


#: Texts that are read without a word.
ACCEPTED: list[tuple[Edit, ...]] = [
    (),
    SLICED,
    LIMITED,
    (CALENDAR,),
    (CALENDAR, ("28d", "1M")),
    (CALENDAR, ("28d", "2Q")),
    (CALENDAR, ("28d", "1Y")),
    (CALENDAR, ("28d", "1w")),
    (CALENDAR, ("28d", "12h")),
    (CALENDAR, ("28d", "90m")),
    ((CALENDAR[0], CALENDAR[1] + "      isRolling: false\n"),),
    (("      isRolling: true\n", ""),),
    (("28d", "4w"),),
    (("28d", "365d"),),
    (("28d", "720h"),),
    (("target: 0.999", "targetPercent: 99.9"),),
    (("target: 0.999", "target: .95"),),
    (("target: 0.999", "{target: 0.99, displayName: a}\n    - {target: 0.999, displayName: b}"),),
    (("target: 0.999", "{target: 0.99}\n    - {target: 0.999}"),),
    (("target: 0.999", "{target: 0.999, compositeWeight: 1}"),),
    (("  indicatorRef: answered\n", ""), ("- target:", "- indicatorRef: answered\n      target:")),
    (("good:", "bad:"),),
    (("    counter: true\n", ""),),
    (("counter: true", "counter: false"),),
    (("op: gt", "op: gte"),),
    (("threshold: 14.4", "threshold: 2"),),
    (("    alertAfter: 2m\n", ""),),
    (("alertAfter: 2m", "alertAfter: 0m"),),
    (("    kind: burnrate\n", ""),),
    (("severity: page", "severity: sev1"),),
    (("  alertWhenResolved: true\n  alertWhenNoData: false\n", ""),),
    (("alertWhenNoData: false", "alertWhenNoData: true"),),
    (("  alertPolicies:\n    - alertPolicyRef: burning\n", "  alertPolicies:\n"),),
    (("  alertPolicies:\n    - alertPolicyRef: burning\n", "  alertPolicies: []\n"),),
    (("- conditionRef: fast", "- operator: and\n      conditionRef: fast"),),
    (("name: duty}", "name: OnCallDevops}"), ("targetRef: duty", "targetRef: OnCallDevops")),
    (("name: shop-answers", "name: shop_answers.v2"),),
    (("labels: {tier: one}", "labels: {a.b/c_d: one}"), ("a.b/c_d", "a.b-c_d")),
    (("{driftwarden.io/runbook:", "{other.example/any: x, plain: y, driftwarden.io/runbook:"),),
    (('guard: "true"', 'guard: "false"'),),
    (('guard: "true"', 'multiwindow: "true"'),),
    (("spec: {description: sells}", "spec:"),),
    (("spec: {description: sells}\n", ""),),
    (("description: promised to customers", "description: |\n    two\n    lines"),),
]  # fmt: skip


@pytest.mark.parametrize("changes", ACCEPTED, ids=range(len(ACCEPTED)))
def test_these_are_read_without_a_word(changes: tuple[Edit, ...]) -> None:
    found = reading(*changes)
    assert told(found) == []
    assert len(found.slos) == 1


#: An edit, a text on the line that is told, and the end of the message about it.
WARNED: list[tuple[tuple[Edit, ...], str, str]] = [
    ((("28d", "1M"),), "duration", "1M has no fixed length in OpenSLO; 30 days are used, write 30"),
    ((("28d", "1Q"),), "duration", "1Q has no fixed length in OpenSLO; 90 days are used, write 90"),
    ((("28d", "2Y"),), "duration", "2Y has no fixed length in OpenSLO; 730 days are used, write 7"),
    ((CALENDAR, ("28d", "1m")), "duration", "'1m' is 1 min; months are written 1M"),
    ((("service: shop", "service: market"),), "service: market", "no Service market among these"),
    ((("  budgetingMethod: Occurrences\n", ""),), "spec", "budgetingMethod is missing; Occurrence"),
    (
        (("  timeWindow:\n    - duration: 28d\n      isRolling: true\n", ""),),
        "spec", "timeWindow is missing and has no default in OpenSLO; 30 days are used",
    ),
    ((("target: 0.999", "{target: 0.999, op: gt}"),), "op: gt}", "no effect on a ratioMetric"),
    ((("target: 0.999", "target: 0"),), "- target", "a target of 0 is always met"),
    ((("target: 0.999", "targetPercent: 0.999"),), "- target", "0.999 is less than one per cent"),
    (
        (("- target: 0.999", "- {target: 0.999, timeSliceTarget: 0.9}"),),
        "- {target", "has no effect with budgetingMethod Occurrences",
    ),
    (
        (*LIMITED, ("value: 100.5}", "value: 100}\n    - {target: 0.99, op: lt, value: 9}")),
        "objectives:", "2 objectives of a thresholdMetric, where OpenSLO v1 allows one",
    ),
    ((*LIMITED, ("op: lt, ", "")), "value: 100.5", "op is missing: lte is used"),
    ((("op: gt", "op: lte"),), "op: lte", "lte fires while the burn rate is at most 14.4, also of"),
    ((("op: gt", "op: lt"),), "op: lt", "lt fires while the burn rate is below 14.4, also of a"),
    (
        (("op: gt", "op: gte"), ("threshold: 14.4", "threshold: 0")), "op: gte",
        "gte 0 always fires",
    ),
    ((("lookbackWindow: 1h", "lookbackWindow: 1M"),), "lookback", "30 days are used"),
    ((("lookbackWindow: 1h", "lookbackWindow: 29d"),), "objectives:", "back 29 d, to before"),
    (
        (*SLICED, ("timeSliceWindow: 5m", "timeSliceWindow: 1d")), "objectives:",
        "looks back 1 h, less than a slice of 1 d",
    ),
    (
        (("- target: 0.999", "- target: 0.93"),), "threshold",
        "never fires for SLO shop-answers: with target 93 % of shop-answers the burn rate is at "
        "most 14.2857",
    ),
    (
        (("- target: 0.999", "- target: 0.99"), ("threshold: 14.4", "threshold: 100")), "threshold",
        "the burn rate is at most 100",
    ),
    (
        (("    - conditionRef: fast", "    - conditionRef: fast\n    - conditionRef: fast"),),
        "conditions:", "2 conditions, where OpenSLO v1 allows one; the policy fires when all hold",
    ),
    (
        (
            ("alertWhenBreaching: true", "alertWhenBreaching: false"),
            ("alertWhenResolved: true", "alertWhenResolved: false"),
        ),
        "spec:", "notifies of nothing",
    ),
    ((("- alertPolicyRef: burning", "- burning"),), "- burning", "write alertPolicyRef: burning"),
    ((("name: shop\n", "name: a shop\n"), ("service: shop", "service: a shop")), "a shop", "RFC 1"),
    ((("tier: one}\nspec", "tier: 1}\nspec"),), "tier: 1}", "1 is taken as text; write it in quot"),
    ((("tier: one}\nspec", "tier: 1.50}\nspec"),), "tier: 1.50", "1.50 is taken as text"),
    ((('guard: "true"', "guard: true"),), "guard", "true is taken as text; write it in quotes"),
    ((("tier: one}\nspec", "-tier: one}\nspec"),), "-tier", "a key has at most 63 letters"),
    ((("driftwarden.io/runbook:", "openslo.com/x:"),), "openslo.com/x", "reserved for OpenSLO"),
    ((("driftwarden.io/runbook:", "Bad_Domain/x:"),), "Bad_Domain", "after an optional domain"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "marker", "said"), WARNED, ids=range(len(WARNED)))
def test_these_are_read_with_a_warning(changes: tuple[Edit, ...], marker: str, said: str) -> None:
    found = reading(*changes)
    assert found.errors == ()
    assert len(found.slos) == 1
    (problem,) = (one for one in found.warnings if said in one.text)
    assert marker in edited(*changes).splitlines()[problem.line - 1]


#: An edit, a text on the line that is told, and the end of the message about it.
REFUSED: list[tuple[tuple[Edit, ...], str, str]] = [
    ((("openslo/v1\n", "openslo/v2\n"),), "openslo/v2", "document 1: apiVersion: openslo/v2: only"),
    ((("openslo/v1\n", "openslo/v1alpha\n"),), "v1alpha", "is an older format, with timeWindows o"),
    ((("openslo/v1\n", "openslo.com/v2alpha\n"),), "v2alpha", "a draft that drops the durations M"),
    ((("apiVersion: openslo/v1\n", ""),), "kind: DataSource", "apiVersion is missing; an OpenSLO"),
    ((("kind: Service", "kind: Services"),), "kind: Services", "Services: one of SLO, SLI, Servic"),
    ((("metadata: {name: prom}", "metadata: {}"),), "metadata: {}", "document 1: metadata: name i"),
    ((("name: shop\n", "name:\n"),), "name:", "document 2: metadata.name: is empty; write a v"),
    ((("name: shop\n", "name: [shop]\n"),), "name: [", "['shop'] is not a string"),
    ((("name: shop\n", "nome: shop\n"),), "nome: shop", "nome: unknown field, did you mean name?"),
    ((("kind: Service", "kind: Service\nstatus: {}"),), "status", "status: unknown field"),
    ((("  displayName: Web shop", "  displayName: 7"),), "displayName: 7", "7 is not a string"),
    ((("team: [web, search]", "team: [web, {}]"),), "team", "labels.team[1]: {} is not a string"),
    ((("team: [web, search]", "team: []"),), "team", "labels.team: [] is not a string"),
    ((('guard: "true"', 'guard: "on"'),), "guard", "'on': write \"true\" or \"false\""),
    ((('guard: "true"', 'gard: "true"'),), "gard", "no annotation of this name, did you mean drif"),
    ((("runbook:", "guard:"),), "driftwarden.io/guard: \"https", "belongs to kind AlertPolicy"),
    ((('"https://wiki/shop"', "wiki"),), "runbook", "'wiki': write a link that begins with https"),
    ((("{description: sells}", f"{{description: {'x' * 1051}}}"),), "xx", "1,051 characters; Open"),
    ((("{description: sells}", "{about: sells}"),), "about", "about: unknown field"),
    ((("type: Prometheus, connection", "connection"),), "connection", "spec: type is missing"),
    ((("type: Prometheus, spec", "type: Datadog, spec"),), "Datadog", "DataSource prom is of type"),
    ((("{metricSourceRef: prom, spec", "{spec"),), "query: good", "type is missing; write it, or"),
    ((("{metricSourceRef: prom, spec", "{metricSourceRef: prod, spec"),), "prod", "no DataSource "),
    ((("spec: {query: good}", "spec: good"),), "spec: good", "metricSource.spec: 'good' is not a "),
    ((("    total:\n", "    bad:\n"),), "ratioMetric", "give total and either good or bad, or raw"),
    ((("    total:\n", "    raw:\n"),), "ratioMetric", "give either raw, or total and one of good"),
    ((("counter: true", "rawType: success"),), "rawType", "says how raw was computed, which is mi"),
    ((("counter: true", "counter: maybe"),), "counter", "'maybe' is neither true nor false"),
    ((("  thresholdMetric:", "  ratioMetric: {}\n  thresholdMetric:"),), "spec:", "give eit"),
    ((("  service: shop\n", ""),), "spec:", "spec: service is missing"),
    ((("indicatorRef: answered", "indicatorRef: answer"),), "Ref: answer", "no SLI answer, did yo"),
    ((("  indicatorRef: answered\n", ""),), "spec:", "give either indicator or indi"),
    ((("28d", "30"),), "duration", "30 is no duration; write a whole number and a unit"),
    ((("28d", "28D"),), "duration", "'28D' is no duration"),
    ((("28d", "-28d"),), "duration", "'-28d' is no duration"),
    ((("28d", "1.5d"),), "duration", "'1.5d' is no duration"),
    ((("28d", "0d"),), "duration", "'0d' is no time"),
    ((("28d", "11Y"),), "duration", "'11Y' is longer than ten years"),
    ((("isRolling: true", "isRolling: false"),), "duration", "a window that is not rolling needs "),
    (((CALENDAR[0], CALENDAR[0] + CALENDAR[1]),), "duration", "a rolling window has no calendar"),
    ((CALENDAR, ("Asia/Kathmandu", "Asia/Katmandoo")), "calendar", "no zone of the IANA database,"),
    ((CALENDAR, ("Asia/Kathmandu", "../UTC")), "calendar", "../UTC: no zone of the IANA database"),
    ((CALENDAR, ("12:30:00", "12:30:00Z")), "calendar", "has a zone, which timeZone names; write "),
    ((CALENDAR, (" 12:30:00", "")), "calendar", "is no date with a time; write local time as 2026"),
    ((CALENDAR, ("12:30:00", "12:30:30")), "calendar", "is not on a whole minute"),
    ((CALENDAR, ("2026-01-31 12:30:00", '"2026-02-31 12:30"')), "calendar", "day is out of range"),
    ((CALENDAR, ("2026", "1026")), "calendar", "is not in the years 1970 to 2199"),
    ((CALENDAR, (", timeZone: Asia/Kathmandu", "")), "calendar", "timeZone is missing"),
    (
        (("    - duration: 28d", "    - duration: 7d\n    - duration: 28d"),), "timeWindow",
        "2 windows, exactly one is needed",
    ),
    ((("Occurrences", "Occurences"),), "Occurences", "Occurences: one of Occurrences, Timeslices,"),
    ((("    - target: 0.999\n", ""),), "objectives:", "spec.objectives: is empty"),
    ((("- target: 0.999", "- displayName: x"),), "- displayName: x", "give either target (0.99) o"),
    (
        (("- target: 0.999", "- {target: 0.999, targetPercent: 99.9}"),), "- {target",
        "give either target (0.99) or targetPercent (99)",
    ),
    ((("target: 0.999", "target: 1"),), "- target", "1 is not from 0 to below 1"),
    ((("target: 0.999", "target: 99.5"),), "- target", "99.5 is not from 0 to below 1, did you me"),
    ((("target: 0.999", 'target: "0.999"'),), "- target", "'0.999' is not a number; write digits,"),
    ((("target: 0.999", "target: .nan"),), "- target", "nan is too large"),
    ((("target: 0.999", "targetPercent: 100"),), "- target", "100 is not from 0 to below 100"),
    ((("target: 0.999", "target: -0.1"),), "- target", "-0.1 is not from 0 to below 1"),
    ((("- target: 0.999", "- {target: 0.9, value: 3}"),), "value: 3", "a ratioMetric and has no t"),
    ((*LIMITED, (", value: 100.5", "")), "op: lt", "value is missing: the limit, a number"),
    ((*LIMITED, ("value: 100.5", "value: 300ms")), "300ms", "'300ms' is not a number"),
    ((*LIMITED, ("op: lt", "op: eq")), "op: eq", "op: eq: one of lte, lt, gte, gt"),
    (
        (
            ("- target: 0.999", "- {target: 0.9, displayName: a}\n    - {target: 0.8, displayName: "
             "a}"),
        ),
        "0.8", "shop-answers-a: two objectives of one name, give each a displayName",
    ),
    (
        (("- target: 0.999", "- target: 0.9\n    - target: 0.9"),), "- target: 0.9",
        "shop-answers-90: two objectives of one name",
    ),
    ((*SLICED, (", timeSliceTarget: 0.95", "")), "timeSliceWindow", "timeSliceTarget is missing"),
    ((*SLICED, (", timeSliceWindow: 5m", "")), "timeSliceTarget", "timeSliceWindow is missing"),
    ((*SLICED, ("0.95", "0")), "timeSliceTarget", "0 is not above 0 and at most 1"),
    ((*SLICED, ("0.95", "95")), "timeSliceTarget", "95 is not above 0 and at most 1, did you mean"),
    ((*SLICED, (": 5m", ": 0.5")), "timeSliceWindow", "0.5 is no whole number of minutes"),
    ((*SLICED, (": 5m", ": 0")), "timeSliceWindow", "0 is no whole number of minutes"),
    ((*SLICED, (": 5m", ": 1M")), "timeSliceWindow", "'1M': a month has no fixed length"),
    ((*SLICED, (": 5m", ": 29d"), ("1h", "27d")), "objectives", "a slice of 29 d is longer than "),
    (
        (("- target: 0.999", "- {target: 0.9, compositeWeight: 2}"),), "compositeWeight",
        "composites are not computed; write an SLO for each indicator",
    ),
    (
        (
            ("- target: 0.999", "- {target: 0.9, indicatorRef: queue}\n    - {target: 0.8, "
             "indicatorRef: answered}"),
        ),
        "queue}", "a composite of 2 indicators is not computed",
    ),
    (
        (("- target: 0.999", "- {target: 0.9, indicatorRef: queue}"),), "queue}",
        "the SLO has an indicator already",
    ),
    ((("alertPolicyRef: burning", "alertPolicyRef: burn"),), "Ref: burn", "no AlertPolicy burn, d"),
    ((("alertPolicyRef: burning", "policy: burning"),), "policy: burning", "write alertPolicyRef,"),
    ((("conditionRef: fast", "conditionRef: slow"),), "Ref: slow", "no AlertCondition slow"),
    ((("conditionRef: fast", "foo: bar"),), "foo: bar", "write conditionRef, or an AlertCondition"),
    ((("- conditionRef: fast", "- operator: or\n      conditionRef: fast"),), "or", "or: one of a"),
    ((("    - conditionRef: fast\n", ""),), "conditions:", "spec.conditions: is empty"),
    ((("targetRef: duty", "targetRef: nobody"),), "nobody", "no AlertNotificationTarget nobody"),
    (
        (("  notificationTargets:\n    - targetRef: duty\n", ""),), "spec:",
        "spec: notificationTargets is missing",
    ),
    ((("alertWhenResolved: true", 'alertWhenResolved: "yes"'),), "Resolved", "is neither true nor"),
    ((("target: pager, ", ""),), "the person on duty", "spec: target is missing"),
    ((("  severity: page\n", ""),), "spec:", "spec: severity is missing"),
    ((("kind: burnrate", "kind: sli"),), "kind: sli", "sli: one of burnrate"),
    ((("    op: gt\n", ""),), "condition:", "condition: op is missing"),
    ((("threshold: 14.4", "threshold: -1"),), "threshold", "-1 is below 0, which no burn rate is"),
    ((("    lookbackWindow: 1h\n", ""),), "condition:", "lookbackWindow is missing"),
    ((("lookbackWindow: 1h", "lookbackWindow: 0m"),), "lookback", "'0m' is no time"),
    ((("alertAfter: 2m", "alertAfter: soon"),), "alertAfter", "'soon' is no duration"),
    (
        (('guard: "true"', 'multiwindow: "true"'), ("1h", "10m")), "conditions:",
        "multiwindow asks for a second window of a 12th of 0:10:00, which has no whole number",
    ),
    ((("28d", "28d\n      duration: 30d"),), "30d", "duplicate key; first on line 76"),
    ((("kind: SLO", "kind: [SLO"),), "metadata", "not YAML: expected ',' or ']'"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "marker", "said"), REFUSED, ids=range(len(REFUSED)))
def test_these_are_refused_on_their_line(changes: tuple[Edit, ...], marker: str, said: str) -> None:
    found = reading(*changes)
    lines = edited(*changes).splitlines()
    errors = [one for one in found.errors if said in one.text]
    assert errors, told(found)
    assert marker in lines[errors[0].line - 1], (errors[0].line, lines[errors[0].line - 1])
    assert all("\n" not in text and len(text) < 400 for text in told(found))


def test_a_fault_is_told_once_where_it_is() -> None:
    found = reading(("counter: true", "counter: maybe"))
    assert told(found) == [
        "error: slo.yaml:20: SLI answered: spec.ratioMetric.counter: 'maybe' is neither true nor "
        "false"
    ]
    assert found.slos == ()


def test_a_faulty_header_makes_no_reference_dangle() -> None:
    found = reading(("metadata: {name: answered}", "metadata: {name: answered, nmae: x}"))
    assert [problem.line for problem in found.problems] == [16]
    assert found.slos == ()


def test_a_document_of_no_known_kind_makes_no_reference_dangle() -> None:
    for change in (("kind: SLI", "kind: Sli"), ("kind: DataSource", "kind: Source")):
        (problem,) = reading(change).problems
        assert "kind: " in problem.text


def test_all_faults_of_a_document_are_told() -> None:
    found = reading(
        ("service: shop", "service: 7"),
        ("indicatorRef: answered", "indicatorRef: asked"),
        ("28d", "28"),
        ("Occurrences", "Some"),
        ("alertPolicyRef: burning", "alertPolicyRef: cooling"),
        ("threshold: 14.4", "threshold: x"),
    )
    text = edited(("service: shop", "service: 7"))
    assert [problem.line for problem in found.errors] == [
        line_of(text, marker)
        for marker in (
            "threshold:", "service: 7", "indicatorRef", "duration", "budgeting", "alertPolicyRef"
        )
    ]  # fmt: skip


def test_references_and_names_reach_over_files() -> None:
    first, *rest = TEXT.split("---\n")
    files = [("a.yaml", "---\n".join(rest)), ("b.yaml", first)]
    found = objectives(files)
    assert (len(found.slos), found.problems) == (1, ())
    doubled = objectives([*files, ("c.yaml", first)])
    assert told(doubled) == [
        "error: c.yaml:3: DataSource prom: metadata.name: b.yaml:1 has a DataSource of this name "
        "already; rename one"
    ]


def test_two_kinds_may_share_a_name() -> None:
    assert told(reading(("name: queue", "name: prom"))) == []


def test_a_document_may_be_a_list_of_objects() -> None:
    documents = TEXT.split("---\n")
    listed = "".join(f"- {text.strip()}\n".replace("\n", "\n  ").rstrip(" ") for text in documents)
    found = reading(text=listed)
    assert (len(found.slos), told(found)) == (1, [])
    again = reading(text=listed + "- 7\n")
    assert told(again) == [
        f"error: slo.yaml:{listed.count(chr(10)) + 1}: document 1, entry 9: 7 is not a mapping"
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n---\n", "null\n"])
def test_a_file_without_documents_is_refused(text: str) -> None:
    (problem,) = reading(text=text).problems
    assert (problem.line, problem.level) == (1, Level.ERROR)
    assert problem.text.startswith("empty; OpenSLO documents are needed")


@pytest.mark.parametrize("text", ["7\n", "text\n", "[]\n", "2026-01-01\n", "- - a\n", ".inf\n"])
def test_a_document_that_is_no_mapping_is_refused(text: str) -> None:
    (problem,) = reading(text=text).problems
    assert "is not a mapping" in problem.text


def test_reading_stops_after_a_hundred_errors() -> None:
    found = reading(text="apiVersion: openslo/v1\nkind: X\n---\n" * 300)
    assert len(found.problems) == 101
    assert found.problems[-1].text == "more than 99 errors; the rest is not read"
    assert found.slos == ()


def test_the_indicator_of_an_slo_without_a_name_is_called_like_it() -> None:
    spec = "{ratioMetric: {good: {metricSource: {type: a, spec: {}}}, total: {metricSource: "
    slo = one(
        ("indicatorRef: answered", f"indicator: {{spec: {spec}{{type: a, spec: {{}}}}}}}}}}}}")
    )
    assert slo.indicator == "shop-answers"


def test_a_threshold_metric_has_a_limit() -> None:
    slo = one(*LIMITED)
    assert slo.metric == Threshold(Source("Prometheus", {"query": "length"}))
    (goal,) = slo.objectives
    assert (goal.op, goal.value) == (Op.LT, Fraction(201, 2))


def test_alerts_of_the_built_in_policies_that_never_fire_are_told() -> None:
    own = ("  alertPolicies:\n    - alertPolicyRef: burning\n", "")
    found = reading(own, ("- target: 0.999", "- target: 0.9"))
    assert told(found) == [
        "warning: slo.yaml:79: SLO shop-answers: spec.objectives: shop-answers: the 1 h alert "
        "never fires: with target 0.9 the burn rate is at most 10, and more than 13.4 is needed; "
        "a target above 92.5595 % makes it possible"
    ]
    assert told(reading(own, ("- target: 0.999", "- target: 0.93"))) == []
