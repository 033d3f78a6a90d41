"""Feature logs in Log Analytics: counted by the service, or read by row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult

from engine.errors import Broken, Refused, Unavailable
from fleet.counting import LogSource
from hosts.azure.cloud import Cloud
from hosts.azure.logs import kql
from hosts.azure.logs.query_errors import TOO_LARGE, answered
from monitoring.drift.binning import CategoricalBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, merge
from monitoring.intake.collector import KEYS
from monitoring.intake.lines import UTC_TIME, column

#: The service's default is 3 minutes, its maximum 10 ("Timeouts", Log Analytics API); a longer
#: query could outlast the visibility timeout of the queue message.
SERVER_TIMEOUT = 180
#: How much longer than the service's timeout the client waits, in seconds.
GRACE = 15
#: The most records of one answer ("Query limits", Kusto documentation).
MOST_ROWS = 500_000
#: The shortest time range: it is not halved any more.
SHORTEST = timedelta(seconds=1)
#: The minimum delay for rows to arrive: usually at most three minutes ("Log data ingestion time in
#: Azure Monitor").
SETTLE = timedelta(minutes=5)


class Partial(Exception):
    """The answer is truncated; a shorter time range may have a complete one."""


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

        def query(start: datetime, end: datetime) -> str:
            return kql.count_query(source, ruler, start, end)

        parts = self.ask_whole(source, query, start, end)
        return merge(ruler, (_sketch(ruler, part) for part in parts))

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

        def query(start: datetime, end: datetime) -> str:
            return kql.rows_query(source, start, end, columns)

        found = [row for part in self.ask_whole(source, query, start, end) for row in part]
        found.sort(key=lambda row: (row[2], row[0] or "", row[1] or 0))
        return _table(found, columns)

    def complete_until(self, source: LogSource) -> datetime:
        """See `Counting.complete_until`.

        Rows older than the newest arrival less the longest lag of the last day have all arrived.
        In silence that instant stands still, until `kql.LATEST` ago overtakes it.
        """
        ((newest, lag, asked),) = self.ask(source, kql.arrival_query(source), None)
        until: datetime = asked - kql.LATEST
        if newest is not None:
            until = max(until, newest - max(SETTLE, timedelta(seconds=lag or 0)))
        return until.astimezone(UTC)

    def ask_whole(
        self,
        source: LogSource,
        query: Callable[[datetime, datetime], str],
        start: datetime,
        end: datetime,
    ) -> Iterator[list[list[Any]]]:
        """Yield the rows of a query over parts of [start, end), each with a complete answer."""
        if start >= end:
            return
        try:
            found = self.ask(source, query(start, end), (start, end))
        except Partial as partial:
            if end - start <= SHORTEST:
                raise _hopeless(source, start, str(partial)) from None
            middle = start + (end - start) / 2
            yield from self.ask_whole(source, query, start, middle)
            yield from self.ask_whole(source, query, middle, end)
        else:
            yield found

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
        return answered(where, lambda: self._asked(source, query, span), self._reconnect)

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
        found = [list(row) for row in answer.tables[0].rows]
        if len(found) >= MOST_ROWS:
            raise Partial(TOO_LARGE)
        return found

    def _reconnect(self) -> None:
        # A client keeps its token until that expires.
        self._client.close()
        self._client = self._connected()

    def _connected(self) -> LogsQueryClient:
        # The loop retries later from its outbox: a worker must not sleep.
        return LogsQueryClient(
            self._cloud.credential,
            endpoint=self._cloud.logs,
            connection_verify=self._cloud.verify,
            retry_total=0,
        )


def _hopeless(source: LogSource, start: datetime, reason: str) -> Refused | Unavailable:
    where = f"log table {source.table}: {SHORTEST.seconds} s from {start:%Y-%m-%dT%H:%M:%SZ}"
    if TOO_LARGE in reason:
        return Refused(f"{where}: more rows than one answer holds; count them instead")
    return Unavailable(f"{where}: answered in part only: {' '.join(reason.split())[:200]}")


def _sketch(ruler: Ruler, found: Iterable[Sequence[Any]]) -> Sketch:
    """Assemble the rows of a `kql.count_query` to a sketch."""
    counts = np.zeros(ruler.width, np.int64)
    bins = list(ruler.features.values())
    rows = 0
    for feature, place, level, number in found:
        if feature == kql.ROWS:
            rows += number
            continue
        own = bins[feature]
        if place == kql.BY_LEVEL and isinstance(own, CategoricalBins):
            place = own.place(level)
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
