"""Label lines and tables."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.labels import SCHEMA, decode, normalised

WHEN = datetime(2013, 4, 2, tzinfo=UTC)


@pytest.mark.parametrize("many", [1, 500])
def test_lines_to_the_schema(many):
    block = b'{"correlationid":"a","index":2,"label":1,"time":"2013-04-02T00:00:00Z"}\n' * many
    decoded = decode(block + b'{"corr')
    assert decoded.table.schema == SCHEMA
    assert decoded.consumed == len(block)
    assert (
        decoded.table.to_pylist()
        == [{"correlationid": "a", "index": 2, "label": 1.0, "time": WHEN}] * many
    )


@pytest.mark.parametrize("many", [1, 500])
def test_bad_lines_are_counted(many):
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
        "the index is not an integer",
    ]


def test_tables_are_brought_to_the_schema():
    table = pa.table({"label": pa.array([1, 0], pa.int8()), "correlationid": ["a", "b"]})
    found = normalised(table)
    assert found.schema == SCHEMA
    assert found["index"].to_pylist() == [0, 0]
    timed = table.append_column("time", pa.array(["2013-04-02", "2013-04-02T00:00:00Z"]))
    assert normalised(timed)["time"].to_pylist() == [WHEN, WHEN]


def test_tables_that_hold_no_labels_are_refused():
    with pytest.raises(Refused, match="no column 'label'"):
        normalised(pa.table({"correlationid": ["a"]}))
    with pytest.raises(Refused, match="labels"):
        normalised(pa.table({"correlationid": ["a"], "label": ["late"]}))
