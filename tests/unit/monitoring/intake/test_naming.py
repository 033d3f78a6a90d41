"""Which columns name things: by their name, by their values, and which numbers are not taken so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from monitoring.intake.naming import names_things

RNG = np.random.default_rng(4)
FEW = RNG.integers(0, 40, 1_000)
AMOUNTS = np.round(RNG.lognormal(3, 1, 1_000), 2)
STATUS = np.array([200, 301, 404, 500])


def column(values: Any) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


@pytest.mark.parametrize(
    "name",
    ["store_id", "id", "storeId", "storeID", "customerid", "zip", "country code", "plz", "SKU",
     "shop-code", "geschäft_id"],
)  # fmt: skip
def test_whole_numbers_that_are_called_ids_name_things(name: str) -> None:
    for values in (FEW, FEW.astype(float), FEW.astype(np.uint16)):
        found = names_things(name, column(values))
        assert found is not None
        assert (found.reason, found.unique) == ("40 ids or codes", False)


@pytest.mark.parametrize(
    "name", ["visits", "paid", "bid", "humid", "idle", "code_length", "idx", "identity_checks"]
)
def test_other_names_say_nothing(name: str) -> None:
    assert names_things(name, column(FEW)) is None


@pytest.mark.parametrize(
    "values",
    [
        RNG.choice(STATUS, 1_000),
        RNG.choice([1010, 1040, 5411, 5812, 6011], 1_000),
        RNG.choice([10115, 20095, 50667, 80331, 60311, 70173], 1_000),
        RNG.choice(RNG.choice(10**9, 50, replace=False), 1_000),
        RNG.choice([-7, 12, 99, 1000], 1_000),
    ],
)
def test_few_numbers_far_apart_name_things(values: np.ndarray[Any, Any]) -> None:
    assert names_things("x", column(values)) is not None


@pytest.mark.parametrize(
    "values",
    [
        RNG.poisson(3, 1_000),
        RNG.integers(18, 90, 1_000),
        RNG.integers(20, 90, 1_000) * 1_000,
        RNG.geometric(0.05, 1_000),
        RNG.integers(0, 2, 1_000),
        AMOUNTS,
        np.zeros(1_000, int),
        RNG.integers(0, 50, 1_000) * 0.5,
    ],
)
def test_counts_and_measures_do_not(values: np.ndarray[Any, Any]) -> None:
    assert names_things("x", column(values)) is None


def test_what_differs_in_every_row_names_rows() -> None:
    for name, values in (
        ("x", np.arange(1_000)),
        ("order_id", RNG.permutation(1_000) + 10**6),
        ("order_id", RNG.integers(0, 10**9, 2_000)),
        ("x", [f"order {i}" for i in range(1_000)]),
        ("user_id", RNG.integers(0, 6_000, 4_000)),
    ):
        found = names_things(name, column(values))
        assert found is not None
        assert found.unique, name
    assert names_things("x", column(range(20))) is None
    assert names_things("plan", column(["a", "b"] * 500)) is None


@pytest.mark.parametrize(
    "values",
    [[None, None], [], [1.5, None], [True, False], [[1]], [float("inf"), 1.0], [2**62, 0, 5]],
)
def test_nothing_is_concluded_from_nothing(values: list[Any]) -> None:
    assert names_things("x", column(values)) is None


@pytest.mark.parametrize("start", [2**53, 2**62, 2**64 - 1_000])
def test_numbers_that_are_one_as_floats_do_not_end_the_guess(start: int) -> None:
    values = np.uint64(start) + np.arange(400, dtype=np.uint64) % np.uint64(4)
    names_things("amount", column(values))
