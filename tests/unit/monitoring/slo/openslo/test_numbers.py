"""Numbers are what the text says, not the nearest binary number."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.monitoring.slo.openslo.cases import LIMITED, one, reading


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("target: 0.999", Fraction(999, 1000)),
        ("target: 0.1", Fraction(1, 10)),
        ("target: .5", Fraction(1, 2)),
        ("target: 9.99e-1", Fraction(999, 1000)),
        ("target: 0.99999999999999999999", 1 - Fraction(1, 10**20)),
        ("target: 0.999_9", Fraction(9999, 10000)),
        ("targetPercent: 99.9", Fraction(999, 1000)),
        ("targetPercent: 99.95", Fraction(9995, 10000)),
        ("targetPercent: 33", Fraction(33, 100)),
        ("targetPercent: 99.999999999999999999", 1 - Fraction(1, 10**20)),
    ],
)
def test_a_target_is_its_decimal(written: str, meant: Fraction) -> None:
    (objective,) = reading(("target: 0.999", written)).slos[0].objectives
    assert objective.target == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0.1", Fraction(1, 10)),
        ("-3", Fraction(-3)),
        ("0x10", Fraction(16)),
        ("1:30.5", Fraction(181, 2)),
        ("1.0e+17", Fraction(10**17)),
        ("123456789012345.678901234", Fraction("123456789012345.678901234")),
    ],
)
def test_a_limit_is_its_number(written: str, meant: Fraction) -> None:
    (objective,) = one(*LIMITED, ("100.5", written)).objectives
    assert objective.value == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (".inf", "inf is too large"),
        ("1.0e+400", "inf is too large"),
        ("1.0e+19", "1e+19 is too large"),
        ("1" + "0" * 19, "is too large"),
        ("0x" + "f" * 9000, "a number of thousands of digits is too large"),
        ("0." + "3" * 90, "a number of 92 characters; 60 at most"),
        ("1e3", "'1e3' is not a number; write digits, without quotes"),
        ("true", "True is not a number"),
    ],
)
def test_what_is_no_number_or_no_sensible_one_is_refused(written: str, said: str) -> None:
    (problem,) = reading(*LIMITED, ("100.5", written)).errors
    assert said in problem.text


def test_tiny_exponents_cost_nothing() -> None:
    (objective,) = one(*LIMITED, ("100.5", "1.0e-999999999")).objectives
    assert objective.value == 0


def test_objectives_are_named_by_all_digits_of_their_target() -> None:
    targets = ("0.99999", "0.9999999", "0.999999900", "1.0e-300")
    goals = "\n    - target: ".join(targets[:2] + targets[3:])
    named = [one.name for one in reading(("0.999", goals)).slos[0].objectives]
    assert named == ["shop-answers-99.999", "shop-answers-99.99999", "shop-answers-1e-298"]
    (problem,) = reading(("0.999", "\n    - target: ".join(targets[1:3]))).errors
    assert "shop-answers-99.99999: two objectives of one name" in problem.text


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10**15 - 1), st.integers(0, 12))
def test_every_decimal_is_read_exactly(digits: int, zeros: int) -> None:
    text = f"0.{'0' * zeros}{digits:015d}"
    (objective,) = reading(("0.999", text)).slos[0].objectives
    assert objective.target == Fraction(digits, 10 ** (15 + zeros))
