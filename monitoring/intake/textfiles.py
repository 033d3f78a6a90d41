"""CSV and JSON Lines as Arrow batches, block by block, wherever the bytes come from."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as pacsv

from engine.errors import Refused
from monitoring.intake import collector
from monitoring.intake.lines import column, read_fast, read_objects

BLOCK = 8 * 1024 * 1024
#: Lines of a block in which its first object is looked for.
LOOKED_AT = 100
NULLS = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null"]
# What to try when a value does not fit the type that earlier rows suggested.
WIDER = {
    pa.null(): pa.int64(),
    pa.int64(): pa.float64(),
}
MISFIT = re.compile(r"In CSV column #(\d+): .*CSV conversion error")


@dataclass(frozen=True)
class Source:
    """A file that can be opened several times; `name` is what messages call it."""

    name: str
    open: Callable[[], pa.NativeFile]


def csv_batches(source: Source) -> Iterator[pa.RecordBatch]:
    """Stream a CSV file with a header line.

    The file is read twice: types that hold for its first block may not hold for all of it.
    """
    reader = _csv_reader(source, _csv_types(source))
    empty = pa.RecordBatch.from_pylist([], reader.schema)
    yield from itertools.chain([empty], reader)


def json_batches(source: Source, notes: list[str]) -> Iterator[pa.RecordBatch]:
    """Stream JSON Lines: plain rows, or the data collector's lines (without their envelope).

    Types are those of each block, so the schema may change from batch to batch. Lines that cannot
    be used are left out and told in `notes`; a file with more of those than rows is `Refused`.
    """
    rows, bad = 0, []
    number = 0
    for body in _json_blocks(source):
        table, reasons = _json_table(body)
        bad += [_renumbered(reason, number) for reason in reasons]
        number += body.count(b"\n")
        rows += table.num_rows
        yield from table.combine_chunks().to_batches()
    if len(bad) > rows:
        raise Refused(f"{source.name}: not JSON Lines: {bad[0]}")
    if bad:
        notes.append(f"{source.name}: {len(bad):,} bad lines left out, the first is {bad[0]}")


def first_line(error: BaseException) -> str:
    """Shorten a library's error to one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _json_table(body: bytes) -> tuple[pa.Table, list[str]]:
    if _is_collector(body):
        decoded = collector.decode(body, closed=True)
        apart = [f"line {line.line}: its rows are in a blob of their own" for line in decoded.apart]
        return decoded.table.drop_columns(list(collector.KEYS)), [*decoded.bad, *apart]
    table = read_fast(body, pa.schema([]))
    if table is not None:
        return table, []
    objects, bad = read_objects(body)
    names = dict.fromkeys(name for _, row in objects for name in row)
    if not names:
        return pa.table({}), bad
    return pa.table({name: column([row.get(name) for _, row in objects]) for name in names}), bad


def _is_collector(body: bytes) -> bool:
    """Tell by the first object: a file may begin in the middle of a line."""
    place = 0
    for _ in range(LOOKED_AT):
        end = body.find(b"\n", place) + 1 or len(body)
        objects, _bad = read_objects(body[place:end])
        if objects:
            return collector.is_collector_line(objects[0][1])
        place = end
    return False


def _json_blocks(source: Source) -> Iterator[bytes]:
    """Blocks of complete lines; the last line may lack its end."""
    rest = b""
    with source.open() as stream:
        while piece := stream.read(BLOCK):
            rest += piece
            end = rest.rfind(b"\n") + 1
            if end:
                yield rest[:end].removeprefix(b"\xef\xbb\xbf")
                rest = rest[end:]
    if rest.strip():
        yield rest.removeprefix(b"\xef\xbb\xbf")


def _renumbered(reason: str, before: int) -> str:
    return re.sub(r"^line (\d+)", lambda found: f"line {int(found[1]) + before}", reason)


def _csv_types(source: Source) -> dict[str, pa.DataType]:
    types: dict[str, pa.DataType] = {}
    while True:
        reader = None
        try:
            reader = _csv_reader(source, types)
            for _ in reader:
                pass
            return {field.name: field.type for field in reader.schema}
        except pa.ArrowInvalid as error:
            found = MISFIT.match(str(error))
            if not found:
                raise
            _widen(source, types, int(found[1]), reader)


def _widen(
    source: Source,
    types: dict[str, pa.DataType],
    index: int,
    reader: pacsv.CSVStreamingReader | None,
) -> None:
    """Give one column the next wider type."""
    if reader is None:
        # The first block itself does not fit what was asked: it has to be text.
        names = _csv_names(source)
        types[names[index]] = pa.string()
        return
    field = reader.schema.field(index)
    if field.type == pa.string():
        raise Refused(f"{source.name}: column {field.name!r} is not text in UTF-8")
    types[field.name] = WIDER.get(field.type, pa.string())


def _csv_names(source: Source) -> list[str]:
    with _csv_open(source, pacsv.ConvertOptions(column_types={})) as reader:
        return list(reader.schema.names)


def _csv_reader(source: Source, types: dict[str, pa.DataType]) -> pacsv.CSVStreamingReader:
    return _csv_open(
        source,
        pacsv.ConvertOptions(
            column_types=types,
            null_values=NULLS,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _csv_open(source: Source, convert: pacsv.ConvertOptions) -> pacsv.CSVStreamingReader:
    return pacsv.open_csv(
        source.open(),
        pacsv.ReadOptions(use_threads=False, block_size=BLOCK),
        pacsv.ParseOptions(newlines_in_values=True),
        convert,
    )
