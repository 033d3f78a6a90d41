"""Text without a declared type: what it holds, and which of its values are odd."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitoring.intake.untyped import (
    Odd,
    inferred,
    is_untyped,
    null_words,
    numbers,
    truths,
    untyped,
    without,
)


def column(values: list[str | None], pieces: int = 3) -> pa.ChunkedArray:
    return pa.chunked_array([values[piece::pieces] for piece in range(pieces)], pa.string())


def many(count: int) -> list[str]:
    return [repr(value) for value in np.random.default_rng(1).normal(size=count).round(6).tolist()]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "2", None] * 10, pa.float64()),
        (["1", "NA", "nan", "NULL", ""] * 10, pa.float64()),
        ([" 1", "+2.5 ", "1e3", ".5", "7.", "-inf"] * 10, pa.float64()),
        (["a", "b"] * 10, pa.string()),
        (["1", "a"] * 10, pa.string()),
        (["02139", "10001"] * 10, pa.string()),
        (["0", "0.5", "0e1"] * 10, pa.float64()),
        (["True", "FALSE", None] * 10, pa.bool_()),
        (["true", "1", "0", "0.0"] * 10, pa.bool_()),
        (["true", "maybe"] * 10, pa.string()),
        (["1", "0"] * 10, pa.float64()),
        ([None] * 10, pa.null()),
        (["2026-01-01"] * 10, pa.string()),
        ([*many(900), *["?"] * 100], pa.float64()),
        ([*many(900), *["?", "-", "x", "y"] * 25], pa.string()),
        ([*many(990), *["?", "-", "x", "y", "z"] * 2], pa.float64()),
        ([*many(400), *["?"] * 401], pa.string()),
        ([*["1", "2", "3"] * 300, *["3+"] * 100], pa.string()),
        ([*["1", "2", "3"] * 333, "3+"], pa.float64()),
        ([*["True", "False"] * 500, "Unknown"], pa.bool_()),
        ([*["True", "False"] * 20, "Unknown"], pa.string()),
    ],
)
def test_a_column_is_what_nearly_all_its_values_are(
    values: list[str | None], dtype: pa.DataType
) -> None:
    assert inferred(column(values))[0].type == dtype


def test_numbers_are_those_that_python_reads() -> None:
    texts = [*many(50), "1e-300", "+4", "-0", "12345678901234567890"]
    fitted, odd = numbers(column(texts, 1))
    assert fitted.to_pylist() == [float(text) for text in texts]
    assert odd is None


def test_odd_values_are_counted_and_the_first_is_named() -> None:
    fitted, odd = numbers(column(["1", "a", "b", "2", "NA", None, "a", "4", "5"]))
    assert odd == Odd(3, "a")
    assert fitted.null_count == 5


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_every_layout_of_text_is_read(kind: pa.DataType) -> None:
    texts = pa.chunked_array([pa.array(["1", "x", None, "2.5"]).cast(kind)])
    fitted, odd = numbers(texts)
    assert (fitted.to_pylist(), odd) == ([1.0, None, None, 2.5], Odd(1, "x"))


def test_truth_values_are_numbers_where_numbers_are_due() -> None:
    assert numbers(pa.chunked_array([[True, False, None]]))[0].to_pylist() == [1.0, 0.0, None]
    assert numbers(column(["TRUE", "false", "7"], 1))[0].to_pylist() == [1.0, 0.0, 7.0]


def test_a_dictionary_of_numbers_is_one_of_numbers() -> None:
    coded = pa.chunked_array([pa.array([5, 7, 5]).dictionary_encode()])
    assert numbers(coded)[0].to_pylist() == [5.0, 7.0, 5.0]


def test_truth_values_are_told_from_strays() -> None:
    fitted, odd = truths(column(["True", "0", "1.0", "false", None] * 40 + ["?"], 1))
    assert fitted.to_pylist() == [True, False, True, False, None] * 40 + [None]
    assert odd == Odd(1, "?")
    other = column(["True", "?"] * 10)
    assert truths(other) == (other, None)


def test_words_for_nothing_are_named_and_can_be_made_null() -> None:
    for texts in (column(["NA", "a", "nan", None]), column(["NA", "a", "nan"]).dictionary_encode()):
        assert null_words(texts) == {"NA", "nan"}
        left = without(texts, {"NA"}).to_pylist()
        assert sorted(value for value in left if value) == ["a", "nan"]
    assert null_words(pa.chunked_array([[1, 2]])) == set()


def test_a_field_keeps_the_mark_of_an_open_type() -> None:
    assert is_untyped(untyped("x"))
    assert not is_untyped(pa.field("x", pa.string()))
    assert is_untyped(pa.schema([untyped("x")]).field("x"))


def test_a_note_names_file_column_count_and_first_value() -> None:
    assert Odd(1, "n/a?").note("cur.csv", "amount", "number") == (
        "cur.csv: column amount: 1 value that is not a number counted as missing, "
        "the first is 'n/a?'"
    )
    assert "2,500 values that are not truth values" in Odd(2_500, "x").note("f", "c", "truth value")
