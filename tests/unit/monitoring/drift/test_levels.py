"""Levels with tests of their own: by frequency, and all of them where they are few."""

from __future__ import annotations

from monitoring.drift.levels import Levels, levels_of


def test_the_most_frequent_come_first_and_ties_go_by_name() -> None:
    assert levels_of({"b": 20, "c": 10, "a": 20}) == Levels(("a", "b", "c"), 3, 1)
    many = levels_of({f"l{index:04}": 5 for index in range(1_500)})
    assert (len(many.ranked), many.ranked[-1]) == (1_000, "l0999")


def test_few_levels_are_all_tested_on_their_own() -> None:
    assert levels_of({"a": 900, "b": 99, "c": 1}).own == 3
    # 65 levels of 36 to 100 rows, of which 1 % are 45
    assert levels_of({f"l{n}": 36 + n for n in range(65)}).own == 56


def test_rare_levels_share_groups_of_half_the_least_own_level() -> None:
    """10,000 rows: own from 100 rows on; 2,000 rare rows in groups of 50."""
    common = {f"c{index}": 800 for index in range(10)}
    found = levels_of({**common, **{f"r{index}": 1 for index in range(2_000)}})
    assert (found.own, found.groups, len(found.ranked)) == (10, 40, 1_000)


def test_no_levels_leave_one_group() -> None:
    assert levels_of({}) == Levels((), 0, 1)
