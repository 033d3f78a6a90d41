"""What the platform's metrics say of an online endpoint: its requests, and how its deployments do.

"Supported metrics for Microsoft.MachineLearningServices/workspaces/onlineEndpoints" (Microsoft
Learn): RequestsPerMinute has the aggregation Average only, so that a minute's average is its
requests where every dimension is split; latencies are percentiles, which nothing is counted from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from fleet.work.read.reading import CAPACITY, MODEL_ERRORS
from hosts.azure.logs.metrics import Asked, Metrics, Series
from monitoring.capacity import Vital
from monitoring.intake.lines import UTC_TIME

ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
DEPLOYMENTS = f"{ENDPOINTS}/deployments"
REQUESTS, P99 = "RequestsPerMinute", "RequestLatency_P99"
DROPPED = "DataCollectionErrorsPerMinute"
INSTANCES = "DeploymentCapacity"
USE = {
    "CpuUtilizationPercentage": "CPU",
    "CpuMemoryUtilizationPercentage": "memory",
    "GpuUtilizationPercentage": "GPU",
    "GpuMemoryUtilizationPercentage": "GPU memory",
}
COUNTS = pa.schema(
    [
        ("deployment", pa.string()),
        ("hour", UTC_TIME),
        ("requests", pa.int64()),
        ("errors", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Resource:
    """Where an online endpoint is: its resource id, and its region."""

    id: str
    region: str


@dataclass(frozen=True)
class _Requests:
    """The requests of an endpoint in [start, end)."""

    start: datetime
    end: datetime
    series: tuple[Series, ...]

    def within(self, start: datetime, end: datetime) -> tuple[Series, ...]:
        """Return those of a part of the time."""
        parts = (
            replace(one, minutes=tuple(pair for pair in one.minutes if start <= pair[0] < end))
            for one in self.series
        )
        return tuple(one for one in parts if one.minutes)


class Platform:
    """Platform metrics of online endpoints; `find` returns the resource of an endpoint's name."""

    def __init__(self, metrics: Metrics, find: Callable[[str], Resource]) -> None:
        self._metrics, self._find = metrics, find
        #: The requests of each endpoint that were asked for last, until they are used again.
        self._counted: dict[str, _Requests] = {}

    def traffic(self, endpoint: str, start: datetime, end: datetime) -> pa.Table:
        """Count requests and errors by deployment and hour: see `fleet.counting.Counting`.

        Only hours with data have a row, and no latency is known. Own and pinned requests are among
        the others: no dimension tells them.

        Raises
        ------
        Refused, Unavailable
            As `Metrics.series`.
        """
        sums: dict[tuple[datetime, str], Counter[str]] = {}
        where = self._find(endpoint)
        found = self._requests(where, start, end)
        self._counted[where.id] = _Requests(start, end, found)
        for one in found:
            status = one.dimensions.get("statuscode", "")
            if status == str(CAPACITY):
                continue
            failed = status in map(str, MODEL_ERRORS) or status.startswith("5")
            for minute, number in one.minutes:
                hour = minute.replace(minute=0, second=0, microsecond=0)
                counts = sums.setdefault((hour, one.dimensions.get("deployment", "")), Counter())
                counts["requests"] += round(number)
                counts["errors"] += round(number) * failed
        rows = [
            {"deployment": name, "hour": hour, **{k: counts[k] for k in ("requests", "errors")}}
            for (hour, name), counts in sorted(sums.items())
        ]
        return pa.Table.from_pylist(rows, COUNTS)

    def vitals(self, endpoint: str, start: datetime, end: datetime) -> tuple[Vital, ...]:
        """Return how each deployment did that was asked in [start, end).

        The requests of that time are not asked for again where `traffic` has just counted them.

        Raises
        ------
        Refused, Unavailable
            As `Metrics.series`.
        """
        where, span = self._find(endpoint), (start, end)
        counted = self._counted.pop(where.id, None)
        known = counted is not None and counted.start <= start and end <= counted.end
        asked = counted.within(start, end) if counted and known else self._requests(where, *span)
        names = sorted({name for one in asked if (name := one.dimensions.get("deployment"))})
        if not names:
            return ()
        of_endpoint = (
            Asked(where.region, (where.id,), ENDPOINTS, (P99,), split=("deployment",)),
            Asked(
                where.region,
                (where.id,),
                ENDPOINTS,
                (DROPPED,),
                split=("deployment", "reason", "type"),
            ),
        )
        slow, dropped = (self._metrics.series(one, *span) for one in of_endpoint)
        ids = tuple(f"{where.id}/deployments/{name}" for name in names)
        measured = (*USE, INSTANCES)
        used = self._metrics.series(
            Asked(where.region, ids, DEPLOYMENTS, measured, aggregation="Maximum"), *span
        )
        return tuple(
            _vital(
                name,
                _of(name, asked),
                _of(name, slow),
                _of(name, dropped),
                [one for one in used if one.resource.endswith(f"/deployments/{name}".lower())],
            )
            for name in names
        )

    def _requests(self, where: Resource, start: datetime, end: datetime) -> tuple[Series, ...]:
        split = ("deployment", "statusCode", "modelStatusCode")
        asked = Asked(where.region, (where.id,), ENDPOINTS, (REQUESTS,), split=split)
        return self._metrics.series(asked, start, end)


def _of(name: str, found: Sequence[Series]) -> list[Series]:
    return [one for one in found if one.dimensions.get("deployment") == name]


def _vital(
    name: str,
    asked: Sequence[Series],
    slow: Sequence[Series],
    dropped: Sequence[Series],
    used: Sequence[Series],
) -> Vital:
    refused = [one for one in asked if one.dimensions.get("statuscode") == str(CAPACITY)]
    answered = [one for one in asked if one not in refused]
    lost: Counter[str] = Counter()
    for one in dropped:
        lost[one.dimensions.get("reason") or "no reason"] += _total([one])
    return Vital(
        name,
        _total(answered),
        _total(refused),
        {USE[one.metric]: _values(one) for one in used if one.metric in USE},
        {reason: rows for reason, rows in lost.items() if rows},
        max((max(_values(one)) for one in used if one.metric == INSTANCES), default=None),
        max((max(_values(one)) for one in slow), default=None),
    )


def _total(found: Sequence[Series]) -> int:
    return sum(round(number) for one in found for _, number in one.minutes)


def _values(one: Series) -> tuple[float, ...]:
    return tuple(value for _, value in one.minutes)
