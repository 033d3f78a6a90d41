"""Names cut to a width: none wider, none alike."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from commands.check.shortening import shorten, shorten_all
from monitoring.drift.wording import printable
from tests.doubles.reports import HOSTILE


def test_both_ends_of_a_long_name_are_kept() -> None:
    assert shorten("transaction_amount_usd", 11) == "trans…t_usd"
    assert shorten("amount", 6) == "amount"


@pytest.mark.parametrize("room", [1, 2, 3, 8, 15, 40])
def test_no_name_is_wider_than_its_room(room: int) -> None:
    for name in map(printable, HOSTILE):
        assert cell_len(shorten(name, room)) <= room


FAMILIES = {
    "ends": [f"{'measurement_' * 4}{n}" for n in range(40)],
    "begins": [f"{n}{'_measurement' * 4}" for n in range(40)],
    "middles": [f"{'left_' * 6}{n:02}{'_right' * 6}" for n in range(40)],
    "places": ["a" * n + "b" + "a" * (60 - n) for n in range(60)],
    "hostile": [printable(name) for name in HOSTILE],
    "short and long": ["aaaa…aaaa", "a" * 30, "a" * 31, "a" * 32],
}


@pytest.mark.parametrize("room", [8, 14, 20])
@pytest.mark.parametrize("family", FAMILIES)
def test_different_names_stay_different(family: str, room: int) -> None:
    names = FAMILIES[family]
    found = shorten_all(names, room)
    assert len({*found.values()}) == len({*names})
    assert max(map(cell_len, found.values())) <= room


def test_a_name_that_occurs_often_stays_one_name() -> None:
    assert shorten_all(["x" * 30, "x" * 30], 9) == {"x" * 30: "xxxx…xxxx"}


def test_where_the_middles_differ_the_middle_is_shown() -> None:
    found = shorten_all([f"{'left_' * 6}{word}{'_right' * 6}" for word in ("one", "two")], 20)
    assert all(word in "".join(found.values()) for word in ("one", "two"))
