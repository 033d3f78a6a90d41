"""`driftwarden check`: compare two files or folders of rows, one window, no persistence."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.types as pat

from engine.errors import Refused
from hosts.clock import SystemClock
from hosts.local.files import write_text
from hosts.local.tables import Columns, open_columns
from monitoring.drift.binning import Bins
from monitoring.drift.report import Report, assess_segments
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Counts, Sketch, count, ruled, segment_names
from monitoring.drift.verdict import Policy, Verdict
from monitoring.schema import Ignored, Kind, kind_of

EXIT = {Verdict.STABLE: 0, Verdict.DRIFTING: 0, Verdict.DRIFTED: 1, Verdict.INSUFFICIENT: 3}
REFUSED = 2
WORKERS = 2
MAX_SEGMENTS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of the command."""
    where = "Parquet, CSV or JSON Lines, a file or a folder"
    parser.add_argument("--reference", required=True, type=Path, metavar="PATH", help=where)
    parser.add_argument("--current", required=True, type=Path, metavar="PATH", help=where)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--features", metavar="A,B", help="look at these columns only")
    parser.add_argument("--segment", metavar="COL", help="judge each level of this column, too")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw the distributions, too")


def run(arguments: Namespace) -> int:
    """Run the command and return its exit code; the report goes to stdout.

    `arguments.draw`, from the caller, makes the page of a report, and says of what and when.
    """
    try:
        with TemporaryDirectory(prefix="driftwarden-") as scratch:
            reference = open_columns(arguments.reference, Path(scratch))
            current = open_columns(arguments.current, Path(scratch))
            chosen = arguments.features.split(",") if arguments.features else None
            report = compare(reference, current, chosen, arguments.segment)
    except Refused as refusal:
        print(f"driftwarden check: {refusal}", file=sys.stderr)
        return REFUSED
    for note in (*reference.notes, *current.notes):
        print(f"driftwarden check: {note}", file=sys.stderr)
    if arguments.html is not None:
        sides = (str(arguments.reference), str(arguments.current))
        write_text(arguments.html, arguments.draw(report, sides, SystemClock().now()))
    try:
        _print(report, arguments)
    except BrokenPipeError:
        # Nobody reads any more; the exit code still is the verdict.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT[report.verdict]


