"""How often features that drift are flagged: ten of a hundred, or one of a hundred."""

from __future__ import annotations

from typing import Any

import pytest

from tests.statistical.streams import Drift, Setting
from tests.statistical.tally import assert_rate_at_least, spread, tally

CLUSTERS = {"slices": 20, "copies": 5}
SHIFT, LARGER, SCALE = {"shift": 0.1}, {"shift": 0.25}, {"scale": 1.1}
# A mode as wide as the distribution itself is the hardest to see.
FAR, NEAR = ({"mixed": 0.05, "at": at, "width": 1.0} for at in (2.5, 1.0))
SPIKE = {"mixed": 0.05, "at": 0.3, "width": 0.0}

# Rows, what drifts, how rows hang together; share flagged when ten drift, and when one does.
POWER = [
    pytest.param(1_000, SHIFT, {}, 0.35, 0.20, id="mean +.1 sd"),
    pytest.param(10_000, SHIFT, {}, 0.99, 0.99, id="mean +.1 sd, 10,000 rows"),
    pytest.param(200, LARGER, {}, 0.55, 0.35, id="mean +.25 sd, 200 rows"),
    pytest.param(1_000, SCALE, {}, 0.50, 0.33, id="scale x 1.1"),
    pytest.param(1_000, FAR, {}, 0.45, 0.25, id="5 % mode at +2.5 sd"),
    pytest.param(10_000, FAR, {}, 0.99, 0.99, id="5 % mode at +2.5 sd, 10,000 rows"),
    pytest.param(10_000, NEAR, {}, 0.55, 0.38, id="5 % mode at +1 sd, 10,000 rows"),
    pytest.param(10_000, SPIKE, {}, 0.99, 0.99, id="5 % at one value, 10,000 rows"),
    pytest.param(1_000, {"level": (0.05, 0.10)}, {}, 0.95, 0.88, id="a level's 5 % doubled"),
    pytest.param(10_000, {"level": (0.014, 0.028)}, {}, 0.99, 0.99, id="a level's 1.4 % doubled"),
    pytest.param(1_000, LARGER, CLUSTERS, 0.45, 0.25, id="mean +.25 sd, rows in clusters of five"),
]

drifts = pytest.mark.parametrize(("n", "drift", "rows", "ten", "one"), POWER)


@drifts
def test_power_sample(
    n: int, drift: dict[str, Any], rows: dict[str, Any], ten: float, one: float
) -> None:
    found = tally(Setting(n, **rows, drift=Drift(10, **drift)), 10 if rows else 20, 3)
    assert_rate_at_least(found.found, found.moved, ten)


@pytest.mark.slow
@pytest.mark.parametrize(("features", "windows"), [(10, 600), (1, 2_000)])
@drifts
def test_power(
    n: Any, drift: Any, rows: Any, ten: Any, one: Any, features: Any, windows: Any
) -> None:
    setting = Setting(n, **rows, drift=Drift(features, **drift))
    moved = found = 0
    for seed in (1, 2, 3):
        part = spread(setting, windows // 3, seed)
        moved, found = moved + part.moved, found + part.found
    assert_rate_at_least(found, moved, ten if features == 10 else one)
