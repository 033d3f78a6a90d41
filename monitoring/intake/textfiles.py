"""JSON Lines as Arrow batches, block by block."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake import collector, lines
from monitoring.intake.limits import refuse_columns
from monitoring.intake.lines import column, read_fast
from monitoring.intake.objects import MARK, read_objects
from monitoring.intake.source import Source
from monitoring.intake.stacking import text
from monitoring.intake.untyped import untyped
from monitoring.intake.widths import names_in

# Less than one block of the collector's decoder, which unifies the types of several blocks.
BLOCK = lines.BLOCK - 512 * 1024
#: Lines of a block that are searched for its first object.
LOOKED_AT = 100


Assemble = Callable[[Sequence[object]], pa.Array]


def json_batches(
    source: Source, notes: list[str], assemble: Assemble = column
) -> Iterator[pa.RecordBatch]:
    """Stream JSON Lines: plain rows, or the data collector's lines (without their envelope).

    Types are those of each block, so the schema may change from batch to batch. Unusable lines are
    left out and reported in `notes`; a file with more of those than rows is `Refused`. `assemble`
    makes columns of values that may have mixed types.
    """
    rows, bad = 0, []
    number = 0
    names: set[str] = set()
    for body in _json_blocks(source):
        _refuse_names(source, body)
        table, reasons = _json_table(body, assemble)
        bad += [_renumbered(reason, number) for reason in reasons]
        number += body.count(b"\n")
        rows += table.num_rows
        names.update(table.column_names)
        refuse_columns(source.name, names, source.limits)
        yield from table.combine_chunks().to_batches()
    if len(bad) > rows:
        raise Refused(f"{source.name}: not JSON Lines: {bad[0]}")
    if bad:
        notes.append(f"{source.name}: {len(bad):,} bad lines left out, the first is {bad[0]}")


def _refuse_names(source: Source, body: bytes) -> None:
    found = names_in(body, source.limits.columns)
    if found > source.limits.columns:
        most = f"{source.limits.columns:,} (limit max-columns)"
        raise Refused(f"{source.name}: {found:,} different names, and the most columns is {most}")


def json_texts(source: Source, notes: list[str]) -> Iterator[pa.RecordBatch]:
    """Stream JSON Lines likewise, but columns of mixed types as untyped text."""
    for batch in json_batches(source, notes, _kept):
        # Only columns of mixed types are dictionaries: JSON gives no others.
        mixed = [pat.is_dictionary(field.type) for field in batch.schema]
        schema = [
            untyped(field.name) if odd else field
            for field, odd in zip(batch.schema, mixed, strict=True)
        ]
        columns = [
            values.dictionary_decode() if odd else values
            for values, odd in zip(batch.columns, mixed, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=pa.schema(schema))


def _kept(values: Sequence[object]) -> pa.Array:
    """Make a column; values of several types become a dictionary of text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2 or kinds == {int, float} or kinds & {dict, list}:
        return column(values)
    return pa.array([text(value) for value in values], pa.string()).dictionary_encode()


def _json_table(body: bytes, assemble: Assemble) -> tuple[pa.Table, list[str]]:
    if _is_collector(body):
        decoded = collector.decode(body, closed=True, assemble=assemble)
        apart = [f"line {line.line}: its rows are in a blob of their own" for line in decoded.apart]
        return decoded.table.drop_columns(list(collector.KEYS)), [*decoded.bad, *apart]
    table = read_fast(body, pa.schema([]))
    if table is not None:
        return table, []
    objects, bad = read_objects(body)
    names = dict.fromkeys(name for _, row in objects for name in row)
    if not names:
        return pa.table({}), bad
    columns = {name: assemble([row.get(name) for _, row in objects]) for name in names}
    return pa.table(columns), bad


def _is_collector(body: bytes) -> bool:
    """Whether the first object is a collector line; a file may begin in the middle of a line."""
    place = 0
    for _ in range(LOOKED_AT):
        end = body.find(b"\n", place) + 1 or len(body)
        objects, _bad = read_objects(body[place:end])
        if objects:
            return collector.is_collector_line(objects[0][1])
        place = end
    return False


def _json_blocks(source: Source) -> Iterator[bytes]:
    """Yield blocks of complete lines; the last line may have no end."""
    pieces: list[bytes] = []
    with source.text() as stream:
        while piece := stream.read(BLOCK):
            end = piece.rfind(b"\n") + 1
            if end:
                yield b"".join([*pieces, piece[:end]]).removeprefix(MARK)
                pieces = []
            pieces.append(piece[end:])
    rest = b"".join(pieces)
    if rest.strip():
        yield rest.removeprefix(MARK)


def _renumbered(reason: str, before: int) -> str:
    return re.sub(r"^line (\d+)", lambda found: f"line {int(found[1]) + before}", reason)
