"""Levels that come and go: told apart from noise, and named where they keep to a day."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift.recurring import begins, rhythm


def test_a_change_that_never_went_back_is_not_recurring() -> None:
    assert begins(np.array([0, 0, 0.1, 0, 0, 1, 0.9, 1, 1.1, 1])) == ()


def test_a_change_that_was_there_from_the_start_counts() -> None:
    assert begins(np.array([1, 0.9, 0, 0.1, 0, 0, 0, 0, 0, 1])) == (0, 9)


def test_levels_that_run_into_each_other_are_noise() -> None:
    assert begins(np.array([0, 0.2, 0.4, 0.6, 0.3, 0.1, 0.45, 0.7, 0.2, 1])) == ()


@pytest.mark.parametrize("size", [5, 9, 15, 29])
def test_noise_seldom_recurs(size: int) -> None:
    rng = np.random.default_rng(size)
    # As under no drift: the newest window is all of its own way, others a third of it either way.
    series = np.append(rng.normal(0, 0.35, (2000, size - 1)), np.ones((2000, 1)), axis=1)
    assert sum(bool(begins(one)) for one in series) <= (120 if size < 10 else 40)


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        (["2024-03-04", "2024-03-11", "2024-03-18"], "every Monday"),
        (["2024-03-04", "2024-03-11"], ""),
        (["2024-03-04", "2024-03-11", "2024-03-25"], ""),
        (["2024-02-01", "2024-03-01"], "on day 1 of the month"),
        (["2024-02-01", "2024-03-02"], ""),
        (["w1", "w2", "w3"], ""),
    ],
)
def test_only_a_day_that_is_kept_is_named(starts: list[str], words: str) -> None:
    assert rhythm(starts) == words
