"""Parts of a table on disk, one column of which can be read without the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import Refused
from hosts.tables.table_files import Stamp, refuse_changed, stamp
from monitoring.intake.parsing import texts_of
from monitoring.intake.untyped import is_untyped, untyped
from monitoring.schema import is_text

#: The most files that a thread keeps open.
READERS = 4


class Part(Protocol):
    """Some rows of a table, one column of which can be read without the others."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""

    @property
    def rows(self) -> int:
        """Number of rows."""

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column that the schema names."""


@dataclass(frozen=True)
class ParquetPart:
    """One Parquet file."""

    path: Path
    schema: pa.Schema
    rows: int
    metadata: pq.FileMetaData = field(repr=False)
    stamp: Stamp

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column; strings as dictionaries, which are small and quick to count."""
        try:
            file = _READERS.of(self)
            return file.read(columns=[name], use_threads=False).column(name)
        finally:
            refuse_changed(self.path, self.stamp)

    def open(self) -> pq.ParquetFile:
        """Open a reader of the file."""
        return pq.ParquetFile(
            self.path,
            metadata=self.metadata,
            read_dictionary=[one.name for one in self.schema if is_text(one.type)],
            page_checksum_verification=True,
        )

    @classmethod
    def of(cls, path: Path) -> ParquetPart:
        """Read a file's footer."""
        before = stamp(path)
        with pq.ParquetFile(path) as file:
            return cls(path, file.schema_arrow, file.metadata.num_rows, file.metadata, before)


class _Readers(threading.local):
    """Readers of the files that a thread read last: columns are read from several threads.

    Opening a file takes time in proportion to its columns: reopening it for each is quadratic.
    """

    def __init__(self) -> None:
        self._open: list[tuple[ParquetPart, pq.ParquetFile]] = []

    def of(self, part: ParquetPart) -> pq.ParquetFile:
        """Return the thread's reader of a part."""
        found = next((one for one in self._open if one[0] is part), None)
        if found is None:
            found = part, part.open()
        else:
            self._open.remove(found)
        self._open.append(found)
        for _, file in self._open[:-READERS]:
            file.close()
        del self._open[:-READERS]
        return found[1]


_READERS = _Readers()


@dataclass(frozen=True)
class CopiedPart:
    """Rows of a text file of one schema, in Arrow's file format."""

    path: Path
    schema: pa.Schema
    rows: int

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column."""
        options = pa.ipc.IpcReadOptions(included_fields=[self.schema.get_field_index(name)])
        with pa.OSFile(str(self.path)) as file:
            return pa.ipc.open_file(file, options=options).read_all().column(name)


@dataclass(frozen=True)
class KeyedPart:
    """A part in folders that are named like `region=eu`: each is a column of one untyped value."""

    part: Part
    keys: Mapping[str, str | None]

    @property
    def schema(self) -> pa.Schema:
        """Columns of the part, then the keys that it has no column for."""
        held = self.part.schema.names
        return pa.schema(
            [*self.part.schema, *(untyped(name) for name in self.keys if name not in held)]
        )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.part.rows

    def column(self, name: str) -> pa.ChunkedArray:
        """Read one column."""
        if name in self.part.schema.names:
            return self.part.column(name)
        value = self.keys[name]
        if value is None:
            return pa.chunked_array([pa.nulls(self.rows, pa.string())])
        return pa.chunked_array([pa.repeat(texts_of([value])[0], self.rows)])


def copied(batches: Iterator[pa.RecordBatch], scratch: Path) -> Iterator[Part]:
    """Copy batches to Arrow files, one per run of batches with the same schema.

    Raises `Refused` where they cannot be written.
    """
    for number, ((schema, _), run) in enumerate(groupby(batches, key=_shape)):
        with _writing(scratch):
            prefix = f"{number:06}-"
            file = NamedTemporaryFile(dir=scratch, prefix=prefix, delete=False)  # noqa: SIM115
            writer = pa.ipc.new_file(file, schema)
        rows = 0
        try:
            for batch in run:
                with _writing(scratch):
                    writer.write_batch(batch)
                rows += batch.num_rows
        finally:
            with _writing(scratch):
                writer.close()
                file.close()
        yield CopiedPart(Path(file.name), schema, rows)


@contextmanager
def _writing(scratch: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        told = f"{scratch}: a copy of the rows cannot be written: {error.strerror}"
        raise Refused(f"{told}; TMPDIR names another folder") from error


def _shape(batch: pa.RecordBatch) -> tuple[pa.Schema, tuple[bool, ...]]:
    # Schemas compare equal even if the metadata of their fields differ.
    return batch.schema, tuple(is_untyped(one) for one in batch.schema)
