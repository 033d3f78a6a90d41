"""Feature logs in Log Analytics: counted by the service's own engine, or read by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult

from engine.errors import Broken, Refused, Unavailable
from fleet.counting import LogSource
from hosts.azure import kql
from hosts.azure.cloud import Cloud
from hosts.azure.query_errors import TOO_LARGE, Expired, translated
from monitoring.drift.binning import CategoricalBins, Ruler
from monitoring.drift.sketch import Sketch, merge
from monitoring.intake.collector import KEYS
from monitoring.intake.lines import UTC_TIME, column

#: The service's own default is 3 minutes, its most 10 ("Timeouts", Log Analytics API); above the
#: default, a queue message's visibility would be at stake.
SERVER_TIMEOUT = 180
#: How much longer than the service we wait for its answer, in seconds.
GRACE = 15
#: Records that one answer holds at most ("Query limits", Kusto documentation).
MOST_ROWS = 500_000
#: A time range that is not cut any further.
SHORTEST = timedelta(seconds=1)
#: The least that rows are given to arrive: three minutes are the usual most ("Log data ingestion
#: time in Azure Monitor").
SETTLE = timedelta(minutes=5)

Part = TypeVar("Part")


class Partial(Exception):
    """The answer is not the whole one; a shorter time range may have a whole one."""


class Analytics:
    """The port `fleet.counting.Counting` on the logs query service."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._client = self._connected()

    def count(self, source: LogSource, ruler: Ruler, start: datetime, end: datetime) -> Sketch:
        """See `Counting.count`. Where the whole range gets no whole answer, its halves are added.

        Raises
        ------
        Refused
            The workspace, the table or one of its columns isn't there.
        Unavailable
            The service answers late, in part or not at all.
        """

        def one(start: datetime, end: datetime) -> Sketch:
            query = kql.count_query(source, ruler, start, end)
            return _sketch(ruler, self.ask(source, query, (start, end)))

        return merge(ruler, _halving(source, start, end, one))

    def rows(
        self, source: LogSource, start: datetime, end: datetime, columns: Sequence[str]
    ) -> pa.Table:
        """See `Counting.rows`: ordered by time, id and index; for small data.

        Raises
        ------
        Refused
            As `count`; or more than the service can answer fall into one second.
        Unavailable
            As `count`.
        """

        def one(start: datetime, end: datetime) -> list[list[Any]]:
            query = kql.rows_query(source, start, end, columns)
            found = self.ask(source, query, (start, end))
            if len(found) >= MOST_ROWS:
                raise Partial(TOO_LARGE)
            return found

        found = [row for part in _halving(source, start, end, one) for row in part]
        found.sort(key=lambda row: (row[2], row[0] or "", row[1] or 0))
        return _table(found, columns)

    def complete_until(self, source: LogSource) -> datetime:
        """See `Counting.complete_until`.

        Rows older than the newest arrival less the longest lag of the last day have all arrived.
        In silence that instant stands still, until `kql.LATEST` ago overtakes it.
        """
        ((newest, lag, asked),) = self.ask(source, kql.arrival_query(source), None)
        floor = asked - kql.LATEST
        if newest is None:
            return floor.astimezone(UTC)
        settle = max(SETTLE, timedelta(seconds=lag or 0))
        return max(newest - settle, floor).astimezone(UTC)

    def ask(
        self, source: LogSource, query: str, span: tuple[datetime, datetime] | None
    ) -> list[list[Any]]:
        """Return the rows of a query's one table.

        Raises
        ------
        Partial
            Some of the answer is missing.
        """
        where = f"log workspace {source.workspace}, table {source.table}"
        try:
            with translated(where):
                return self._asked(source, query, span)
        except Expired:
            self._client.close()
            self._client = self._connected()
        try:
            with translated(where):
                return self._asked(source, query, span)
        except Expired as denied:
            raise Unavailable(f"{denied} (is the role assigned?)") from None

    def _asked(
        self, source: LogSource, query: str, span: tuple[datetime, datetime] | None
    ) -> list[list[Any]]:
        answer = self._client.query_workspace(
            source.workspace,
            query,
            timespan=span,
            server_timeout=SERVER_TIMEOUT,
            read_timeout=SERVER_TIMEOUT + GRACE,
        )
        if isinstance(answer, LogsQueryPartialResult):
            raise Partial(str(answer.partial_error and answer.partial_error.message))
        return [list(row) for row in answer.tables[0].rows]

    def _connected(self) -> LogsQueryClient:
        # Waiting is for the loop, which keeps what is owed; a worker that sleeps serves nobody.
        return LogsQueryClient(
            self._cloud.credential,
            endpoint=self._cloud.logs,
            connection_verify=self._cloud.verify,
            retry_total=0,
        )


def _halving(
    source: LogSource,
    start: datetime,
    end: datetime,
    ask: Callable[[datetime, datetime], Part],
) -> Iterable[Part]:
    """Yield whole answers of ranges that make up [start, end), each as long as can be had."""
    if start >= end:
        return
    try:
        whole = ask(start, end)
    except Partial as partial:
        length = end - start
        if length <= SHORTEST:
            raise _hopeless(source, start, str(partial)) from None
        middle = start + length / 2
        yield from _halving(source, start, middle, ask)
        yield from _halving(source, middle, end, ask)
    else:
        yield whole


def _hopeless(source: LogSource, start: datetime, reason: str) -> Refused | Unavailable:
    where = f"log table {source.table}: {SHORTEST.seconds} s from {start:%Y-%m-%dT%H:%M:%SZ}"
    if TOO_LARGE in reason:
        return Refused(f"{where}: more rows than one answer holds; count them instead")
    return Unavailable(f"{where}: answered in part only: {' '.join(reason.split())[:200]}")


def _sketch(ruler: Ruler, found: Iterable[Sequence[Any]]) -> Sketch:
    """Put the rows of a `kql.count_query` together."""
    counts = np.zeros(ruler.width, np.int64)
    bins = list(ruler.features.values())
    rows = 0
    for feature, place, level, number in found:
        if feature == kql.ROWS:
            rows += number
            continue
        own = bins[feature]
        if place == kql.BY_LEVEL and isinstance(own, CategoricalBins):
            place = own.position.get(own.key(level), len(own.levels))
        counts[ruler.first[feature] + place] += number
    for first, last in zip(ruler.first, ruler.last, strict=True):
        counts[last] = rows - counts[first:last].sum()
    if len(counts) and counts.min() < 0:
        raise Broken("log counts: a feature has more values than there are rows")
    return Sketch(ruler.id, rows, counts)


def _table(found: Sequence[Sequence[Any]], columns: Sequence[str]) -> pa.Table:
    values = [json.loads(row[3]) for row in found]
    keys = [
        pa.array([row[0] for row in found], pa.string()),
        pa.array([row[1] for row in found], pa.int64()),
        pa.array([row[2] for row in found], UTC_TIME),
    ]
    picked = [column([row[place] for row in values]) for place in range(len(columns))]
    return pa.table([*keys, *picked], names=[*KEYS, *columns])
