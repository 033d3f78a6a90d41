"""What the daemon judges of an SLO today: objectives over rolling days, of its own counts."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from engine.errors import Refused
from monitoring.slo.budget import REACH, span
from monitoring.slo.definition import Method, Metric, Op, Ratio, Rolling, Slo, Source, Threshold
from monitoring.slo.definition import Objective as Defined
from monitoring.slo.objective import Objective, Sli
from monitoring.slo.openslo.metrics import OWN, counted, timed
from monitoring.slo.openslo.values import word

SHORTEST = timedelta(days=3)


def judged(slo: Slo) -> tuple[Objective, ...]:
    """Return the objectives that the daemon judges.

    Raises `Refused` with what it does not judge yet, in one line.
    """
    at = f"{slo.where}: SLO {slo.name}"
    if slo.method is not Method.OCCURRENCES:
        raise Refused(f"{at}: budgetingMethod {slo.method}: only Occurrences is judged by a daemon")
    if not isinstance(slo.window, Rolling):
        raise Refused(f"{at}: timeWindow: only rolling windows are judged, write isRolling: true")
    length = slo.window.length
    if not SHORTEST <= length < REACH:
        raise Refused(f"{at}: timeWindow: {span(length)} must be 3 to 30 days, as in 30d or 4w")
    if slo.policies:
        names = ", ".join(policy.name for policy in slo.policies)
        raise Refused(f"{at}: alertPolicies {word(names)}: a daemon judges the built-in ones alone")
    sli = _sli(slo.metric, at)
    found = []
    for one in slo.objectives:
        if not one.target:
            raise Refused(f"{at}: {one.name}: target 0 is always met, and is not judged")
        limit = _limit(one, slo.metric, at) if one.value is not None else None
        found.append(Objective(one.name, slo.service, sli, float(one.target), length, limit))
    return tuple(found)


def _sli(metric: Metric, at: str) -> Sli:
    source = metric.total if isinstance(metric, Ratio) else metric.source
    for one in (source, *_counts(metric)):
        own = counted(one)
        if own is None:
            told = f"{at}: metricSource type {word(one.type)}: only {OWN}'s own counts are judged"
            raise Refused(f"{told} by a daemon")
    return Sli(str(source.spec["sli"]))


def _counts(metric: Metric) -> tuple[Source, ...]:
    if not isinstance(metric, Ratio):
        return ()
    return tuple(one for one in (metric.good, metric.bad) if one is not None)


def _limit(one: Defined, metric: Metric, at: str) -> timedelta:
    if not isinstance(metric, Threshold) or not timed(metric.source):
        raise Refused(f"{at}: {one.name}: only limits that are times are judged by a daemon")
    if one.op is not Op.LTE:
        raise Refused(f"{at}: {one.name}: op {one.op}: only lte is judged, at most value is good")
    value = one.value if one.value is not None else Fraction(0)
    return timedelta(seconds=float(value))
