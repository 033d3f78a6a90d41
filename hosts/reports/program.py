"""A report as files for a job: the program that draws it, and the prepared rows."""

from __future__ import annotations

import inspect
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq

import engine
from engine import errors
from hosts.reports import drawing
from hosts.reports.prepared import Prepared

#: A fixed date: the same sources make the same archive.
DATE = (1980, 1, 1, 0, 0, 0)


def program() -> bytes:
    """Return an archive that Python runs: `python ARCHIVE WINDOW REFERENCE PAGE`."""
    sources = {
        "__main__.py": drawing,
        "engine/__init__.py": engine,
        "engine/errors.py": errors,
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, module in sources.items():
            opened.writestr(zipfile.ZipInfo(name, DATE), inspect.getsource(module))
    return archive.getvalue()


def packed(report: Prepared) -> tuple[bytes, bytes]:
    """Return the window, with title and notes, and the reference, each as a Parquet file."""
    asked = json.dumps({"title": report.title, "notes": report.notes}).encode()
    now = report.now.replace_schema_metadata({drawing.PAGE: asked})
    return _parquet(now), _parquet(report.usual.replace_schema_metadata(None))


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content
