"""Rows of HTTP payloads: the forms that servers take, and what is no table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitoring.intake import collector, lines
from monitoring.intake.payloads import rows_of

TWO = [{"x": 1, "y": "a"}, {"x": 2, "y": None}]
SPLIT = {"columns": ["x", "y"], "data": [[1, "a"], [2, None]]}
COLUMNS = {"x": [1, 2], "y": ["a", None]}


@pytest.mark.parametrize("inner", [TWO, SPLIT, {**SPLIT, "index": [0, 1]}, COLUMNS], ids=str)
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda inner: inner,
        lambda inner: {"input_data": inner},
        lambda inner: {"input_data": inner, "params": {"a": 1}},
        lambda inner: {"dataframe_split": inner},
        lambda inner: {"Inputs": {"data": inner}, "GlobalParameters": 1.0},
        lambda inner: {"data": inner},
        lambda inner: {"inputs": inner},
    ],
)
def test_rows_of_a_request(inner: Any, wrapped: Any) -> None:
    assert rows_of(wrapped(inner)) == TWO


@pytest.mark.parametrize(
    "answer",
    [
        [0.25, 1], [[0.25], [1]], {"predictions": [0.25, 1]}, {"Results": [0.25, 1]},
        {"result": [[0.25], [1]]}, [{"score": 0.25}, {"score": 1}], {"score": [0.25, 1]},
    ],
    ids=str,
)  # fmt: skip
def test_scores_of_an_answer(answer: Any) -> None:
    assert rows_of(answer) == [{"score": 0.25}, {"score": 1}]


def test_one_record_and_one_number_are_one_row() -> None:
    assert rows_of({"x": 1, "data": 2}) == [{"x": 1, "data": 2}]
    assert rows_of({"data": 2}) == [{"data": 2}]
    assert rows_of({"x": [1, 2], "y": 3}) == [{"x": [1, 2], "y": 3}]
    assert rows_of(0.5) == [{"score": 0.5}]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "a payload without rows"),
        ("text", "a payload without rows"),
        (True, "a payload without rows"),
        ({}, "a payload without rows"),
        ([[1, 2], [3, 4]], "a payload whose values have no names"),
        ({"data": [[1, 2]]}, "a payload whose values have no names"),
        (["a", "b"], "a payload whose values have no names"),
        ([{"x": 1}, 2], "a payload whose values have no names"),
        ({"columns": ["x"], "data": [[1, 2]]}, "a payload whose rows are not as long as"),
        ({"columns": ["x"], "data": [1]}, "a payload whose rows are not as long as"),
        ({"x": [1, 2], "y": [1]}, "a payload whose columns differ in length"),
    ],
)
def test_what_is_no_table_has_a_reason(payload: Any, reason: str) -> None:
    found = rows_of(payload)
    assert isinstance(found, str)
    assert found.startswith(reason)


def line(kind: str, data: Any, name: str = "a") -> bytes:
    known = {
        "specversion": "1.0", "type": f"azureml.inference.{kind}", "time": "2024-03-04T10:00:00Z",
        "correlationid": name, "xrequestid": name, "data": data,
    }  # fmt: skip
    return json.dumps(known).encode() + b"\n"


@pytest.mark.parametrize("text", [False, True], ids=["as JSON", "as text"])
@pytest.mark.parametrize("many", [1, 500])
def test_lines_of_payloads_are_read_as_those_of_frames(many: int, text: bool) -> None:
    def data(rows: Any) -> Any:
        return json.dumps(rows) if text else rows

    asked = b"".join(line("request", data({"input_data": SPLIT}), f"r{i}") for i in range(many))
    answered = b"".join(line("response", data([0.25, 0.5]), f"r{i}") for i in range(many))
    framed = b"".join(line("model_inputs", TWO, f"r{i}") for i in range(many))
    read = collector.decode(asked)
    assert read.bad == ()
    assert read.table.to_pylist() == collector.decode(framed).table.to_pylist()
    assert collector.decode(answered).table["score"].to_pylist() == [0.25, 0.5] * many


def test_a_payload_in_a_blob_of_its_own_is_read_likewise() -> None:
    apart = lines.Apart(1, "u", "a", "2024-03-04T10:00:00Z", payload=True)
    read = collector.rows_apart(json.dumps({"input_data": SPLIT}, indent=1).encode(), apart)
    assert read.table.select(["x", "y"]).to_pylist() == TWO


def test_a_payload_that_is_no_table_is_a_bad_line_and_no_more() -> None:
    read = collector.decode(line("request", {"data": [[1, 2]]}) + line("request", TWO))
    assert read.bad == ("line 1: a payload whose values have no names",)
    assert read.table.num_rows == 2
