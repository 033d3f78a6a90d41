"""Whether deployments have room, and whether their data collector loses rows, by platform metrics.

A metric is known by minute and may have no data at all: an empty minute is not a zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

import engine.policy
from monitoring.alerts.lifecycle import Severity
from monitoring.drift.wording import percent
from monitoring.finding import Finding

MINUTES = 60


class Policy(engine.policy.Policy):
    """When a deployment lacks capacity."""

    throttled: float = Field(
        0.01,
        ge=1e-4,
        le=1,
        description="Share of an hour's requests that are refused with 429, at or above which the "
        "lack of capacity pages.",
    )
    utilization: float = Field(
        90.0,
        ge=1,
        le=100,
        description="Percent of CPU, memory or GPU of its busiest instance at which a deployment "
        "is saturated.",
    )
    minutes: int = Field(
        15, ge=1, le=MINUTES, description="Saturated minutes within an hour that make a ticket."
    )


@dataclass(frozen=True)
class Vital:
    """What a platform measured of one deployment in an hour.

    Attributes
    ----------
    requests, throttled : answered requests, without those refused with 429, and the latter; None
        where no minute has data.
    use : by resource ("CPU"), the percent in use by the busiest instance, of each minute with data.
    dropped : rows that the data collector could not deliver, by reason.
    instances : the most instances that there were.
    p99 : the slowest minute's 99th percentile of the latency in ms. Percentiles cannot be added up
        or averaged, so that nothing is counted from it.
    """

    deployment: str
    requests: int | None = None
    throttled: int = 0
    use: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    instances: float | None = None
    p99: float | None = None


def strained(key: str, vitals: Sequence[Vital], policy: Policy) -> Finding:
    """Tell which deployments refuse requests or are saturated; `key` names the signal."""
    if not any(one.requests is not None or one.use for one in vitals):
        return Finding(key, None, "the platform has no metrics of any deployment")
    refusing = [told for one in vitals if (told := _refusing(one, policy))]
    saturated = [told for one in vitals for told in _saturated(one, policy)]
    if not refusing and not saturated:
        return Finding(key, False, "every deployment has room")
    severity = Severity.PAGE if refusing else Severity.TICKET
    lines = tuple(_line(one) for one in vitals)
    return Finding(key, True, "; ".join([*refusing, *saturated]), severity, lines=lines)


def losing(key: str, vitals: Sequence[Vital]) -> Finding:
    """Tell whose data collector drops rows: what is assessed then is a part of the traffic."""
    found = [
        f"{one.deployment}: {sum(one.dropped.values()):,} rows "
        f"({', '.join(f'{reason} {rows:,}' for reason, rows in sorted(one.dropped.items()))})"
        for one in vitals
        if any(one.dropped.values())
    ]
    if found:
        reason = f"the data collector dropped {'; '.join(found)} within an hour"
        return Finding(key, True, f"{reason}; the logs hold only a part of the traffic")
    if not any(one.requests for one in vitals):
        return Finding(key, None, "no request whose rows could be dropped")
    return Finding(key, False, "the data collector dropped no row")


def _refusing(one: Vital, policy: Policy) -> str:
    asked = (one.requests or 0) + one.throttled
    if not one.throttled or one.throttled / asked < policy.throttled:
        return ""
    share = percent(one.throttled / asked)
    return f"{one.deployment} refused {one.throttled:,} of {asked:,} requests with 429 ({share})"


def _saturated(one: Vital, policy: Policy) -> list[str]:
    found = []
    for name, minutes in sorted(one.use.items()):
        high = sum(used >= policy.utilization for used in minutes)
        if high >= policy.minutes:
            found.append(
                f"{one.deployment} had {name} at {policy.utilization:g} % or more in {high} of "
                f"{len(minutes)} minutes"
            )
    return found


def _line(one: Vital) -> str:
    parts = [f"{name} up to {max(used):.0f} %" for name, used in sorted(one.use.items()) if used]
    if one.instances is not None:
        parts.append(f"{one.instances:g} instances")
    if one.p99 is not None:
        parts.append(f"p99 up to {one.p99:,.0f} ms in a minute")
    return f"{one.deployment}: {', '.join(parts) or 'nothing else is known'}"
