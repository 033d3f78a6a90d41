"""Budgets as people write them, and the smallest thresholds that keep to them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine.errors import Refused
from fleet.backtest.budget import MONTH, Budget, above, propose

FLOOR = 0.02


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("1 page/month", Budget(1, MONTH)),
        ("2 pages per week", Budget(2, 7)),
        ("0.5 pages a quarter", Budget(0.5, 3 * MONTH)),
        (" 3 Pages / Year ", Budget(3, 365.25)),
    ],
)
def test_a_budget_is_read(text: str, budget: Budget) -> None:
    assert Budget.of(text) == budget


@pytest.mark.parametrize("text", ["", "few", "1 page", "1/month", "-1 page/month"])
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(Refused, match="write it as '1 page/month'"):
        Budget.of(text)


@pytest.mark.parametrize(("days", "pages"), [(30, 0), (31, 1), (61, 2), (365, 11), (366, 12)])
def test_only_whole_pages_are_granted(days: int, pages: int) -> None:
    assert Budget.of("1 page/month").over(days) == pages


@pytest.mark.parametrize("value", [0.02, 0.1, 0.0999, 0.29500000001, 1.0, 12.34, 0.001])
def test_a_threshold_just_above_an_effect(value: float) -> None:
    assert value < above(value) <= value * 1.011
    assert len(f"{above(value):g}".replace(".", "").lstrip("0")) <= 4


#: Every effect is a page of its own here.
MOVED = {"a": [0.3, 0.05], "b": [0.5, 0.2, 0.1], "quiet": [0.03]}


def counted(thresholds: Mapping[str, float]) -> int:
    return sum(e >= thresholds[name] for name, values in MOVED.items() for e in values)


@pytest.mark.parametrize("allowed", range(8))
def test_no_threshold_alone_could_be_smaller(allowed: int) -> None:
    found = propose(MOVED, counted, allowed, FLOOR)
    assert counted(found) <= allowed
    for name, threshold in found.items():
        smaller = [e for e in (FLOOR, *(above(v) for v in MOVED[name])) if e < threshold]
        for step in smaller:
            assert counted({**found, name: step}) > allowed


def test_all_pages_granted_is_the_floor() -> None:
    assert propose(MOVED, counted, 6, FLOOR) == dict.fromkeys(MOVED, FLOOR)


def test_nothing_moved_proposes_nothing() -> None:
    assert propose({}, lambda _: 0, 1, FLOOR) == {}
