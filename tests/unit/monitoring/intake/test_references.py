"""Tables of reference rows as a whole: their columns, their rows, and what stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.intake.references import Terms, named_once, normalised
from monitoring.intake.sampling import rows_before, sampled
from monitoring.metrics import Task

DAYS = ["2026-03-02", "2026-03-01", "2026-03-01"]


def table(**more: Any) -> pa.Table:
    plain = {
        "x": [1.5, None, 3.0],
        "day": DAYS,
        "time": [f"{day}T08:00:00Z" for day in DAYS],
        "label": [1, 0, None],
    }
    return pa.table({**plain, **more})


def test_columns_and_rows_stay_where_they_are() -> None:
    found = normalised(table(), "ref.csv", Terms())
    assert found.column_names == ["x", "day", "time", "label"]
    assert [str(kind) for kind in found.schema.types] == [
        "double", "string", "timestamp[us, tz=UTC]", "double",
    ]  # fmt: skip
    assert found["day"].to_pylist() == DAYS
    assert found["x"].to_pylist() == [1.5, None, 3.0]
    assert normalised(found, "ref.csv", Terms()).equals(found)


def test_only_what_is_there_is_read_where_only_days_are_needed() -> None:
    found = normalised(table().select(["day", "x"]), "past.csv", Terms(needs=("day",)))
    assert found.column_names == ["day", "x"]
    # What is there has to be right all the same.
    with pytest.raises(Refused, match="column 'label': the labels are 'no' and 'yes'"):
        normalised(table(label=["yes", "no", None]), "past.csv", Terms(needs=("day",)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (table().drop_columns(["time"]), "needs a column 'time'; found x, day, label"),
        (pa.table({}), "holds no rows"),
        (table().slice(0, 0), "holds no rows"),
        (table().drop_columns(["x"]), "holds no feature; found day, time, label"),
        (table(x=[[1], [2], [3]]), "holds no feature"),
        (table().append_column("x", pa.array([1, 2, 3])), "two columns are called 'x'; rename or"),
        (table(served=[1, 2, 3]), "column 'served': the name is kept for the scores"),
        (table(day=pa.array([0] * 3, pa.timestamp("s", "Mars/Phobos"))), "cannot be read: "),
    ],
)
def test_a_table_that_is_none_of_rows_is_refused(given: pa.Table, said: str) -> None:
    with pytest.raises(Refused) as refused:
        normalised(given, "ref.csv", Terms())
    assert str(refused.value).startswith("ref.csv: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_column_of_scores_is_held_to_what_scores_are() -> None:
    given = table(score=[0.5, 712.0, 31.0])
    with pytest.raises(Refused, match=r"column 'score': 2 of 3 scores are outside 0…1, the first"):
        normalised(given, "ref.csv", Terms())
    with pytest.raises(Refused, match="1 of 3 scores are not finite numbers"):
        normalised(table(score=[0.5, None, 0.1]), "ref.csv", Terms())
    with pytest.raises(Refused, match="the scores are string, and numbers are needed"):
        normalised(table(score=["a", "b", "c"]), "ref.csv", Terms())
    assert normalised(given, "ref.csv", Terms(task=Task.REGRESSION)).num_rows == 3
    assert normalised(given, "ref.csv", Terms(features=("x", "score"))).num_rows == 3


def test_rows_of_a_sample_are_told_as_such() -> None:
    many = pa.concat_tables([table(day=["soon"] * 3)] * 10)
    given = sampled(many.to_batches(), np.random.default_rng(1), 9)
    assert rows_before(given) == 30
    with pytest.raises(Refused, match="column 'day', row 1 of the sample: 'soon' is not"):
        normalised(given, "ref.csv", Terms())
    kept = sampled(pa.concat_tables([table()] * 10).to_batches(), np.random.default_rng(1), 9)
    assert rows_before(normalised(kept, "ref.csv", Terms())) == 30


def batch(names: list[str], *columns: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(one) for one in columns], names=names)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["a", "b", "", ""], ["a", "b"]),
        (["a", "b", " "], ["a", "b"]),
        (["a", "b", "c"], ["a", "b", "c"]),
        (["a", "", "b"], ["a", "", "b"]),
        (["", "a", "b"], ["", "a", "b"]),
        (["", ""], []),
    ],
)
def test_empty_trailing_columns_without_a_name_are_left_out(
    names: list[str], kept: list[str]
) -> None:
    (found,) = named_once([batch(names, *[[None]] * len(names))], "a.csv")
    assert found.schema.names == kept


def test_a_trailing_column_that_holds_something_stays() -> None:
    (found,) = named_once([batch(["a", ""], [1], [2])], "a.csv")
    assert found.schema.names == ["a", ""]
    with pytest.raises(Refused, match=r"a.csv: two columns are called ''; rename or remove one"):
        list(named_once([batch(["a", "", ""], [1], [2], [3])], "a.csv"))


@pytest.mark.parametrize("name", ["a", "😀", "a b", "day", "ü"])
def test_two_columns_of_one_name_are_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        list(named_once([batch([name, "x", name], [1], [2], [3])], "a.csv"))
    assert str(refused.value) == f"a.csv: two columns are called {name!r}; rename or remove one"
