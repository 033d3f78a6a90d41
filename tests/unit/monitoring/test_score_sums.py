"""Scores summed by day and bin: by hand, kept and read back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from engine.errors import Refused
from monitoring.score_sums import MOST_DAYS, Sums, summed, summed_like


def days(count: int, rows: int) -> tuple[pa.Table, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(count), rows)
    level = rng.choice(["a", "b", "c"], len(day))
    score = rng.normal(0, 1, len(day)) + (level == "c")
    return pa.table({"level": level, "x": rng.normal(0, 1, len(day))}), score, day


def test_sums_are_kept_and_read_back() -> None:
    table, score, day = days(MOST_DAYS + 5, 40)
    found = summed(table, score, day, {"level": "salt"})
    assert found is not None
    assert len(found.squares) == MOST_DAYS
    content = found.to_bytes()
    again = Sums.from_bytes(content)
    assert again.to_bytes() == content
    assert b'"a"' not in content.split(b"\n")[1]
    with pytest.raises(Refused, match="newer"):
        Sums.from_bytes(content.replace(b'"format": 1', b'"format": 2', 1))


def test_a_window_is_summed_by_the_bins_and_the_centre_of_the_reference() -> None:
    table, score, day = days(3, 200)
    usual = summed(table, score, day, {})
    assert usual is not None
    window = summed_like(usual, pa.table({"level": ["c", None, "z"]}), np.array([1.0, 2.0, 4.0]))
    moved = np.array([1.0, 2.0, 4.0]) - usual.centre
    assert window.squares == pytest.approx([(moved**2).sum()])
    start, bins = usual.ruler.starts["level"], usual.ruler.features["level"]
    place = start + np.array([bins.place("c"), bins.size, bins.place("z")])
    assert window.counts[0, place].tolist() == [1, 1, 1]
    assert window.sums[0, place] == pytest.approx(moved)
    # A feature that the window lacks is missing in every row.
    last = usual.ruler.starts["x"] + usual.ruler.features["x"].size
    assert window.counts[0, last] == 3


def test_scores_that_do_not_vary_have_no_sums() -> None:
    table, score, day = days(3, 50)
    assert summed(table, np.ones(len(score)), day, {}) is None
    assert summed(table, np.full(len(score), np.nan), day, {}) is None
