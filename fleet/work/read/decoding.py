"""Decode a range of a log file, in pieces that fit into memory, and say how far it was read."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from engine.errors import Refused
from fleet.ports import LogFiles
from fleet.work.refer.referencing import SCORE
from monitoring.intake import arrow, collector, labels, traffic
from monitoring.intake.lines import Apart, Decoded, gathered
from monitoring.intake.outcomes import unusable
from monitoring.metrics import Task
from monitoring.schema import Kind, kind_of

PARQUET = ".parquet"
MIB = 1024 * 1024
#: A range of this length without a line end is skipped: no valid line is that long.
LONGEST = 32 * MIB
#: Rows are handed on after this many bytes, before more are read.
PIECE = 32 * MIB
#: Parquet is read whole: its directory is at the end.
MOST_PARQUET = 64 * MIB
#: A managed online endpoint takes 10 MB (Microsoft Learn, "Manage and increase quotas").
MOST_APART = 16 * MIB
#: How many lines of one range may have their rows in blobs of their own.
APART_AT_ONCE = 16
MARKER = re.compile(rb'"data(?:inblob|ref)"')
FIRST, LAST = (pa.scalar(datetime(year, 1, 1, tzinfo=UTC)) for year in (1970, 2200))
NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
NO_TIME = "a time before 1970 or after 2199"
OWN = "a request that Driftwarden made itself"


@dataclass
class Range:
    """Bytes [start, end) of a log file, and the outcome of reading them.

    `container` is the file's, empty for the host's own. `read` is where the next range starts;
    `limit` is the requested end; `seen` is where the file or the range ended. `bad` has a reason
    for every line or row that was left out.
    """

    path: str
    start: int
    end: int
    container: str = ""
    read: int = field(init=False)
    limit: int = field(init=False)
    seen: int = field(init=False)
    bad: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.read = self.seen = self.start
        self.limit = self.end

    def take(self, decoded: Decoded) -> None:
        """Record what was left out."""
        self.bad += [*decoded.bad, *[OWN] * decoded.own]


def rows_in(logs: LogFiles, found: Range, *, scored: Task | None) -> Iterator[pa.Table]:
    """Decode inputs, or outputs (`scored`), to tables with correlationid, index and time.

    `scored` is the task that the scores of outputs are for; None of inputs. The range is read
    completely only after the last table was taken.
    """
    pieces = _tables if found.path.endswith(PARQUET) else _pieces
    for piece in pieces(logs, found):
        found.take(piece)
        if not piece.table.num_rows:
            continue
        table, own = collector.rows_of_others(piece.table)
        found.bad += [OWN] * own
        if scored is not None:
            table, bad = usable(_numbers(table, found), scored)
            found.bad += bad
        table = _placed(table, found)
        if table.num_rows:
            yield table


def traffic_in(logs: LogFiles, found: Range) -> pa.Table:
    """Decode traffic lines, without Driftwarden's own requests."""
    decoded = _lines(found, _chunk(logs, found), traffic.decode, traffic.SCHEMA)
    table, own = collector.rows_of_others(decoded.table)
    found.bad += [*decoded.bad, *[OWN] * own]
    return without(table, _out_of_time(table), NO_TIME, found)


def labels_in(logs: LogFiles, found: Range, task: Task = Task.CLASSIFICATION) -> pa.Table:
    """Decode labels to `labels.SCHEMA`."""
    if not found.path.endswith(PARQUET):
        decode = partial(labels.decode, task=task)
        decoded = _lines(found, _chunk(logs, found), decode, labels.SCHEMA)
    else:
        decoded = labels.normalised(arrow.decode(_whole(logs, found)), task)
    found.take(decoded)
    return decoded.table


def _chunk(logs: LogFiles, found: Range) -> bytes:
    chunk = logs.read(found.path, found.start, found.end, found.container)
    found.seen = found.start + len(chunk)
    return chunk


def _whole(logs: LogFiles, found: Range) -> bytes:
    if found.start:
        raise Refused(
            f"{found.path}: changed after it was read; a Parquet file must be written once"
        )
    content = logs.read(found.path, 0, MOST_PARQUET + 1, found.container)
    if len(content) > MOST_PARQUET:
        raise Refused(f"{found.path}: over {MOST_PARQUET // MIB} MiB of Parquet; write several")
    found.read = found.limit = found.seen = len(content)
    return content


def _tables(logs: LogFiles, found: Range) -> Iterator[Decoded]:
    for table in arrow.slices(_whole(logs, found), PIECE):
        yield Decoded(collector.normalised(table), 0)


