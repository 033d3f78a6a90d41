"""Tables of minutes, and the counts that a metric and an objective make of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engine.errors import Refused
from monitoring.slo.definition import Metric, Objective, Ratio, Raw
from monitoring.slo.evaluation.exact import OPS, Bools, Ints, compares
from monitoring.slo.evaluation.series import Counts, Minutes

Values = NDArray[np.float64]
#: Digits after the point of ratios that are counted in int64.
FEW = (3, 6, 9, 12, 15)


@dataclass(frozen=True, eq=False)
class Events:
    """Minutes, ascending and once each, with their events and those of them that are bad."""

    minute: Minutes
    total: Ints
    bad: Ints


@dataclass(frozen=True, eq=False)
class Measured:
    """Values with their minutes, ascending; a minute may have several. None is NaN."""

    minute: Minutes
    value: Values


Table = Events | Measured


def counts(table: Table, metric: Metric, objective: Objective) -> Counts:
    """Count good and bad events of a table; events that a source has counted already stay so.

    A value of a threshold metric is an event, good where `value op limit` holds. One of a raw ratio
    is an event that is good in part. Values are the decimals that they are written as: 0.1 is 1/10.

    Raises `Refused` where the table does not fit the metric.
    """
    if isinstance(table, Events):
        return Counts(table.minute, table.total, table.bad)
    if isinstance(metric, Ratio):
        raise Refused("the indicator is a ratio of events: columns total and bad, or good, needed")
    if isinstance(metric, Raw):
        return _raw(table, metric)
    return _summed(table.minute, np.ones(len(table.value), np.int64), _missed(table, objective), 1)


def _raw(table: Measured, metric: Raw) -> Counts:
    outside = np.flatnonzero((table.value < 0) | (table.value > 1))
    if len(outside):
        raise Refused(f"the indicator is a ratio from 0 to 1: {table.value[outside[0]]:g} is none")
    share, unit = decimals(table.value)
    if unit * len(share) >= 2**62:
        share = cast(Ints, share.astype(object))
    everything = share * 0 + unit
    bad = share if metric.failure else everything - share
    return _summed(table.minute, everything, bad, unit)


def _missed(table: Measured, objective: Objective) -> Ints:
    """1 where the value does not compare as the objective asks, else 0."""
    if objective.op is None or objective.value is None:
        raise Refused(f"objective {objective.name}: op and value are needed to judge values")
    limit = float(objective.value)
    good = cast(Bools, OPS[objective.op](table.value, limit))
    # Rounding keeps the order of other numbers; equal ones are compared as decimals.
    same = Fraction(Decimal(repr(limit)))
    good = np.where(table.value == limit, compares(same, objective.op, objective.value), good)
    return (~good).astype(np.int64)


def decimals(values: Values) -> tuple[Ints, int]:
    """Return numbers from 0 to 1 as integers, and how many of them make 1.

    >>> decimals(np.array([0.1, 0.25])), decimals(np.array([1e-20]))[1] == 10**20
    ((array([100, 250]), 1000), True)
    """
    for digits in FEW:
        unit = 10**digits
        found = np.rint(values * unit)
        # A decimal of at most 15 digits is the only one of its length that rounds to its float.
        if (found / unit == values).all():
            return found.astype(np.int64), unit
    exact = [Fraction(Decimal(repr(value))) for value in values.tolist()]
    unit = math.lcm(*(one.denominator for one in exact))
    return cast(Ints, np.array([int(one * unit) for one in exact], object)), unit


def _summed(minute: Minutes, total: Ints, bad: Ints, unit: int) -> Counts:
    minutes, first = np.unique(minute, return_index=True)
    if not len(minutes):
        return Counts(minutes, total, bad, unit)
    sums = [cast(Ints, np.add.reduceat(column, first)) for column in (total, bad)]
    return Counts(minutes, sums[0], sums[1], unit)
