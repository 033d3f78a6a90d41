"""Alerts that a target can never raise are told when a document is read."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from monitoring.slo.openslo.advice import unreachable

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("target", "mute"),
    [("0.9306", 0), ("0.9305", 1), ("0.83", 2), ("0.6", 3), ("0.999", 0), ("0", 4)],
)
def test_a_target_that_cannot_burn_fast_enough_is_told(target: str, mute: int) -> None:
    lines = list(unreachable(Fraction(target), 30 * DAY))
    assert len(lines) == mute
    if mute:
        assert "more than 14.4 is needed; a target above 93.0556 % makes it" in lines[0]


@pytest.mark.parametrize(
    ("period", "mute"), [(7 * DAY, ["1 h"]), (28 * DAY, ["1 h", "6 h"]), (DAY, [])]
)
def test_rates_scale_with_the_window(period: timedelta, mute: list[str]) -> None:
    # At 70 % the burn rate is at most 3.33: over 7 days 3.36, 1.4, 0.7 and 0.23 are needed, over 28
    # days 13.44, 5.6, 2.8 and 0.93, and a window of a day has only those of 1 h and 6 h.
    lines = list(unreachable(Fraction(7, 10), period))
    assert [line.removeprefix("the ").partition(" alert")[0] for line in lines] == mute


def test_a_burn_that_only_reaches_the_rate_does_not_exceed_it() -> None:
    # 1 / (1 - 67/72) is 14.4.
    assert len(list(unreachable(Fraction(67, 72), 30 * DAY))) == 1
    assert not list(unreachable(Fraction(67, 72) + Fraction(1, 10**9), 30 * DAY))
