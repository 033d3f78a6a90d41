"""How often drift is found where there is none: at most 6 % of windows, whatever the rows are like.

Twenty thousand windows each, over three seeds, every one with a fresh reference of 10,000 rows.
"""

from __future__ import annotations

import pytest

from tests.statistical.streams import Setting
from tests.statistical.tally import assert_rate_at_least, assert_rate_at_most, spread, tally

ALLOWED = 0.06
WINDOWS = (6_667, 6_667, 6_666)

NULLS = [
    pytest.param(Setting(200), id="200 rows"),
    pytest.param(Setting(1_000), id="1,000 rows"),
    pytest.param(Setting(10_000), id="as many rows as the reference"),
    pytest.param(Setting(100_000), id="ten times the rows of the reference"),
    pytest.param(Setting(1_000, missing=0.1), id="a tenth missing"),
    pytest.param(Setting(1_000, factor=0.5), id="features correlated by a half"),
    pytest.param(Setting(1_000, factor=0.9), id="features correlated by nine tenths"),
    pytest.param(Setting(1_000, slices=20, copies=5), id="rows in clusters of five"),
    pytest.param(Setting(1_000, slices=20, users=0.5), id="users of five rows"),
    pytest.param(Setting(833, m=9_996, slices=12, day=0.03), id="days differ, twelve of them"),
    pytest.param(Setting(500, slices=20, day=0.03), id="days differ, twenty of them"),
]

nulls = pytest.mark.parametrize("setting", NULLS)


@nulls
def test_windows_without_drift_sample(setting: Setting) -> None:
    found = tally(setting, 8 if setting.slices or setting.factor else 40, 1)
    assert_rate_at_most(found.loud, found.windows, ALLOWED)


@pytest.mark.slow
@nulls
def test_windows_without_drift(setting: Setting) -> None:
    loud = 0
    for seed, windows in enumerate(WINDOWS):
        loud += spread(setting, windows, seed).loud
    assert_rate_at_most(loud, sum(WINDOWS), ALLOWED)


def test_rows_in_clusters_flag_everything_when_slices_are_withheld() -> None:
    """The design effects earn their keep: without them, clusters of five are drift every time."""
    found = tally(Setting(1_000, copies=5), 20, 6)
    assert_rate_at_least(found.loud, found.windows, 0.99)
