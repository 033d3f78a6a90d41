"""The fixed rules, against scipy's own numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from monitoring.drift.rules import Rule, fired, ks_p


@pytest.mark.parametrize(("m", "n"), [(1_000, 60), (60, 1_000), (10_000, 10_000), (7, 3)])
@pytest.mark.parametrize("shift", [0.0, 0.1, 3.0])
@pytest.mark.parametrize("ties", [False, True])
def test_the_p_value_is_scipys(m: int, n: int, shift: float, ties: bool) -> None:
    rng = np.random.default_rng([m, n])
    a, c = np.sort(rng.normal(size=m)), rng.normal(shift, size=n)
    if ties:
        a, c = a.round(1), c.round(1)
    expected = ks_2samp(a, c, method="asymp").pvalue
    assert ks_p(a, c) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_a_side_without_values_has_no_p_value() -> None:
    assert ks_p(np.empty(0), np.ones(3)) is None
    assert ks_p(np.ones(3), np.empty(0)) is None


@pytest.mark.parametrize(
    ("numbers", "rules"),
    [
        ((0.1, 0.1, 0.05), ()),
        ((0.11, 0.0, 1.0), (Rule.PSI_LOW,)),
        ((0.26, 0.2, 0.01), tuple(Rule)),
        ((None, None, None), ()),
        ((None, 0.11, None), (Rule.JS,)),
    ],
)
def test_limits_are_passed_not_reached(
    numbers: tuple[float | None, ...], rules: tuple[Rule, ...]
) -> None:
    assert fired(*numbers) == rules
