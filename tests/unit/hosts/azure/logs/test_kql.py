"""Every query is held against Microsoft's parser, with the tables' columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from fleet.counting import LogSource
from hosts.azure.logs import kql
from monitoring.drift.binning import Bins, CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from tests.doubles.loganalytics import TABLES
from tests.resources.kql.parser import Parser, running

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=1)
RULER = Ruler(
    {
        "amount": NumericBins((-1.5, 2e-05, 3e300)),
        "data.time": NumericBins(()),
        "city": CategoricalBins(("x", "y")),
        "name": CategoricalBins(("8d6f",), "salt"),
    }
)
#: Any text a configuration or a log can hold, and pieces that mean something to KQL.
NAMES = st.one_of(
    st.text(max_size=20),
    st.lists(
        st.sampled_from(['"', "'", "\\", "]", ")", ";", "|", "//", "\n", "\r", "\u2028", "\u0085",
                         "@", "`", "~~~", "```", "$", "{", "h'", "take 1", ".drop", "\ud800"]),
        max_size=8,
    ).map("".join),
)  # fmt: skip


PAGE = Path(__file__).parents[5] / "docs/log-analytics.md"
#: The stream that the page's transformation reads.
STREAM = {
    "time": "string", "correlationid": "string", "index": "int", "endpoint": "string",
    "deployment": "string", "data": "dynamic",
}  # fmt: skip


@pytest.fixture(scope="module")
def parser(outside: None) -> Iterator[Parser]:
    with running({**TABLES, "source": STREAM}) as found:
        yield found


def source(endpoint: str = "delays", deployment: str = "blue") -> LogSource:
    return LogSource("workspace", "Features_CL", endpoint, deployment)


def queries(
    endpoint: str, deployment: str, feature: str, level: str
) -> list[tuple[str, list[str]]]:
    """Every query there is, with the names it must hold as literals."""
    where = source(endpoint, deployment)
    ruler = Ruler({feature: NumericBins((0.5,)), feature + "c": CategoricalBins((level,))})
    both = [endpoint, deployment]
    return [
        (
            kql.count_query(where, ruler, START, END),
            [*both, level, kql.bag_key(feature), kql.bag_key(feature + "c")],
        ),
        (kql.rows_query(where, START, END, [feature]), [*both, kql.bag_key(feature)]),
        (kql.traffic_query(where, [250.0], START, END), both),
    ]


def test_the_parser_finds_nothing_wrong(parser: Parser) -> None:
    expected = {
        kql.count_query(source(), RULER, START, END): "feature:long bin:long level:string n:long",
        kql.count_query(source(), Ruler({}), START, END): (
            "feature:long bin:long level:string n:long"
        ),
        kql.rows_query(source(), START, END, ["a", "b"]): (
            "CorrelationId:string RowIndex:int TimeGenerated:datetime Values:dynamic"
        ),
        kql.rows_query(source(deployment=""), START, END, []): (
            "CorrelationId:string RowIndex:int TimeGenerated:datetime Values:dynamic"
        ),
        kql.arrival_query(source()): "newest:datetime lag:real asked:datetime",
        kql.traffic_query(source(), [250, 1.5], START, END): (
            "deployment:string hour:datetime requests:long errors:long over0:long over1:long"
        ),
    }
    for query, columns in expected.items():
        found = parser.parse(query)
        assert found.diagnostics == []
        assert found.columns == columns.split()


def test_the_parser_knows_the_columns(parser: Parser) -> None:
    """A misspelt column is found: the check above is worth something."""
    query = kql.rows_query(source(), START, END, []).replace("RowIndex", "RowNumber")
    assert any("RowNumber" in said for said in parser.parse(query).diagnostics)


def test_the_page_describes_the_table(parser: Parser) -> None:
    """Its transformation makes the columns that the queries read and the double holds."""
    text = PAGE.read_text(encoding="utf-8")
    (transformation,) = re.findall(r"```kusto\n(.*?)```", text, re.DOTALL)
    columns = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE))
    found = parser.parse(transformation)
    assert found.diagnostics == []
    assert found.columns == [f"{name}:{kind}" for name, kind in TABLES["Features_CL"].items()]
    assert columns == TABLES["Features_CL"]


@given(endpoint=NAMES, deployment=NAMES.filter(bool), feature=NAMES, level=NAMES)
@settings(max_examples=10, deadline=None)
def test_no_name_changes_a_query(
    parser: Parser, endpoint: str, deployment: str, feature: str, level: str
) -> None:
    plain = queries("e", "d", "f", "l")
    for (query, names), (usual, _) in zip(
        queries(endpoint, deployment, feature, level), plain, strict=True
    ):
        found, expected = parser.parse(query), parser.parse(usual)
        assert found.diagnostics == []
        assert found.shape == expected.shape
        for name in names:
            assert any(as_sent(name) == as_sent(literal) for literal in found.literals)


def as_sent(name: str) -> str:
    """JSON joins two halves of a surrogate pair, in a name and in a literal alike."""
    return str(json.loads(json.dumps(name)))


@pytest.mark.parametrize("name", ["", "a b", "x']", "1st", "T;drop", "é", "a" * 64, "a.b", "a\n"])
def test_a_table_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="log table"):
        kql.count_query(LogSource("w", name, "e"), RULER, START, END)


def test_instants_are_written_in_utc_to_the_microsecond() -> None:
    zone = timezone(timedelta(hours=-5))
    moment = datetime(2013, 6, 20, 23, 59, 59, 999_999, zone)
    assert kql.moment(moment) == "datetime(2013-06-21T04:59:59.999999Z)"


def test_a_large_model_stays_within_the_room_for_levels(parser: Parser) -> None:
    """100 numeric features and 20 categorical ones with 1,000 levels each: one query."""
    features: dict[str, Bins] = {
        f"numeric_feature_{n}": NumericBins(tuple(n + e / 7 for e in range(9))) for n in range(100)
    }
    levels = tuple(f"level number {n}" for n in range(1_000))
    categorical = {f"categorical_{n}": CategoricalBins(levels) for n in range(20)}
    query = kql.count_query(source(), Ruler({**features, **categorical}), START, END)
    assert parser.parse(query).diagnostics == []
    assert len(kql.count_query(source(), Ruler(features), START, END)) < 32_000
    assert len(query) < kql.DICTIONARY + 64_000
    # What found no room is counted by level.
    assert ", 1, 1000, real(+inf)" in query
    assert ", 2, 1000, real(+inf)" in query
