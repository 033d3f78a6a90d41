"""Counts that a metric makes of a table."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engine.errors import Refused
from monitoring.slo.definition import Metric, Objective, Op, Raw, Source, Threshold
from monitoring.slo.evaluation.tables import Events, Measured, counts, decimals
from tests.unit.monitoring.slo.evaluation.made import RATIO

SOURCE = Source("prometheus")


def measured(*values: float) -> Measured:
    return Measured(np.array([5, 5, 7, 9][: len(values)]), np.array(values))


def objective(op: str = "lte", value: str = "0.3") -> Objective:
    return Objective("fast", Fraction("0.99"), Op(op), Fraction(value))


@pytest.mark.parametrize(
    ("op", "value", "bad"),
    [("lte", "0.3", [1, 0, 0]), ("lt", "0.3", [2, 0, 0]), ("gt", "0.3", [1, 1, 1]),
     ("gte", "0.3", [0, 1, 1]), ("lte", "0.30000000000000001", [1, 0, 0]),
     ("lt", "0.30000000000000001", [1, 0, 0]), ("gte", "0.29999999999999999", [0, 1, 1])],
)  # fmt: skip
def test_values_are_compared_as_the_decimals_that_they_are(
    op: str, value: str, bad: list[int]
) -> None:
    """In floats 0.1 + 0.2 is not 0.3, and 0.3 is less than three tenths."""
    table = measured(0.3, 0.5, 0.2, -1.0)
    found = counts(table, Threshold(SOURCE), objective(op, value))
    assert found.minute.tolist() == [5, 7, 9]
    assert found.total.tolist() == [2, 1, 1]
    assert found.bad.tolist() == bad


@pytest.mark.parametrize("failure", [False, True])
@pytest.mark.parametrize("values", [(0.1, 0.25, 1.0, 0.0), (1 / 3, 0.1, 1e-20, 0.999)])
def test_raw_ratios_are_good_in_part(values: tuple[float, ...], failure: bool) -> None:
    found = counts(measured(*values), Raw(SOURCE, failure), objective())
    wanted = [Fraction(repr(value)) for value in values]
    wanted = wanted if failure else [1 - one for one in wanted]
    assert found.minute.tolist() == [5, 7, 9]
    assert [Fraction(int(one), found.unit) for one in found.total] == [2, 1, 1]
    bad = [Fraction(int(one), found.unit) for one in found.bad]
    assert bad == [wanted[0] + wanted[1], *wanted[2:]]


@pytest.mark.parametrize("digits", [1, 3, 7, 12, 15, 17, 30])
def test_decimals_are_exact(digits: int) -> None:
    value = float(f"0.{'1' * digits}")
    found, unit = decimals(np.array([value, 0.5]))
    assert Fraction(int(found[0]), unit) == Fraction(repr(value))


def test_counted_events_stay_as_they_are() -> None:
    table = Events(np.array([3]), np.array([10]), np.array([2]))
    for metric in (RATIO, Threshold(SOURCE), Raw(SOURCE)):
        assert counts(table, metric, objective()).bad.tolist() == [2]


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [
        (RATIO, 0.5, "columns total and bad, or good"),
        (Raw(SOURCE), 1.5, "from 0 to 1: 1.5 is none"),
        (Raw(SOURCE), -0.1, "from 0 to 1: -0.1 is none"),
        (Raw(SOURCE), 99.9, "from 0 to 1: 99.9 is none"),
        (Threshold(SOURCE), 0.5, "op and value are needed"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(metric: Metric, value: float, told: str) -> None:
    plain = Objective("fast", Fraction("0.99"))
    with pytest.raises(Refused, match=told):
        counts(measured(value), metric, plain)


def test_a_table_without_rows_has_no_counts() -> None:
    empty = Measured(np.array([], np.int64), np.array([]))
    for metric in (Threshold(SOURCE), Raw(SOURCE)):
        assert not len(counts(empty, metric, objective()).minute)
