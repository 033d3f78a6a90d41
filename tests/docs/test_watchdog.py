"""The watchdog: rules in words that Azure Monitor knows, and queries that see what they are for.

The compiler of the templates accepts any word and any query, so they are held against lists of the
service's words, against Microsoft's parser, and against rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import duckdb_kql
import pyarrow as pa
import pytest

from engine.duration import parse_duration
from fleet.instruments import METRICS, Instrument
from tests.resources.kql.parser import Parser, running

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
DOCUMENT = json.loads((INFRA / "watchdog.json").read_text())
RULES: dict[str, dict[str, Any]] = {rule["name"]: rule for rule in DOCUMENT["rules"]}
MODULES = {path.name: path.read_text() for path in sorted((INFRA / "modules").glob("*.bicep"))}

#: Azure Monitor Logs reference, AppMetrics; columns that the queries use.
APP_METRICS = {
    "TimeGenerated": "datetime", "Name": "string", "Sum": "real", "ItemCount": "int",
    "Min": "real", "Max": "real", "Properties": "dynamic", "_ResourceId": "string",
}  # fmt: skip
#: Microsoft Learn, REST reference: Scheduled Query Rules and Metric Alerts, Create Or Update.
AGGREGATIONS = {"Average", "Count", "Maximum", "Minimum", "Total"}
OPERATORS = {"Equals", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual"}
MATCHES = {"Include", "Exclude"}
EVERY = {"PT1M", "PT5M", "PT10M", "PT15M", "PT30M", "PT45M", "PT1H"}
WINDOW = timedelta(minutes=15)
LONGEST_RANGE = timedelta(days=2)
INSIGHTS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/appi"


def query(rule: dict[str, Any]) -> str:
    """The query as the template composes it."""
    return f"{DOCUMENT['metrics'].replace('__INSIGHTS_ID__', INSIGHTS)} {rule['query']}"


def words(rule: dict[str, Any]) -> Iterator[str]:
    """What in a rule the service would not take, or would not do as it is meant."""
    if rule["aggregation"] not in AGGREGATIONS:
        yield f"no aggregation {rule['aggregation']}"
    if rule["operator"] not in OPERATORS:
        yield f"no operator {rule['operator']}"
    if rule["every"] not in EVERY - {"PT1M"}:
        yield f"no frequency {rule['every']} for a query with union"
    if rule["severity"] not in range(5):
        yield f"no severity {rule['severity']}"
    if rule["group"] != ("page" if rule["severity"] <= 1 else "ticket"):
        yield f"group {rule['group']} of severity {rule['severity']}"
    if len(rule["description"]) > 4096 or len(rule["dimensions"]) > 6:
        yield "too long"
    if rule["range"] is not None and not WINDOW <= parse_duration(rule["range"]) <= LONGEST_RANGE:
        yield f"range {rule['range']}"
    if re.search(r"AggregatedValue|\b(search|take|ingestion_time)\b", rule["query"]):
        yield "not allowed in an alert rule"
    if not rule["query"].startswith("metrics | "):
        yield "reads rows of other apps"
    for name in re.findall(r"Name == '([\w.]+)'", rule["query"]):
        if name not in METRICS:
            yield f"no metric {name}"
        elif not set(re.findall(r"Properties\.(\w+)", rule["query"])) <= attributes(rule):
            yield f"{name} has other attributes"


def attributes(rule: dict[str, Any]) -> set[str]:
    names = re.findall(r"Name == '([\w.]+)'", rule["query"])
    return {one for name in names for one in METRICS[name].attributes}


def faults(rule: dict[str, Any], parser: Parser) -> list[str]:
    """What is wrong with a rule: its words, its query, and the columns that it measures."""
    found = parser.parse(query(rule))
    lacking = {f"{name}:string" for name in rule["dimensions"]} - set(found.columns)
    measured = {"value:real", "value:long"} & set(found.columns)
    more = [f"no column {name}" for name in sorted(lacking)]
    return [*words(rule), *found.diagnostics, *more, *([] if measured else ["no value"])]


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with running({"AppMetrics": APP_METRICS}) as found:
        yield found


@pytest.mark.parametrize("name", RULES)
def test_nothing_is_wrong_with_a_rule(parser: Parser, name: str) -> None:
    assert faults(RULES[name], parser) == []


#: Mistakes that compile, and what is said of each.
MISTAKES: dict[str, tuple[str, dict[str, Any], str]] = {
    "the portal's word": ("heartbeat", {"aggregation": "Sum"}, "no aggregation Sum"),
    "a misspelt operator": ("heartbeat", {"operator": "GreaterThen"}, "no operator GreaterThen"),
    "a severity by its name": ("heartbeat", {"severity": 9}, "no severity 9"),
    "each minute": ("heartbeat", {"every": "PT1M"}, "no frequency PT1M"),
    "pages for tickets": ("dead-letters", {"group": "page"}, "group page of severity 2"),
    "a week": ("model-silent", {"range": "P7D"}, "range P7D"),
    "a dimension that is not there": ("unmeasured", {"dimensions": ["model"]}, "no column model"),
    "a misspelt column": (
        "heartbeat", {"query": "metrics | summarize value = sum(Summ)"}, "Summ",
    ),
    "a misspelt operator of KQL": (
        "heartbeat", {"query": "metrics | sumarize value = sum(Sum)"}, "no value",
    ),
    "a metric that is not measured": (
        "heartbeat",
        {"query": "metrics | where Name == 'driftwarden.beat' | project value = Sum"},
        "no metric driftwarden.beat",
    ),
    "an attribute of another metric": (
        "queue-poison",
        {"query": "metrics | where Name == 'driftwarden.waiting' | "
                  "project place = tostring(Properties.queue), value = Sum"},
        "driftwarden.waiting has other attributes",
    ),
    "rows of every app": (
        "heartbeat", {"query": "AppMetrics | project value = Sum"}, "reads rows of other apps",
    ),
    "a dynamic dimension": (
        "queue-poison",
        {"query": "metrics | where Name == 'driftwarden.waiting' | "
                  "project place = Properties.place, value = Sum"},
        "no column place",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "change", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_that_compiles_is_seen(
    parser: Parser, name: str, change: dict[str, Any], said: str
) -> None:
    assert any(said in one for one in faults({**RULES[name], **change}, parser))


def test_the_words_of_the_templates_are_the_service_s() -> None:
    seen: set[str] = set()
    for name, source in MODULES.items():
        for word in re.findall(r"timeAggregation: '(\w+)'", source):
            assert word in AGGREGATIONS, (name, word)
        for word in re.findall(r"operator: '(\w+)'", source):
            assert word in OPERATORS | MATCHES, (name, word)
        for word in re.findall(r"groupShortName: '([^']+)'", source):
            assert len(word) <= 12, (name, word)
        seen |= set(re.findall(r"category: '(\w+)'", source))
    assert seen == {
        "AmlOnlineEndpointTrafficLog", "Cost", "DeliveryFailures", "FunctionAppLogs",
        "StorageDelete",
    }  # fmt: skip


def test_the_heartbeat_alone_has_severity_0() -> None:
    assert [name for name, rule in RULES.items() if rule["severity"] == 0] == ["heartbeat"]


def test_rules_deploy_into_an_empty_workspace_and_tell_when_they_are_switched_off() -> None:
    source = MODULES["watchdog.bicep"]
    for text in (
        "skipQueryValidation: true",
        "windowSize: 'PT15M'",
        "dependsOn: [readerRoles]",
        "'Microsoft.Insights/ScheduledQueryRules/disable/action'",
        "name: 'EventSubscriptionName'",
    ):
        assert text in source
    assert "muteActionsDuration" not in source


def test_counters_are_added_and_the_other_metrics_are_not() -> None:
    for name, rule in RULES.items():
        (metric,) = set(re.findall(r"where Name == '([\w.]+)'", rule["query"].partition("(")[0]))
        if METRICS[metric].instrument is Instrument.COUNTER:
            assert rule["aggregation"] == "Total", name
        elif rule["aggregation"] == "Total":
            assert METRICS[metric].attributes == ("subject",), name


def test_every_rule_is_explained() -> None:
    page = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    section = page.split("\n## When an alert rule fires\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`driftwarden-[^|]+) \|", section, re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`driftwarden-([\w-]+)[.]*`", row)}
    assert told == RULES.keys() | {"rule-disabled", "deadletter-"}


NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
Row = tuple[float, str, float, dict[str, str], str]


def row(name: str, value: float, minutes: float = 3, app: str = INSIGHTS, **said: str) -> Row:
    """One row of AppMetrics, some minutes old."""
    return minutes, f"driftwarden.{name}", value, said, app


def ticking(*models: str, since: int = 0, until: int = 60) -> list[Row]:
    """The rows of a tick in five minutes: the heartbeat, and that each model steps."""
    ages = range(since, until, 5)
    beats = [row("heartbeat", 1, age) for age in ages]
    return beats + [row("partition.halted", 0, age, partition=m) for age in ages for m in models]


def stopped(model: str, minutes: int) -> list[Row]:
    """The rows of a model whose last came some minutes ago."""
    return [row("partition.halted", 0, age, partition=model) for age in range(minutes, 60, 5)]


@dataclass(frozen=True)
class Workspace:
    """A database with the table, and the query of each rule as its SQL."""

    engine: duckdb.DuckDBPyConnection
    queries: dict[str, str]

    def fired(self, rows: list[Row]) -> set[tuple[str, ...]]:
        """The rules that fire now, each with its dimensions."""
        found: set[tuple[str, ...]] = set()
        for rule in RULES.values():
            span = parse_duration(rule["range"]) if rule["range"] else WINDOW
            batch = stored([one for one in rows if timedelta(minutes=one[0]) <= span])
            self.engine.register("batch", batch)
            self.engine.execute("CREATE OR REPLACE TABLE AppMetrics AS FROM batch")
            answer = self.engine.execute(self.queries[rule["name"]])
            columns = [one[0] for one in answer.description or []]
            series: dict[tuple[str, ...], list[float]] = {}
            for one in answer.fetchall():
                by = tuple(str(one[columns.index(name)]) for name in rule["dimensions"])
                series.setdefault(by, []).append(float(one[columns.index("value")]))
            found |= {(rule["name"], *by) for by, values in series.items() if holds(rule, values)}
        return found


@pytest.fixture(scope="module")
def workspace() -> Iterator[Workspace]:
    with duckdb_kql.connect() as engine:
        engine.register("batch", stored([]))
        engine.execute("CREATE TABLE AppMetrics AS FROM batch")
        sql = {
            name: duckdb_kql.kql(engine, query(rule)).sql_query() for name, rule in RULES.items()
        }
        yield Workspace(engine, sql)


def stored(rows: list[Row]) -> pa.Table:
    """The rows as the table has them."""
    moments = [(NOW - timedelta(minutes=age)).replace(tzinfo=None) for age, *_ in rows]
    return pa.table(
        {
            "TimeGenerated": pa.array(moments, pa.timestamp("us")),
            "Name": pa.array([name for _, name, *_ in rows], pa.string()),
            "Sum": pa.array([value for _, _, value, *_ in rows], pa.float64()),
            "Properties": pa.array([json.dumps(said) for *_, said, _ in rows], pa.json_()),
            "_ResourceId": pa.array([app for *_, app in rows], pa.string()),
        }
    )


def holds(rule: dict[str, Any], values: list[float]) -> bool:
    """Whether the condition of a rule is met by the values of one series."""
    value = sum(values) if rule["aggregation"] == "Total" else max(values)
    low = rule["operator"] == "LessThan"
    return bool(value < rule["threshold"] if low else value > rule["threshold"])


WELL = ticking("demand", "fraud")
STANDS: dict[str, tuple[list[Row], set[tuple[str, ...]]]] = {
    "it never started": ([], {("heartbeat",)}),
    "it is well": (WELL, set()),
    "another environment ticks in the same workspace": (
        [row("heartbeat", 1, age, app=f"{INSIGHTS}-other") for age in range(15)],
        {("heartbeat",)},
    ),
    "the id is written in other letters": (
        [row("heartbeat", 1, app=INSIGHTS.upper())], set(),
    ),
    "a counter of nothing is exported": ([row("heartbeat", 0)], {("heartbeat",)}),
    "it stopped half an hour ago: one page, not one for each model": (
        ticking("demand", "fraud", since=30), {("heartbeat",)},
    ),
    "the rows of one model stopped": (
        [*ticking("demand"), *stopped("fraud", 30)], {("model-silent", "fraud")},
    ),
    "a model began a minute ago": ([*WELL, row("partition.halted", 0, 1, partition="new")], set()),
    "an older version of the app named its partitions otherwise": (
        [*WELL, *(row("partition.halted", 0, age, model="demand") for age in range(30, 60, 5))],
        set(),
    ),
    "a model is halted": (
        [*WELL, row("partition.halted", 1, partition="demand")], {("partition-halted", "demand")},
    ),
    "nobody reads the queue": (
        [*WELL, row("partition.overdue", 960, partition="demand")],
        {("partition-overdue", "demand")},
    ),
    "the queue is a little behind": (
        [*WELL, row("partition.overdue", 300, partition="demand")], set(),
    ),
    "a page waits": (
        [*WELL, row("effects.oldest", 1860, partition="oncall:shop")],
        {("effects-oldest", "oncall:shop")},
    ),
    "a receiver is out of reach": (
        [*WELL, row("receivers.unreachable", 1, partition="oncall:shop")],
        {("receivers-unreachable", "oncall:shop")},
    ),
    "an alert pages, and the team counts it too": (
        [*WELL, row("alerts.firing", 1, partition="demand", severity="page"),
         row("alerts.firing", 1, partition="oncall:shop", severity="page")],
        {("alert-page", "demand")},
    ),
    "an alert is a ticket": (
        [*WELL, row("alerts.firing", 2, partition="demand", severity="ticket"),
         row("alerts.firing", 0, partition="demand", severity="page")],
        {("alert-ticket", "demand")},
    ),
    "a partition was throttled once": ([*WELL, row("unmeasured", 1, subject="demand")], set()),
    "a partition cannot be measured": (
        [*WELL, *(row("unmeasured", 1, age, subject="demand") for age in (2, 3, 4))],
        {("unmeasured", "demand")},
    ),
    "refused events lie there": (
        [*WELL, row("waiting", 4, place="driftwarden-refused")], {("events-refused",)},
    ),
    "a doorbell failed five times": (
        [*WELL, row("waiting", 1, place="driftwarden-due-poison")],
        {("queue-poison", "driftwarden-due-poison")},
    ),
    "dead letters lie there": ([*WELL, row("waiting", 7, place="deadletter")], {("dead-letters",)}),
    "nothing waits": (
        [*WELL, *(row("waiting", 0, place=place)
                  for place in ("driftwarden-refused", "driftwarden-due-poison", "deadletter"))],
        set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), STANDS.values(), ids=STANDS)
def test_a_fault_fires_its_rule_and_no_other(
    workspace: Workspace, rows: list[Row], expected: set[tuple[str, ...]]
) -> None:
    assert workspace.fired(rows) == expected
