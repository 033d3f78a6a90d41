"""Estimates from past runs."""

from __future__ import annotations

from datetime import timedelta

from retrain.cost import Estimate, Past, estimate


def test_medians_with_their_count() -> None:
    past = [Past(timedelta(minutes=10), 4.0), Past(timedelta(minutes=30)), Past(timedelta(hours=9))]
    assert estimate(past) == Estimate(timedelta(minutes=30), 4.0, 3)
    assert estimate(past[:2]) == Estimate(timedelta(minutes=20), 4.0, 2)
    assert estimate(past[1:]) == Estimate(timedelta(hours=4, minutes=45), None, 2)


def test_no_past_is_no_estimate() -> None:
    assert estimate([]) is None
