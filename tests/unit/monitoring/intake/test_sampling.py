"""Samples of tables too large to be held."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from monitoring.intake.sampling import rows_before, sampled, seed_of


def of(name: str) -> np.random.Generator:
    return np.random.default_rng(seed_of(name))


def batches(rows: int, size: int) -> list[pa.RecordBatch]:
    return pa.table({"x": range(rows)}).to_batches(max_chunksize=size)


@pytest.mark.parametrize("size", [1, 7, 100, 1_000])
def test_a_sample_depends_on_rows_and_name_alone(size: int) -> None:
    found = sampled(batches(1_000, size), of("a"), 50)
    assert found["x"].to_pylist() == sampled(batches(1_000, 1_000), of("a"), 50)["x"].to_pylist()
    assert found["x"].to_pylist() == sorted(found["x"].to_pylist())
    assert (found.num_rows, rows_before(found)) == (50, 1_000)
    assert not found.equals(sampled(batches(1_000, size), of("b"), 50))


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_what_can_be_held_is_held_whole(rows: int) -> None:
    found = sampled(batches(rows, 8), of("a"), 50)
    assert found.num_rows == rows
    assert rows_before(found) == 0
    assert sampled(batches(51, 8), of("a"), 50).num_rows == 50
    assert sampled([], of("a")).num_rows == 0


def test_every_row_is_as_likely_as_any_other() -> None:
    """Over 400 names each of 200 rows is drawn Binomial(400, 1/4) times; 200 rows are looked at."""
    counts = np.zeros(200, int)
    for name in range(400):
        counts[sampled(batches(200, 30), of(f"n{name}"), 50)["x"].to_numpy()] += 1
    assert counts.sum() == 400 * 50
    low, high = binom.ppf([0.0005 / 200, 1 - 0.0005 / 200], 400, 0.25)
    assert low <= counts.min()
    assert counts.max() <= high


def test_types_may_change_from_batch_to_batch() -> None:
    parts = [pa.record_batch({"x": [1, 2]}), pa.record_batch({"x": [0.5], "y": ["a"]})]
    assert sampled(parts, of("a")).to_pydict() == {"x": [1.0, 2.0, 0.5], "y": [None, None, "a"]}
    assert sampled(parts * 10, of("a"), 4).num_rows == 4


def test_a_name_that_is_no_text_has_the_seed_of_its_bytes() -> None:
    raw = "data😀.csv".encode()
    assert seed_of(raw.decode("ascii", "surrogateescape")) == seed_of("data😀.csv")
    assert seed_of(b"\xff.csv".decode("utf-8", "surrogateescape")) != seed_of(".csv")
