"""CSV files as Arrow batches: as text, or with types that hold for all of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.types as pat

from engine.errors import Refused
from monitoring.intake.dialect import ENDS, Dialect, sniffed
from monitoring.intake.limits import Bounded, spelled
from monitoring.intake.parsing import NULL_WORDS
from monitoring.intake.source import Source
from monitoring.intake.untyped import untyped

BLOCK = 8 * 1024 * 1024
# The type to try next when a value does not fit the type of earlier rows.
WIDER = {
    pa.null(): pa.int64(),
    pa.int64(): pa.float64(),
}
#: A row that is longer than a block.
STRADDLES = "straddles two block boundaries"
MISFIT = re.compile(r"In CSV column #(\d+): .*CSV conversion error")


#: The schema of a file, and its batches.
Opened = tuple[pa.Schema, Iterator[pa.RecordBatch]]


class LongRow(Refused):
    """A row is longer than the blocks in which the file was read."""


def csv_texts(source: Source, block: int | None = None) -> Iterator[pa.RecordBatch]:
    """Stream a CSV file with a header line, all columns as untyped text.

    An empty cell is null, an empty text in quotes is a text. Bytes need not be UTF-8. A row that
    is longer than `block` may raise `LongRow`: then read again in blocks of the longest line.
    """
    dialect = sniffed(source)
    kept = [name for name in dialect.names if name not in dialect.empty]
    schema = pa.schema([untyped(name) for name in kept])
    yield _empty(schema)
    if not dialect.filled:
        return
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(dialect.names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        check_utf8=False,
    )
    with _opened(source, dialect, convert, block or BLOCK) as (_, batches):
        for batch in batches:
            _refuse_nameless(source, dialect, batch)
            columns = [_plain(batch[name], name, dialect) for name in kept]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def csv_batches(source: Source) -> Iterator[pa.RecordBatch]:
    """Stream a CSV file with a header line.

    The file is read twice, because the types of its first block may not fit all of it.
    """
    dialect = sniffed(source)
    kept = [name for name in dialect.names if name not in dialect.empty]
    if not dialect.filled:
        yield _empty(pa.schema([(name, pa.null()) for name in kept]))
        return
    types, block = _types(source, dialect)
    with _typed(source, dialect, types, block) as (schema, batches):
        yield _empty(schema).select(kept)
        for batch in batches:
            _refuse_nameless(source, dialect, batch)
            yield batch.select(kept)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, one.type) for one in schema], schema=schema)


def _refuse_nameless(source: Source, dialect: Dialect, batch: pa.RecordBatch) -> None:
    for name in dialect.empty:
        if batch[name].null_count < batch.num_rows:
            raise Refused(f"{source.name}: values in a column without a name, {name!r}")


def _plain(column: pa.Array, name: str, dialect: Dialect) -> pa.Array:
    """Rewrite numbers with a decimal point and without thousands separators."""
    if name in dialect.commas:
        # With a decimal comma, a point can only separate thousands.
        pattern = r"^\s*[+-]?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]+)?([eE][+-]?[0-9]+)?\s*$"
        plain = pc.replace_substring(pc.replace_substring(column, ".", ""), ",", ".")
    elif name in dialect.grouped:
        pattern = r"^\s*[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?\s*$"
        plain = pc.replace_substring(column, ",", "")
    else:
        return column
    return pc.if_else(pc.match_substring_regex(column, pattern), plain, column)


def _types(source: Source, dialect: Dialect) -> tuple[dict[str, pa.DataType], int]:
    """Return types that hold for the whole file, and the size of blocks that holds every row."""
    types: dict[str, pa.DataType] = {}
    block = BLOCK
    while True:
        schema = None
        try:
            with _typed(source, dialect, types, block) as (schema, batches):
                for _ in batches:
                    pass
            return {field.name: field.type for field in schema}, block
        except LongRow:
            if block >= source.limits.line:
                raise
            block = source.limits.line
        except pa.ArrowInvalid as error:
            found = MISFIT.match(str(error))
            if not found:
                raise
            name = dialect.names[int(found[1])]
            types[name] = _wider(source, name, schema)


def _wider(source: Source, name: str, schema: pa.Schema | None) -> pa.DataType:
    """Give one column the next wider type."""
    if schema is None:
        # The first block does not fit the requested type itself, so the column is text.
        return pa.string()
    dtype = schema.field(name).type
    if dtype == pa.string():
        raise Refused(f"{source.name}: column {name!r} is not text in UTF-8")
    return WIDER.get(dtype, pa.string())


def _typed(
    source: Source, dialect: Dialect, types: Mapping[str, pa.DataType], block: int
) -> AbstractContextManager[Opened]:
    convert = pacsv.ConvertOptions(
        column_types=dict(types),
        null_values=["", *NULL_WORDS],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        decimal_point="," if dialect.commas else ".",
    )
    return _opened(source, dialect, convert, block)


@contextmanager
def _opened(
    source: Source, dialect: Dialect, convert: pacsv.ConvertOptions, block: int
) -> Iterator[Opened]:
    read = pacsv.ReadOptions(
        use_threads=False,
        block_size=block,
        column_names=list(dialect.names),
        skip_rows_after_names=dialect.header,
    )
    parse = pacsv.ParseOptions(delimiter=dialect.separator, newlines_in_values=True)
    # The reader reads ahead in a thread of its own, which ends when the file is closed.
    text = source.bounded(ENDS)
    with pa.PythonFile(text, mode="r") as stream:
        try:
            with pacsv.open_csv(stream, read, parse, convert) as reader:
                yield reader.schema, _closed(source, reader, text)
        except pa.ArrowInvalid as error:
            if STRADDLES in str(error):
                most = f"{spelled(block)} (limit max-line), or a quote is never closed"
                raise LongRow(f"{source.name}: a row is longer than {most}") from error
            raise


def _closed(
    source: Source, reader: pacsv.CSVStreamingReader, text: Bounded
) -> Iterator[pa.RecordBatch]:
    """Yield the batches; a last cell of several lines must end with a quote.

    Behind a quote that nothing closes, the rest of the file is one cell.
    """
    batch = None
    for batch in reader:
        yield batch
    if batch is None or not batch.num_rows or not pat.is_string(batch.column(-1).type):
        return
    cell = batch.column(-1)[-1:].cast(pa.binary())[0].as_py() or b""
    if text.last != b'"' and any(end in cell for end in ENDS):
        raise Refused(f"{source.name}: a quote is never closed: {cell[:40]!r}…")
