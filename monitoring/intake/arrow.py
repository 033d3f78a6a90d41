"""Parquet and Arrow bytes to tables."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import Refused


def decode(content: bytes) -> pa.Table:
    """Read Parquet, an Arrow file or an Arrow stream, whichever the bytes are; else `Refused`."""
    try:
        if content[:4] == b"PAR1":
            return pq.read_table(pa.BufferReader(content), use_threads=False)
        if content[:6] == b"ARROW1":
            return pa.ipc.open_file(content).read_all()
        return pa.ipc.open_stream(content).read_all()
    except (pa.ArrowException, OSError) as error:
        raise Refused(f"neither Parquet nor Arrow: {error}") from error
