"""What our own annotations do."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from monitoring.slo.definition import Condition, Op
from tests.unit.monitoring.slo.openslo.cases import one


@pytest.mark.parametrize(
    ("written", "guarded"), [('guard: "true"', True), ('guard: "false"', False)]
)
def test_a_policy_of_a_document_is_guarded_where_it_asks(written: str, guarded: bool) -> None:
    assert one(('guard: "true"', written)).policies[0].guarded is guarded


def test_a_policy_without_annotations_is_what_it_says() -> None:
    assert not one(('  annotations: {driftwarden.io/guard: "true"}\n', "")).policies[0].guarded


@pytest.mark.parametrize(
    ("long", "short"),
    [("1h", {"minutes": 5}), ("6h", {"minutes": 30}), ("1d", {"hours": 2}), ("3d", {"hours": 6})],
)
def test_a_second_window_is_a_twelfth_of_the_first(long: str, short: dict[str, int]) -> None:
    slo = one(
        ('guard: "true"', 'multiwindow: "true"'), ("lookbackWindow: 1h", f"lookbackWindow: {long}")
    )
    first, second = slo.policies[0].conditions
    assert second == Condition(
        "fast-short", "page", Op.GT, Fraction(72, 5), timedelta(**short), timedelta(minutes=2)
    )
    assert (first.name, first.lookback) == ("fast", 12 * second.lookback)