def _print(report: Report, arguments: Namespace) -> None:
    if arguments.json:
        print(json.dumps(report.to_json(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        from hosts.local.checktable import show  # rich takes a while to load, JSON needs none

        show(report, arguments.html)
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Rows:
    """Order that brings each segment's rows together, and where each segment ends."""

    order: npt.NDArray[np.intp]
    ends: dict[str | None, tuple[int, int]]


def compare(
    reference: Columns, current: Columns, chosen: Sequence[str] | None, segment: str | None
) -> Report:
    """Measure the reference column by column, count both sides and judge.

    Raises `Refused` when the two have no column in common or a named column is unknown.
    """
    _known(reference, current, chosen, segment)
    names = [name for name in reference.schema.names if chosen is None or name in chosen]
    sides = (_segments(reference, segment), _segments(current, segment))
    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(lambda name: _compared(name, reference, current, sides), names))
    counted = [one for one in found if isinstance(one, Counted)]
    ignored = [one for one in found if isinstance(one, Ignored)]
    if chosen is None:
        new = [name for name in current.schema.names if name not in reference.schema.names]
        ignored += [Ignored(name, "only in current") for name in new]
    ruler = Ruler({one.name: one.bins for one in counted}, tuple(ignored))
    return assess_segments(
        ruler,
        _sketches(ruler, [one.reference for one in counted], sides[0], reference.rows),
        _sketches(ruler, [one.current for one in counted], sides[1], current.rows),
        Policy(),
        changed={one.name: one.changed for one in counted if one.changed},
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """One feature's bins, and its counts by segment (the first row: overall) on both sides."""

    name: str
    bins: Bins
    reference: Counts
    current: Counts
    changed: str = ""


def _known(
    reference: Columns, current: Columns, chosen: Sequence[str] | None, segment: str | None
) -> None:
    for name in chosen or ():
        if name not in reference.schema.names:
            found = ", ".join(reference.schema.names)
            raise Refused(f"no column {name!r} in the reference; it has {found}")
    for side, columns in (("reference", reference), ("current", current)):
        if segment is not None and segment not in columns.schema.names:
            raise Refused(f"no column {segment!r} to segment by in {side}")
    common = set(reference.schema.names) & set(current.schema.names)
    if reference.rows and current.rows and not common:
        raise Refused("reference and current have no column in common")


def _segments(columns: Columns, segment: str | None) -> Rows | None:
    """Sort the rows by segment; the rows without one come last and belong to none."""
    if segment is None:
        return None
    try:
        names = segment_names(columns.column(segment)).combine_chunks().dictionary_encode()
    except pa.ArrowException as error:
        raise Refused(f"cannot segment by column {segment!r}: {error}") from error
    levels = names.dictionary.to_pylist()
    if len(levels) > MAX_SEGMENTS:
        raise Refused(
            f"column {segment!r} has {len(levels):,} levels, too many to segment by "
            f"(at most {MAX_SEGMENTS})"
        )
    codes = np.from_dlpack(names.indices.fill_null(len(levels)))
    stops = np.cumsum(np.bincount(codes, minlength=len(levels) + 1)).tolist()
    starts = [0, *stops]
    ends = {level: (starts[index], stops[index]) for index, level in enumerate(levels)}
    return Rows(np.argsort(codes, kind="stable"), ends)


def _compared(
    name: str, reference: Columns, current: Columns, sides: tuple[Rows | None, Rows | None]
) -> Counted | Ignored:
    """Measure and count one feature on both sides."""
    dtype = reference.schema.field(name).type
    other = current.schema.field(name).type if name in current.schema.names else None
    kind = kind_of(other if pat.is_null(dtype) and other is not None else dtype)
    if not isinstance(kind, Kind):
        return Ignored(name, kind)
    column = reference.column(name)
    measured = ruled(column, kind)
    if isinstance(measured, str):
        return Ignored(name, measured)
    bins, overall = measured
    before = _by_segment(column, bins, sides[0], overall)
    del column
    changed = _change(kind, other) if current.rows else ""
    if changed or other is None:
        nothing = np.zeros((1 + len(sides[1].ends if sides[1] else ()), len(overall)), np.int64)
        return Counted(name, bins, before, nothing, changed)
    after = current.column(name)
    return Counted(name, bins, before, _by_segment(after, bins, sides[1], count(after, bins)))


def _change(kind: Kind, other: pa.DataType | None) -> str:
    """Say why the current column cannot be counted with the reference's bins."""
    if other is None:
        return "the column is missing in current"
    found = kind_of(other)
    if not isinstance(found, Kind):
        return f"the column turned from {kind} to {found}"
    if kind is Kind.NUMERIC and found is Kind.CATEGORICAL:
        return f"the column turned from {kind} to {found}"
    return ""


def _by_segment(column: pa.ChunkedArray, bins: Bins, rows: Rows | None, overall: Counts) -> Counts:
    """Counts of all rows, then of each segment."""
    if rows is None:
        return overall[None]
    ordered = column.combine_chunks().take(pa.array(rows.order))
    parts = [count(ordered[start:stop], bins) for start, stop in rows.ends.values()]
    return np.stack([overall, *parts])


def _sketches(
    ruler: Ruler, counts: Sequence[Counts], rows: Rows | None, total: int
) -> dict[str | None, Sketch]:
    """Assemble one sketch overall (None) and one per segment."""
    sizes: dict[str | None, int] = {None: total}
    if rows is not None:
        sizes |= {level: stop - start for level, (start, stop) in rows.ends.items()}
    merged = np.concatenate(counts, axis=1) if counts else np.zeros((len(sizes), 0), np.int64)
    return {
        level: Sketch(ruler.id, size, merged[row])
        for row, (level, size) in enumerate(sizes.items())
    }
