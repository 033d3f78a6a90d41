"""Label lines and tables."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.labels import OLDEST, SCHEMA, decode, normalised
from monitoring.labels import join
from monitoring.metrics import Task

WHEN = datetime(2013, 4, 2, tzinfo=UTC)


@pytest.mark.parametrize("many", [1, 500])
def test_lines_to_the_schema(many: int) -> None:
    block = b'{"correlationid":"a","index":2,"label":1,"time":"2013-04-02T00:00:00Z"}\n' * many
    decoded = decode(block + b'{"corr')
    assert decoded.table.schema == SCHEMA
    assert decoded.consumed == len(block)
    assert (
        decoded.table.to_pylist()
        == [{"correlationid": "a", "index": 2, "label": 1.0, "time": WHEN}] * many
    )


@pytest.mark.parametrize("many", [1, 500])
def test_bad_lines_are_counted(many: int) -> None:
    block = (
        b'{"correlationid":"a","label":true}\n' * many
        + b'{"correlationid":"a"}\n{"label":1}\n{"correlationid":"a","label":"late"}\n'
        + b'{"correlationid":"a","label":1,"index":"x"}\nnope\n'
    )
    decoded = decode(block)
    assert decoded.table["label"].to_pylist() == [1.0] * many
    assert decoded.table["index"].to_pylist() == [0] * many
    assert [reason.split(": ")[1] for reason in decoded.bad if "JSON" not in reason] == [
        "the label is not a number",
        "no correlationid",
        "the label is not a number",
        "the index is not a row's number",
    ]


def test_tables_are_brought_to_the_schema() -> None:
    table = pa.table({"label": pa.array([1, 0], pa.int8()), "correlationid": ["a", "b"]})
    found = normalised(table).table
    assert found.schema == SCHEMA
    assert found["index"].to_pylist() == [0, 0]
    timed = table.append_column("time", pa.array(["2013-04-02", "2013-04-02T00:00:00Z"]))
    assert normalised(timed).table["time"].to_pylist() == [WHEN, WHEN]


def test_tables_that_hold_no_labels_are_refused() -> None:
    with pytest.raises(Refused, match="no column 'label'"):
        normalised(pa.table({"correlationid": ["a"]}))
    with pytest.raises(Refused, match="labels"):
        normalised(pa.table({"correlationid": ["a"], "label": ["late"]}))


@pytest.mark.parametrize("many", [1, 900])
def test_labels_without_a_time_stand_until_one_with_a_time_contradicts(many: int) -> None:
    block = (
        b'{"correlationid":"a","label":1}\n' * many
        + b'{"correlationid":"b","label":1,"time":"2013-04-02"}\n'
        + b'{"correlationid":"b","label":0,"time":"noon"}\n'
        + b'{"correlationid":"c","label":1,"time":null}\n{"correlationid":"c","label":0}\n'
    )
    decoded = decode(block)
    assert decoded.bad == ()
    assert decoded.table["time"].to_pylist()[:many] == [OLDEST] * many
    outputs = pa.table(
        {"correlationid": ["a", "b", "c"], "index": [0] * 3, "score": [0.5] * 3, "time": [WHEN] * 3}
    )
    found = join(outputs, decoded.table)
    assert found.label.tolist() == [1.0, 1.0, 0.0]
    assert found.contradictions == 2


@pytest.mark.parametrize("many", [1, 500])
def test_no_label_makes_the_join_refuse_a_day(many: int) -> None:
    odd = b"".join(
        b'{"correlationid":"a","label":%s,"index":%s}\n' % pair
        for pair in ((b"2", b"0"), (b"NaN", b"0"), (b"0.5", b"0"), (b"1", b"-1"), (b"1", b"1e9"))
    )
    decoded = decode(b'{"correlationid":"a","label":0}\n' * many + odd)
    assert decoded.table.num_rows == many
    assert [reason.split(": ")[1] for reason in decoded.bad] == [
        *["the label is neither 0 nor 1"] * 3,
        *["the index is not a row's number"] * 2,
    ]


def test_rows_of_tables_that_no_join_could_take_are_left_out() -> None:
    table = pa.table(
        {
            "correlationid": ["a", None, "c", "d", "e"],
            "index": pa.array([0, 0, -1, 0, None]),
            "label": [1.0, 1.0, 1.0, 3.0, None],
        }
    )
    found = normalised(table)
    assert found.table["correlationid"].to_pylist() == ["a", "e"]
    assert found.table["label"].to_pylist() == [1.0, None]
    assert found.bad == (
        "no correlationid", "the index is negative", "the label is neither 0 nor 1"
    )  # fmt: skip


@pytest.mark.parametrize("many", [1, 500])
def test_labels_of_a_regression_are_any_finite_numbers(many: int) -> None:
    block = (
        b'{"correlationid":"a","label":-12.5}\n' * many
        + b'{"correlationid":"b","label":1e999}\n{"correlationid":"c","label":"12"}\n'
    )
    decoded = decode(block, task=Task.REGRESSION)
    assert decoded.table["label"].to_pylist() == [-12.5] * many
    assert [reason.partition(": ")[2] for reason in decoded.bad] == [
        "the label is not a finite number",
        "the label is not a number",
    ]
    table = pa.table({"correlationid": list("abcd"), "label": [3.25, None, np.inf, np.nan]})
    found = normalised(table, Task.REGRESSION)
    assert found.table["correlationid"].to_pylist() == ["a", "b", "d"]
    assert found.bad == ("the label is not a finite number",)
