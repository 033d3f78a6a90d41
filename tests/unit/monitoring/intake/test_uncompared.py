"""Columns that number or date rows are told from columns that measure something."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from monitoring.intake.uncompared import ends, left_out, may_lack

RNG = np.random.default_rng(1)
RISING = "whole numbers in order: row numbers"
IDS = "whole numbers that are all different: ids"


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("n", np.arange(100), RISING),
        ("n", np.arange(100)[::-1] * 7, RISING),
        ("n", np.arange(100).astype(np.float32), RISING),
        ("n", RNG.permutation(2_000), IDS),
        ("n", RNG.permutation(2_000).astype(np.uint32), IDS),
        ("user_id", RNG.permutation(10**6)[:500] * 10_000, IDS),
        ("orderId", RNG.permutation(10**6)[:500] * 10_000, IDS),
        ("Unnamed: 0", np.arange(100), "a row index"),
        ("__index_level_0__", RNG.normal(size=100), "pandas' row index"),
        ("n", RNG.permutation(10**6)[:500] * 10_000, ""),
        ("n", np.arange(29), ""),
        ("n", np.arange(100) + 0.5, ""),
        ("n", np.arange(100) // 2, ""),
        ("n", np.where(np.arange(100) == 50, np.inf, np.arange(100)), ""),
        ("user_id", RNG.integers(0, 50, 500), ""),
        ("paid", RNG.normal(size=100), ""),
    ],
)
def test_numbers(name: str, values: np.ndarray, reason: str) -> None:
    assert left_out(name, pa.chunked_array([pa.array(values)])) == reason


def test_ids_with_nulls_are_ids() -> None:
    holes = pa.array(np.arange(5_000), mask=RNG.random(5_000) < 0.1)
    assert left_out("n", pa.chunked_array([holes])) == RISING


@pytest.mark.parametrize(
    ("values", "dates"),
    [
        (["2026-08-01", "2026-08-02", None], True),
        (["2026-08-01T00:00:00.123456Z", "2026-08-01 10:00:00+02:00"], True),
        (["2026/08/01", "2026.8.1"], True),
        (["01.08.2026", "8/1/2026 10:15 PM"], True),
        (["2026-08", "2026-09"], False),
        (["10:15", "11:30"], False),
        (["1.2.3", "4.5.6"], False),
        (["2026-08-01", "never"], False),
        ([None, None], False),
    ],
)
def test_dates_as_text(values: list[str | None], dates: bool) -> None:
    texts = pa.chunked_array([values * 20], pa.string())
    for column in (texts, texts.dictionary_encode()):
        assert left_out("when", column) == ("dates as text" if dates else "")


def test_numbers_that_never_fall_have_ends() -> None:
    assert ends(pa.chunked_array([np.arange(100) * 3 // 4])) == (0, 74)
    assert ends(pa.chunked_array([np.arange(100) // 10])) is None
    assert ends(pa.chunked_array([RNG.permutation(100)])) is None
    assert ends(pa.chunked_array([["a", "b"] * 50])) is None


def test_names_of_what_current_may_lack() -> None:
    assert all(map(may_lack, ["label", "Target", "y_true", "prediction", "y_pred", "score", "day"]))
    assert not any(map(may_lack, ["amount", "yield", "scored_by", "days", "labels_total"]))
