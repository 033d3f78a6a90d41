"""Numbers, cells and names as people read them."""

from __future__ import annotations

import pytest

from monitoring.drift.wording import cell, percent, printable, probability, shares
from monitoring.schema import Kind
from tests.doubles.reports import HOSTILE


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("(-inf, 0.5]", "≤ 0.5"),
        ("(-inf, -3.09)", "< -3.09"),
        ("(0.5, inf)", "> 0.5"),
        ("[0.5, inf)", "≥ 0.5"),
        ("(-inf, inf)", "all values"),
        ("(0.123456789012, 0.234567890123]", "0.123 to 0.235"),
        ("(12345.6, 98765.4]", "12346 to 98765"),
        ("(0.1234561, 0.1234572]", "0.123456 to 0.123457"),
        ("(1e+20, 2.5e+20]", "1e+20 to 2.5e+20"),
        ("(0, 1)", "between 0 and 1"),
        ("(3, 3]", "3"),
        ("-999", "-999"),
        ("0", "0"),
        ("nothing that looks like a cell", "nothing that looks like a cell"),
    ],
)
def test_cells_of_numbers_are_named_by_comparison(label: str, told: str) -> None:
    assert cell(label, Kind.NUMERIC) == told


def test_ends_that_differ_only_far_behind_the_point_stay_apart() -> None:
    low, high = cell("(1000.00001, 1000.00002]", Kind.NUMERIC).split(" to ")
    assert low != high


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("rest", "all other levels"),
        ("rest 17/200", "rare levels, group 17 of 200"),
        ("restless", "restless"),
        ("rest 17", "rest 17"),
        ("(0.5, 2]", "(0.5, 2]"),
        ("a\nb", r"a\nb"),
    ],
)
def test_levels_are_named_as_they_are_and_rare_ones_as_such(label: str, told: str) -> None:
    assert cell(label, Kind.CATEGORICAL) == told


def test_a_level_that_is_a_whole_text_is_cut() -> None:
    assert len(cell("word " * 5_000, Kind.CATEGORICAL)) == 120


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_that_moves_the_cursor_is_left(name: str) -> None:
    assert printable(name).isprintable()


@pytest.mark.parametrize(
    ("p", "told"),
    [
        (1.2e-45, "< 0.001"),
        (0.0, "< 0.001"),
        (0.00099, "< 0.001"),
        (0.001, "0.001"),
        (0.03, "0.03"),
        (0.049, "0.049"),
        (0.5, "0.5"),
        (1.0, "1"),
        (None, ""),
    ],
)
def test_p_values_are_plain(p: float | None, told: str) -> None:
    assert probability(p) == told


def test_only_nothing_is_0_and_only_everything_100_percent() -> None:
    assert shares(0.103, 0.018) == "10.3 % → 1.8 %"
    assert [percent(share) for share in (0.0, 1e-9, 1 - 1e-9, 1.0)] == [
        "0 %",
        "< 0.01 %",
        "> 99.99 %",
        "100 %",
    ]
