from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from hosts.local.models.collector import block_of, input_lines, output_lines, traffic_line

AT = datetime(2013, 7, 4, 9, 30, tzinfo=UTC)


def block(**columns: Any) -> pa.Table:
    length = len(next(iter(columns.values()))) if columns else 1
    ids = {"correlationid": [f"r{n}" for n in range(length)]}
    return pa.table(ids | {"time": [AT] * length} | columns)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    texts = block_of("flights", table, AT)
    lines = input_lines(texts, "v1", range(len(table))).splitlines()
    return [json.loads(line)["data"][0] for line in lines]


def test_an_input_line_is_a_cloud_event_of_the_collector() -> None:
    texts = block_of("flights", block(hour=[9]), AT)
    (line,) = input_lines(texts, "v1", [0]).splitlines()
    event = json.loads(line)
    assert len(event.pop("id").removesuffix("-inputs")) == 32
    assert event == {
        "specversion": "1.0",
        "source": "/onlineEndpoints/flights/deployments/v1",
        "type": "azureml.inference.model_inputs",
        "datacontenttype": "application/json",
        "time": "2013-07-04T09:30:00.000000Z",
        "data": [{"hour": 9}],
        "contentrange": "bytes 0-11/12",
        "correlationid": "r0",
        "xrequestid": "r0",
        "modelversion": "v1",
        "collectdatatype": "pyarrow.Table",
        "agent": "driftwarden",
    }
    assert '"data":[{"hour":9}]' in line
    assert len('[{"hour":9}]') == 12


def test_an_output_line_holds_the_score_and_a_failed_row_has_none() -> None:
    texts = block_of("flights", block(hour=[9, 10, 11]), AT)
    lines = output_lines(texts, "v1", [0, 2], [0.1, float("nan")]).splitlines()
    (event,) = [json.loads(line) for line in lines]
    assert event["type"] == "azureml.inference.model_outputs"
    assert event["correlationid"] == "r0"
    assert event["data"] == [{"score": 0.1}]


def test_a_traffic_line_is_what_a_client_saw() -> None:
    texts = block_of("flights", block(hour=[9]), AT)
    assert traffic_line(texts, 0, "v1", 424, 12.3456) == (
        '{"time":"2013-07-04T09:30:00.000000Z","deployment":"v1","correlationid":"r0",'
        '"status":424,"duration_ms":12.346}\n'
    )


def test_every_kind_of_column_becomes_plain_json() -> None:
    table = block(
        whole=pa.array([1, None, -(2**53) - 1]),
        small=pa.array([1, 2, 3], pa.int8()),
        real=pa.array([0.1, None, -1e300]),
        odd=pa.array([np.inf, np.nan, -np.inf]),
        half=pa.array([0.5, 0.25, 2.0], pa.float32()),
        text=pa.array(['"a"\n', None, "é%s"]),
        level=pa.array(["UA", "AA", None]).dictionary_encode(),
        flag=pa.array([True, False, None]),
        empty=pa.nulls(3),
        day=pa.array([datetime(2013, 1, 2), None, None], pa.timestamp("s")),
    )
    expected: dict[str, list[Any]] = {
        "whole": [1, None, -9007199254740993],
        "small": [1, 2, 3],
        "real": [0.1, None, -1e300],
        "odd": [None, None, None],
        "half": [0.5, 0.25, 2.0],
        "text": ['"a"\n', None, "é%s"],
        "level": ["UA", "AA", None],
        "flag": [True, False, None],
        "empty": [None, None, None],
        "day": ["2013-01-02 00:00:00", None, None],
    }
    assert rows_of(table) == [{k: v[n] for k, v in expected.items()} for n in range(3)]


def test_names_of_columns_are_quoted_too() -> None:
    assert rows_of(block(**{'100 %s "x"': [1]})) == [{'100 %s "x"': 1}]


def test_floats_come_back_exactly() -> None:
    values = np.random.default_rng(7).standard_normal(500) * 10.0 ** np.arange(-250, 250)
    assert [row["x"] for row in rows_of(block(x=values))] == values.tolist()


def test_the_content_range_counts_bytes_beyond_ascii() -> None:
    (line,) = input_lines(block_of("f", block(x=["é"]), AT), "v1", [0]).splitlines()
    data = line.split('"data":', 1)[1].split(',"contentrange"', 1)[0]
    assert json.loads(line)["contentrange"] == f"bytes 0-{len(data) - 1}/{len(data)}"
    assert line.isascii()


def test_a_time_without_zone_or_in_another_is_written_in_utc() -> None:
    moment = [datetime(2013, 7, 4, 9, 30)]
    new_york = pa.array(moment, pa.timestamp("us")).cast(pa.timestamp("us", "America/New_York"))
    for times in (pa.array(moment, pa.timestamp("ms")), new_york):
        texts = block_of("f", block(x=[1]).set_column(1, "time", times), AT)
        assert texts.times == ("2013-07-04T09:30:00.000000Z",)


def test_the_path_names_the_hour_and_tells_blocks_apart() -> None:
    one = block_of("f", block(x=[1]), AT)
    two = block_of("f", block(x=[1, 2]), AT)
    assert one.path("logs").startswith("logs/2013/07/04/09/093000-")
    assert one.path("logs").endswith(".jsonl")
    assert one.path("logs") != two.path("logs")
    assert one.path("logs") == block_of("f", block(x=[1]), AT).path("logs")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"x": [1], "time": [AT]}), "needs the column correlationid"),
        (pa.table({"x": [1], "correlationid": ["a"]}), "needs the column time"),
        (pa.table({"correlationid": ["a", "a"], "time": [AT, AT]}), "comes twice"),
        (pa.table({"correlationid": ["a", None], "time": [AT, AT]}), "null or comes twice"),
        (pa.table({"correlationid": ["a"], "time": ["2013"]}), "must hold timestamps"),
        (pa.table({"correlationid": ["a", "b"], "time": [AT, None]}), "must hold timestamps"),
    ],
)
def test_a_block_that_cannot_be_logged_is_refused(table: pa.Table, reason: str) -> None:
    with pytest.raises(Refused, match=f"flights: .*{reason}"):
        block_of("flights", table, AT)
