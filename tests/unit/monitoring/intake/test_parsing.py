"""Untyped text parsed chunk by chunk: numbers, other values, truth values."""

from __future__ import annotations

import pyarrow as pa
import pytest

from monitoring.intake.parsing import NULL_WORDS, REPEATED, bits_of, parsed, texts_of

TEXTS = [" 1.5", "-2e3", "NA", "", None, "True", "85123A", "0x1"]


def test_an_array_of_texts_is_the_one_that_arrow_makes() -> None:
    assert texts_of(NULL_WORDS).equals(pa.array(NULL_WORDS, pa.string()))
    assert texts_of([]).equals(pa.array([], pa.string()))


@pytest.mark.parametrize("times", [1, REPEATED + 1])
@pytest.mark.parametrize("coded", [False, True])
def test_numbers_and_other_values_are_told_apart(times: int, coded: bool) -> None:
    chunk = pa.array(TEXTS * times, pa.string())
    found = parsed(chunk.dictionary_encode() if coded else chunk)
    assert found.numbers.to_pylist() == [1.5, -2000.0, *[None] * 6] * times
    assert found.other is not None
    marks = [bool(mark) for mark in found.other.to_pylist()]
    assert marks == [False, False, False, False, False, True, True, True] * times
    assert found.truths is not None
    assert [bool(mark) for mark in found.truths.to_pylist()] == [
        *[False] * 5,
        True,
        False,
        False,
    ] * times


def test_a_chunk_of_numbers_or_of_truth_values_has_no_other_values() -> None:
    numbers, truths = parsed(pa.array(["1", None, "inf"])), parsed(pa.array([True, None, False]))
    assert numbers.numbers.to_pylist() == [1.0, None, float("inf")]
    assert truths.numbers.to_pylist() == [1.0, None, 0.0]
    assert numbers.other is None
    assert truths.other is None


def test_true_is_one_however_it_is_written() -> None:
    assert bits_of(pa.array(["TRUE", "true", "false", "yes"])).to_pylist() == [1.0, 1.0, 0.0, 0.0]
