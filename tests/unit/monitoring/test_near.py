"""Suggestions for unknown names."""

from __future__ import annotations

import pytest

from monitoring.near import near
from monitoring.slo.objective import Sli


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Gremany", ", did you mean Germany?"),
        ("germany", ", did you mean Germany?"),
        ("latencies", ", did you mean latency?"),
        ("Wakanda", ""),
        ("", ""),
    ],
)
def test_the_nearest_known_name_is_suggested_or_none(name: str, said: str) -> None:
    assert near(name, ["Germany", "Ghana", *Sli]) == said