def _lines(
    found: Range, chunk: bytes, decode: Callable[[bytes], Decoded], nothing: pa.Schema
) -> Decoded:
    """Decode a chunk and advance behind its last whole line, or past an endless one."""
    decoded = decode(chunk)
    if not decoded.consumed and len(chunk) >= LONGEST:
        reason = f"byte {found.start}: a line of more than {LONGEST // MIB} MiB, left out"
        decoded = Decoded(nothing.empty_table(), len(chunk), (reason,))
    found.read = found.start + decoded.consumed
    return decoded


def _pieces(logs: LogFiles, found: Range) -> Iterator[Decoded]:
    chunk = _chunk(logs, found)
    some = _with_few_apart(chunk)
    if len(some) < len(chunk):
        found.limit = found.seen = found.start + len(some)
    decoded = _lines(found, some, collector.decode, pa.schema([]))
    apart = decoded.apart
    del chunk, some
    yield decoded
    del decoded
    waiting: list[Decoded] = []
    for line in apart:
        waiting.append(_apart(logs, line, found.container))
        if sum(piece.table.nbytes for piece in waiting) >= PIECE:
            yield gathered(waiting)
            waiting = []
    if waiting:
        yield gathered(waiting)


def _with_few_apart(chunk: bytes) -> bytes:
    """Cut a chunk after a number of lines that refer to other blobs: each may be as large."""
    marks = itertools.islice(MARKER.finditer(chunk), APART_AT_ONCE - 1, None)
    last = next(marks, None)
    return chunk if last is None else chunk[: chunk.find(b"\n", last.end()) + 1] or chunk


def _apart(logs: LogFiles, line: Apart, container: str) -> Decoded:
    try:
        content = logs.read(line.address.partition("?")[0], 0, MOST_APART + 1, container)
    except Refused as error:
        return Decoded(pa.table({}), 0, (f"line {line.line}: its rows are elsewhere: {error}",))
    if len(content) > MOST_APART:
        reason = f"line {line.line}: its rows are a blob of more than {MOST_APART // MIB} MiB"
        return Decoded(pa.table({}), 0, (reason,))
    return collector.rows_apart(content, line)


def _placed(table: pa.Table, found: Range) -> pa.Table:
    """Leave out and count rows without id, index or time: they match no window and no label."""
    lost = pc.fill_null(pc.less(table["index"], 0), True)
    lost = pc.or_(lost, pc.or_(pc.is_null(table["correlationid"]), _out_of_time(table)))
    return without(table, lost, "a row without a usable correlationid, index or time", found)


def _out_of_time(table: pa.Table) -> pa.ChunkedArray:
    """Mark the rows whose time lies outside the calendar, e.g. from an unset clock."""
    known = pc.and_(pc.greater_equal(table["time"], FIRST), pc.less(table["time"], LAST))
    return pc.invert(pc.fill_null(known, False))


def _numbers(table: pa.Table, found: Range) -> pa.Table:
    """Convert the scores to float64; rows with another value are left out and counted."""
    if SCORE not in table.column_names:
        names = ", ".join(table.column_names[len(collector.KEYS) :][:5])
        raise Refused(f"{found.path}: outputs have no {SCORE!r}; found {names or 'no field'}")
    score = table[SCORE]
    place = table.column_names.index(SCORE)
    if kind_of(score.type) is Kind.NUMERIC:
        return table.set_column(place, SCORE, score.cast(pa.float64(), safe=False))
    # A value of another type makes text of its column: the numbers in it are numbers all the same.
    known = pa.nulls(table.num_rows, pa.float64())
    if pat.is_string(score.type):
        spelled = pc.match_substring_regex(score, NUMBER)
        known = pc.if_else(spelled, score, pa.scalar(None, pa.string())).cast(pa.float64())
    numbers = table.set_column(place, SCORE, known)
    lost = pc.and_(pc.is_valid(score), pc.is_null(known))
    return without(numbers, lost, f"{SCORE!r} is not a number", found)


def usable(table: pa.Table, task: Task) -> tuple[pa.Table, list[str]]:
    """Return outputs without the rows whose scores cannot be used, and the reason for each."""
    scores = table[SCORE].cast(pa.float64(), safe=False)
    bad: list[str] = []
    lost = np.zeros(table.num_rows, np.bool_)
    for reason, wrong in unusable(scores, task).items():
        bad += [reason] * (pc.sum(wrong).as_py() or 0)
        lost |= wrong.to_numpy()
    return (table.filter(pa.array(~lost)) if bad else table), bad


def without(table: pa.Table, lost: pa.ChunkedArray, reason: str, found: Range) -> pa.Table:
    """Return a table without the lost rows; each is recorded as left out, for the reason."""
    count = pc.sum(lost).as_py() or 0
    if not count:
        return table
    found.bad += [reason] * count
    return table.filter(pc.invert(lost))
