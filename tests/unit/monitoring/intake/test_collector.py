"""Collector lines to rows, whichever parser reads them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from monitoring.intake.collector import decode, is_collector_line


def line(correlation: str, *rows: dict[str, object], **fields: object) -> bytes:
    document = {
        "specversion": "1.0",
        "id": "1",
        "type": "azureml.inference.model_inputs",
        "time": "2013-04-01T05:00:00Z",
        "data": list(rows),
        "correlationid": correlation,
    }
    return json.dumps(document | fields).encode() + b"\n"


def test_rows_carry_their_lines_id_and_their_own_index():
    decoded = decode(line("a", {"x": 1.5, "s": "JFK"}, {"x": 2.5}) + line("b", {"s": "EWR"}))
    assert decoded.bad == ()
    when = datetime(2013, 4, 1, 5, tzinfo=UTC)
    assert decoded.table.to_pylist() == [
        {"correlationid": "a", "index": 0, "time": when, "x": 1.5, "s": "JFK"},
        {"correlationid": "a", "index": 1, "time": when, "x": 2.5, "s": None},
        {"correlationid": "b", "index": 0, "time": when, "x": None, "s": "EWR"},
    ]


def test_both_parsers_agree():
    block = b"".join(
        line(f"id{index}", {"x": index / 7, "n": index, "s": "JFK", "b": index % 2 == 0}, {"x": 1})
        for index in range(200)
    )
    whole = decode(block).table
    size = len(block) // 200
    assert len(block) > 16_384 > 3 * size
    start = decode(b"".join(block.splitlines(keepends=True)[:20])).table
    assert start.schema == whole.schema
    assert whole.slice(0, 40).to_pylist() == start.to_pylist()


def test_reading_resumes_after_the_last_complete_line():
    block = line("a", {"x": 1}) + line("b", {"x": 2})
    cut = len(block) - 9
    first = decode(block[:cut])
    assert first.table["correlationid"].to_pylist() == ["a"]
    second = decode(block[first.consumed :])
    assert second.table["correlationid"].to_pylist() == ["b"]
    assert first.consumed + second.consumed == len(block)
    assert decode(block[:-1], closed=True).table.num_rows == 2


@pytest.mark.parametrize("many", [1, 300])
def test_bad_lines_are_counted_and_the_others_kept(many):
    block = (
        line("a", {"x": 1}) * many
        + b"not json\n"
        + line("c", data="https://account/blob", datainblob="true")
        + line("d", data=[1])
        + line("e", data=None)
        + line("f", {"x": "mixed"})
    )
    decoded = decode(block)
    assert decoded.table.num_rows == many + 1
    assert decoded.consumed == len(block)
    assert [reason.split(": ", 1)[1] for reason in decoded.bad[1:]] == [
        "its rows are in a separate blob (over 4 MB)",
        "a row under 'data' is not an object",
        "no list of rows under 'data'",
    ]
    assert decoded.bad[0].startswith(f"line {many + 1}: not JSON")


@pytest.mark.parametrize("many", [2, 300])
def test_dates_stay_text_however_many_lines_there_are(many):
    decoded = decode(line("a", {"day": "2013-04-01 05:00:00"}) * many)
    assert decoded.table["day"].to_pylist() == ["2013-04-01 05:00:00"] * many


def test_features_named_like_the_envelope_are_set_apart():
    decoded = decode(line("a", {"time": 3, "index": 7, "x": 1}))
    assert decoded.table.schema.names == [
        "correlationid",
        "index",
        "time",
        "data.time",
        "data.index",
        "x",
    ]


def test_nothing_is_an_empty_table():
    for chunk in (b"", b"\n\n", b'{"cut'):
        decoded = decode(chunk)
        assert decoded.table.num_rows == 0
        assert decoded.table.schema.names == ["correlationid", "index", "time"]


def test_telling_collector_lines_from_rows():
    assert is_collector_line(json.loads(line("a", {"x": 1})))
    assert not is_collector_line({"x": 1, "data": 2})
