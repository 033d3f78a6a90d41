"""The split of traffic is checked where it is made."""

from __future__ import annotations

import pytest

from engine.errors import Refused
from retrain.ports import Traffic


@pytest.mark.parametrize("weights", [{}, {"v1": 90}, {"v1": 110, "v2": -10}, {"v1": 60, "v2": 60}])
def test_weights_sum_to_a_hundred(weights: dict[str, int]) -> None:
    with pytest.raises(Refused, match="sum to 100"):
        Traffic(weights)


def test_nobody_is_live_and_shadow_at_once() -> None:
    with pytest.raises(Refused, match="v2 cannot be live and shadow at once"):
        Traffic({"v1": 90, "v2": 10}, shadow=("v2",))
    assert Traffic({"v1": 100, "v2": 0}, shadow=("v2",)).shadow == ("v2",)
