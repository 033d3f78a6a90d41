"""Counts made by the log service equal those of the same rows here, to the byte."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.counting import Counting, LogSource
from hosts.azure.cloud import Cloud
from hosts.azure.logs.analytics import Analytics
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import empty, sketch
from monitoring.intake.own import GUID
from tests.doubles.loganalytics import LogAnalytics
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = LogSource("11111111-2222-3333-4444-555555555555", "Features_CL", "delays", "blue")
NASTY = [
    'a"b', "a'b", "back\\slash", "line\nbreak", "tab\t", "\u2028", "é😀", "", " ", "true", "1.5",
    "'] | take 1 //", '" or true //', "$.*[0]", "a.b", "rest", "\x00\x1f", "\\u0041", "null",
]  # fmt: skip


@pytest.fixture(scope="module")
def workspace(certificates: Authority) -> Iterator[LogAnalytics]:
    double = LogAnalytics(certificates, LoopbackCredential(), SOURCE.workspace, NOON + 24 * HOUR)
    with double.service:
        yield double


@pytest.fixture(scope="module")
def counting(workspace: LogAnalytics, certificates: Authority) -> Analytics:
    return analytics(workspace, certificates)


def analytics(double: LogAnalytics, certificates: Authority) -> Analytics:
    return Analytics(
        Cloud(double.credential, logs=double.service.url, trusted=str(certificates.bundle))
    )


def logged(
    table: pa.Table, at: datetime = NOON, source: LogSource = SOURCE
) -> list[dict[str, Any]]:
    """Rows as a collector sends them: JSON has no NaN and no infinity, so they are null."""
    rows = []
    for index, row in enumerate(table.to_pylist()):
        bag = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in row.items()
        }
        rows.append(
            {
                "TimeGenerated": at, "CorrelationId": f"id-{index:05d}", "RowIndex": index % 3,
                "Endpoint": source.endpoint, "Deployment": source.deployment, "Features": bag,
            }
        )  # fmt: skip
    return rows


def reference(rng: np.random.Generator, rows: int) -> pa.Table:
    levels = np.array(NASTY, dtype=object)
    return pa.table(
        {
            "delay": rng.normal(size=rows),
            "hour": rng.integers(0, 24, rows),
            "late": pa.array(rng.random(rows) < 0.3),
            "carrier": pa.array(levels[rng.integers(0, len(levels), rows)].tolist()),
            "secret": pa.array([f"person {n}" for n in rng.integers(0, 9, rows)]),
            "constant": np.full(rows, 4.0),
        }
    )


def test_every_kind_of_feature_counts_as_it_does_here(
    counting: Counting, workspace: LogAnalytics
) -> None:
    rng = np.random.default_rng(5)
    ruler = Ruler.of(reference(rng, 800), {"secret": "model/secret"})
    table = reference(rng, 700)
    table = table.set_column(
        0, "delay", pa.array([math.nan, math.inf, -math.inf, None, *rng.normal(1, 2, 696)])
    )
    unseen = ["never seen", None, *table["carrier"].to_pylist()[2:]]
    table = table.set_column(3, "carrier", pa.array(unseen))
    workspace.add("Features_CL", logged(table))

    counted = counting.count(SOURCE, ruler, NOON - HOUR, NOON + HOUR)

    assert counted.to_bytes() == sketch(table, ruler).to_bytes()
    assert counted.rows == 700
    assert counted.feature(ruler, "carrier")[-2:].tolist() == [1, 1]


def test_rows_of_our_own_requests_are_left_out(counting: Counting, workspace: LogAnalytics) -> None:
    table, source = pa.table({"delay": [1.0, 2.0, 3.0, 4.0]}), replace(SOURCE, deployment="own")
    ids = ("driftwarden-7", "mine", f"{GUID}677-8899-aabbccddeeff", "")
    rows = logged(table, source=source)
    workspace.add(
        "Features_CL", [row | {"CorrelationId": name} for row, name in zip(rows, ids, strict=True)]
    )
    ruler = Ruler({"delay": NumericBins((1.5, 2.5, 3.5))})
    assert counting.count(source, ruler, NOON - HOUR, NOON + HOUR).counts.tolist() == [
        0,
        1,
        0,
        1,
        0,
    ]
    found = counting.rows(source, NOON - HOUR, NOON + HOUR, ["delay"])
    assert sorted(found["delay"].to_pylist()) == [2.0, 4.0]


def test_no_level_of_a_redacted_feature_stands_in_a_query(
    counting: Counting, workspace: LogAnalytics
) -> None:
    table = pa.table({"secret": ["person 1", "person 2", "person 1", "stranger"]})
    source = LogSource(SOURCE.workspace, "Features_CL", "redacted")
    workspace.add("Features_CL", logged(table, source=source))
    ruler = Ruler({"secret": CategoricalBins.of({"person 1": 2, "person 2": 1}, "salt")})

    counted = counting.count(source, ruler, NOON, NOON + HOUR)

    assert counted.counts.tolist() == [2, 1, 1, 0]
    asked = workspace.queries[-1]
    assert "person" not in asked
    assert not any(level in asked for level in ruler.features["secret"].levels)


def test_values_of_another_type_than_the_reference_had(
    counting: Counting, workspace: LogAnalytics
) -> None:
    """A collector's rows may mix types; a number's column takes numbers only, levels go by text."""
    bags = [{"x": "1.5", "c": 7}, {"x": True, "c": True}, {"x": [1], "c": {"a": 1}}, {"x": 2}, {}]
    rows = logged(pa.table({"unused": [None] * len(bags)}))
    for row, bag in zip(rows, bags, strict=True):
        row |= {"Features": bag, "Endpoint": "mixed"}
    workspace.add("Features_CL", [*rows, {**rows[0], "Features": None}])
    ruler = Ruler({"x": NumericBins((1.0,)), "c": CategoricalBins(("7", "true", "other"))})
    source = LogSource(SOURCE.workspace, "Features_CL", "mixed")

    counted = counting.count(source, ruler, NOON, NOON + HOUR)

    assert counted.feature(ruler, "x").tolist() == [0, 1, 5]
    assert counted.feature(ruler, "c").tolist() == [1, 1, 0, 0, 4]


def test_edges_belong_to_the_bin_below(counting: Counting, workspace: LogAnalytics) -> None:
    edges = (-1.7976931348623157e308, -0.1, 0.0, 5e-324, 0.1, 0.30000000000000004, 1e22)
    values = [*edges, *[math.nextafter(edge, math.inf) for edge in edges]]
    values += [math.nextafter(edge, -math.inf) for edge in edges[1:]]
    table = pa.table({"x": pa.array(values)})
    source = LogSource(SOURCE.workspace, "Features_CL", "edges")
    workspace.add("Features_CL", logged(table, source=source))
    ruler = Ruler({"x": NumericBins(edges)})
    assert counting.count(source, ruler, NOON, NOON + HOUR) == sketch(table, ruler)


def test_only_the_asked_time_endpoint_and_deployment_count(
    counting: Counting, workspace: LogAnalytics
) -> None:
    source = LogSource(SOURCE.workspace, "Features_CL", 'end"point', "one")
    table = pa.table({"x": [1.0]})
    instants = [NOON - timedelta(microseconds=1), NOON, NOON + HOUR - timedelta(microseconds=1)]
    for instant in [*instants, NOON + HOUR]:
        workspace.add("Features_CL", logged(table, instant, source))
    other = LogSource(SOURCE.workspace, "Features_CL", 'end"point', "two")
    workspace.add("Features_CL", logged(table, source=other))
    ruler = Ruler({"x": NumericBins(())})
    whole = LogSource(SOURCE.workspace, "Features_CL", 'end"point')
    assert counting.count(source, ruler, NOON, NOON + HOUR).rows == 2
    assert counting.count(whole, ruler, NOON, NOON + HOUR).rows == 3
    assert counting.count(source, ruler, NOON, NOON) == empty(ruler)


def test_a_ruler_without_features_counts_rows(counting: Counting, workspace: LogAnalytics) -> None:
    source = LogSource(SOURCE.workspace, "Features_CL", "bare")
    workspace.add("Features_CL", logged(pa.table({"x": [1, 2]}), source=source))
    assert counting.count(source, Ruler({}), NOON, NOON + HOUR).rows == 2


def test_rows_come_back_as_they_went(counting: Counting, workspace: LogAnalytics) -> None:
    source = LogSource(SOURCE.workspace, "Features_CL", "rows")
    table = pa.table(
        {"x": [1.5, None, -2.0], "n": [1, 2, 3], 'a"b': ["é", None, ""], "time": [7, 8, 9]}
    )
    workspace.add("Features_CL", logged(table, source=source))

    found = counting.rows(source, NOON, NOON + HOUR, ["x", 'a"b', "n", "data.time", "absent"])

    assert found.column_names == [
        "correlationid",
        "index",
        "time",
        "x",
        'a"b',
        "n",
        "data.time",
        "absent",
    ]
    assert found["correlationid"].to_pylist() == ["id-00000", "id-00001", "id-00002"]
    assert found["index"].to_pylist() == [0, 1, 2]
    assert found["time"].to_pylist() == [NOON] * 3
    for name in ("x", 'a"b', "n"):
        assert found[name].to_pylist() == table[name].to_pylist()
    assert found["data.time"].to_pylist() == [7, 8, 9]
    assert found["absent"].null_count == 3


def test_no_rows_are_a_table_too(counting: Counting) -> None:
    source = LogSource(SOURCE.workspace, "Features_CL", "nobody")
    found = counting.rows(source, NOON, NOON + HOUR, ["x"])
    assert found.num_rows == 0
    assert found.column_names == ["correlationid", "index", "time", "x"]


SERIAL = itertools.count()
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Co"]), max_size=12)
VALUES = st.floats() | st.none()
FINITE = st.floats(allow_nan=False, allow_infinity=False)


CASES = {
    "numbers": st.dictionaries(NAMES, st.lists(VALUES, min_size=6, max_size=6), max_size=3),
    "levels": st.lists(st.sampled_from(NASTY) | NAMES | st.none(), min_size=6, max_size=6),
    "known": st.lists(st.sampled_from(NASTY) | NAMES, max_size=4, unique=True),
    "edges": st.lists(FINITE, max_size=4, unique=True),
    "salt": st.sampled_from(["", "salt"]),
}


@given(**CASES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_names_and_values_count_as_they_do_here(
    counting: Counting, workspace: LogAnalytics, **case: Any
) -> None:
    counted_alike(counting, workspace, **case)


@pytest.mark.slow
@given(**CASES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_many_names_and_values_count_as_they_do_here(
    counting: Counting, workspace: LogAnalytics, **case: Any
) -> None:
    counted_alike(counting, workspace, **case)


def counted_alike(
    counting: Counting,
    workspace: LogAnalytics,
    numbers: dict[str, list[float | None]],
    levels: list[str | None],
    known: list[str],
    edges: list[float],
    salt: str,
) -> None:
    numbers.pop("c", None)
    columns = {name: pa.array(values, pa.float64()) for name, values in numbers.items()}
    table = pa.table({**columns, "c": pa.array(levels, pa.string())})
    numeric = NumericBins(tuple(sorted(edges)))
    categorical = CategoricalBins.of(dict.fromkeys(known, 1), salt)
    ruler = Ruler({"c": categorical, **dict.fromkeys(columns, numeric)})
    # Rows of earlier cases stay: each has an endpoint of its own.
    source = LogSource(SOURCE.workspace, "Features_CL", f"{next(SERIAL)} {''.join(known)}")
    workspace.add("Features_CL", logged(table, source=source))
    found = counting.count(source, ruler, NOON, NOON + HOUR)
    assert found.to_bytes() == sketch(table, ruler).to_bytes()
