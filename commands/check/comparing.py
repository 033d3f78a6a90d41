"""Compare two tables: bin every column by the reference, count both sides, judge."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.types as pat

from commands.check.columnwise import Counted, LeftOut, Pair, Rows
from engine.errors import Refused
from hosts.tables.reading import Columns, Unreadable
from monitoring.drift.assessment import assess_segments
from monitoring.drift.columns import places_in
from monitoring.drift.report import Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Counts, Sketch, segment_names
from monitoring.drift.verdict import Policy
from monitoring.intake.untyped import inferred
from monitoring.schema import Ignored

WORKERS = 2
MAX_SEGMENTS = 100
#: The most names in a message.
SHOWN = 4


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns to compare, and how.

    `features`: these only (none: all). `ignore`: not these. `categorical`: their values are levels,
    whatever their type. `segment`: judge each of its levels, too.
    """

    features: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    segment: str | None = None


def compare(reference: Columns, current: Columns, choice: Choice) -> tuple[Report, list[str]]:
    """Compare column by column; return the report and notes on values that count as missing.

    Raises `Refused` when the two have no column in common, a named column is unknown, or nothing
    is left to compare.
    """
    _known(reference, current, choice)
    names = [
        name
        for name in reference.schema.names
        if (not choice.features or name in choice.features) and name not in choice.ignore
    ]
    pair = Pair(
        reference,
        current,
        (_segments(reference, choice.segment), _segments(current, choice.segment)),
    )
    asked = {*choice.features, *choice.categorical}

    def one(name: str) -> Counted | Ignored:
        return pair.compared(name, categorical=name in choice.categorical, asked=name in asked)

    with ThreadPoolExecutor(WORKERS) as pool:
        found = list(pool.map(one, names))
    counted = [one for one in found if isinstance(one, Counted)]
    aside = [one for one in found if isinstance(one, Ignored)]
    if names and not counted:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in aside[:3])
        raise Refused(f"nothing is left to compare: {reasons}{'; …' if len(aside) > 3 else ''}")
    aside += [LeftOut(name, "left out by --ignore") for name in choice.ignore]
    if not choice.features:
        held = {*reference.schema.names, *choice.ignore}
        new = [name for name in current.schema.names if name not in held]
        aside += [LeftOut(name, "only in current") for name in new]
    return _judged(pair, counted, aside), list(chain(*(one.notes for one in counted)))


def _judged(pair: Pair, counted: Sequence[Counted], aside: Sequence[Ignored]) -> Report:
    ignored = tuple(one for one in aside if not isinstance(one, LeftOut))
    ruler = Ruler({one.name: one.bins for one in counted}, ignored)
    sides = (pair.reference, pair.current)
    before, after = (
        _sketches(ruler, counts, rows, side.rows)
        for counts, rows, side in zip(
            ([one.reference for one in counted], [one.current for one in counted]),
            pair.rows,
            sides,
            strict=True,
        )
    )
    changed = {one.name: one.changed for one in counted if one.changed}
    report = assess_segments(ruler, before, after, Policy(), changed=changed)
    left_out = tuple(Ignored(one.name, one.reason) for one in aside if isinstance(one, LeftOut))
    return replace(report, not_compared=left_out)


def _known(reference: Columns, current: Columns, choice: Choice) -> None:
    either = dict.fromkeys([*reference.schema.names, *current.schema.names])
    for names, held, where in (
        (choice.features, reference.schema.names, "the reference; it has"),
        (choice.categorical, reference.schema.names, "the reference; it has"),
        (choice.ignore, list(either), "reference or current; they have"),
    ):
        unknown = [name for name in names if name not in held]
        if unknown:
            raise Refused(f"no column {unknown[0]!r} in {where} {', '.join(held)}")
    for side, columns in (("reference", reference), ("current", current)):
        if choice.segment is not None and choice.segment not in columns.schema.names:
            raise Refused(f"no column {choice.segment!r} to segment by in {side}")
    common = set(reference.schema.names) & set(current.schema.names)
    if reference.rows and current.rows and not common:
        held = (_some(side.schema.names) for side in (reference, current))
        raise Refused("reference ({}) and current ({}) have no column in common".format(*held))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:SHOWN]))
    return f"{shown}, …" if len(names) > SHOWN else shown


def _segments(columns: Columns, segment: str | None) -> Rows | None:
    """Sort the rows by segment; rows without one come last."""
    if segment is None:
        return None
    try:
        names = segment_names(_segment_column(columns, segment)).combine_chunks()
        names = names.dictionary_encode()
    except (pa.ArrowException, Unreadable) as error:
        raise Refused(f"cannot segment by column {segment!r}: {error}") from error
    levels = names.dictionary.to_pylist()
    if len(levels) > MAX_SEGMENTS:
        raise Refused(
            f"column {segment!r} has {len(levels):,} levels, too many to segment by "
            f"(at most {MAX_SEGMENTS})"
        )
    codes = places_in(names)
    stops = np.cumsum(np.bincount(codes, minlength=len(levels) + 1)).tolist()
    starts = [0, *stops]
    ends = {level: (starts[index], stops[index]) for index, level in enumerate(levels)}
    return Rows(np.argsort(codes, kind="stable"), ends)


def _segment_column(columns: Columns, segment: str) -> pa.ChunkedArray:
    """Return the segments as text: booleans alike in every format, untyped numbers unchanged."""
    column = columns.column(segment)
    if segment not in columns.untyped:
        return column
    fitted, _ = inferred(column)
    return fitted if pat.is_boolean(fitted.type) else column


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
