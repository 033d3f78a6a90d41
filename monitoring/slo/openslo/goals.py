"""The objectives of an SLO: targets, limits of threshold metrics, and slices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from monitoring.slo.budget import REACH
from monitoring.slo.definition import Method, Metric, Objective, Op, Ratio, Threshold
from monitoring.slo.openslo.durations import slice_of
from monitoring.slo.openslo.metrics import counted, timed
from monitoring.slo.openslo.node import MOST, Node
from monitoring.slo.openslo.numbers import exact, percent, share, written
from monitoring.slo.openslo.values import shown

FIELDS = (
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "indicator",
    "indicatorRef",
    "compositeWeight",
)
SLICED = (Method.TIMESLICES, Method.RATIO_TIMESLICES)
#: Times may be written with a unit where our own sources count seconds.
TIME = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)", re.ASCII)
SECONDS = {"ms": Fraction(1, 1000), "s": Fraction(1), "m": Fraction(60), "h": Fraction(3600)}


def objectives(node: Node, name: str, metric: Metric, method: Method) -> tuple[Objective, ...]:
    """Return the objectives of the SLO called `name`; those at fault are left out."""
    goals = node.items(MOST)
    if isinstance(metric, Threshold) and len(goals) > 1:
        node.warn(
            f"{len(goals)} objectives of a thresholdMetric, where OpenSLO v1 allows one; other "
            "tools refuse it"
        )
    found: dict[str, Node] = {}
    read = []
    for goal in goals:
        one = goal.tried(lambda node: _objective(node, name, metric, method, len(goals)))
        if one is None:
            continue
        if one.name in found:
            goal.wrong(f"{one.name}: two objectives of one name, give each a displayName")
        found[one.name] = goal
        read.append(one)
    return tuple(read)


def _objective(goal: Node, slo: str, metric: Metric, method: Method, count: int) -> Objective:
    goal.fields(FIELDS)
    weight = goal.get("compositeWeight")
    if weight is not None and exact(weight) != 1:
        raise weight.fault("composites are not computed; write an SLO for each indicator")
    target = _target(goal)
    op, value = _limit(goal, metric)
    length, good = _slices(goal, method)
    return Objective(_named(goal, slo, target, count), target, op, value, good, length)


def _named(goal: Node, slo: str, target: Fraction, count: int) -> str:
    """Name an objective: of several, by displayName, or by its target."""
    display = goal.get("displayName")
    name = display.text() if display is not None else written(100 * target)
    return slo if count == 1 else f"{slo}-{name}"


def _target(goal: Node) -> Fraction:
    if goal.has("target") == goal.has("targetPercent"):
        raise goal.fault("give either target (0.99) or targetPercent (99)")
    if goal.has("target"):
        found = share(goal.field("target"))
    else:
        found = share(goal.field("targetPercent"), 100)
    if not found:
        goal.warn("a target of 0 is always met, and burns at most at 1")
    return found


def _limit(goal: Node, metric: Metric) -> tuple[Op | None, Fraction | None]:
    """Return the comparison of a threshold metric."""
    op, value = goal.get("op"), goal.get("value")
    if not isinstance(metric, Threshold):
        own = counted(metric.total) if isinstance(metric, Ratio) else None
        counts = f"{own.sli} counts good events" if own is not None else "a ratioMetric"
        if value is not None:
            raise value.fault(f"{counts} and has no threshold")
        if op is not None:
            op.choice(Op)
            op.warn("has no effect on a ratioMetric")
        return None, None
    if op is None:
        goal.warn("op is missing: lte is used, at most the value is good")
    chosen = Op(op.choice(Op)) if op is not None else Op.LTE
    times = timed(metric.source)
    if value is None:
        forms = "seconds, or text as 300ms, 2s, 15m, 1h" if times else "the limit, a number"
        raise goal.fault(f"value is missing: {forms}")
    return chosen, _seconds(value) if times else exact(value)


def _seconds(node: Node) -> Fraction:
    """Return the limit of a time in seconds."""
    value = node.value
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None and isinstance(value, str):
        seconds = Fraction(0)
    else:
        seconds = Fraction(match[1]) * SECONDS[match[2]] if match else exact(node)
    if not 0 < seconds <= int(REACH.total_seconds()):
        raise node.fault(
            f"{shown(value)} is not a positive time of at most {REACH.days} days; "
            "write seconds, or 300ms, 2s, 15m, 1h"
        )
    return seconds


def _slices(goal: Node, method: Method) -> tuple[timedelta | None, Fraction | None]:
    """Return the length of a slice and the share that makes it good."""
    for field, needed in (
        ("timeSliceWindow", method in SLICED),
        ("timeSliceTarget", method is Method.TIMESLICES),
    ):
        if goal.has(field) and not needed:
            goal.at(field).warn(f"has no effect with budgetingMethod {method}")
        if needed and not goal.has(field):
            raise goal.fault(f"{field} is missing; budgetingMethod {method} needs it")
    length = slice_of(goal.field("timeSliceWindow")) if method in SLICED else None
    good = _good(goal.field("timeSliceTarget")) if method is Method.TIMESLICES else None
    return length, good


def _good(node: Node) -> Fraction:
    value = exact(node)
    if not 0 < value <= 1:
        raise node.fault(f"{shown(node.value)} is not above 0 and at most 1{percent(value)}")
    return value


def composite(goals: list[Node]) -> Iterator[Node]:
    """Yield the objectives that have an indicator of their own."""
    for goal in goals:
        if goal.has("indicator") or goal.has("indicatorRef"):
            yield goal
