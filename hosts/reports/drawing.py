"""Draws prepared rows with Evidently, in this process or as the program of a job.

A job has this module and `engine.errors` alone: it imports nothing else of this project.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections.abc import Sequence
from html import escape
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import Refused

#: The window's table has title and notes as metadata of this name.
PAGE = b"driftwarden.page"
CAUTION = "Evidently's own tests and thresholds colour this page; they decide no alert."
BODY = "<body>"
DRAWN_ID = re.compile(r"[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}")


def page(title: str, notes: Sequence[str], now: pa.Table, usual: pa.Table) -> bytes:
    """Return the page of a window beside its reference; Refused where Evidently fails.

    Numbers are float64 and levels are texts. Both tables have the same columns, `usual` may have no
    rows. The same arguments make the same page.
    """
    sides = (now, usual) if usual.num_rows else (now,)
    drawn = _numbered(_drawn(*sides), sides)
    return _headed(drawn, title, [*notes, CAUTION]).encode()


def main(arguments: Sequence[str]) -> None:
    """Draw the files of `hosts.reports.program.packed` and write the page."""
    now, usual = (pq.read_table(path) for path in arguments[:2])
    asked = json.loads(now.schema.metadata[PAGE])
    try:
        drawn = page(asked["title"], asked["notes"], now, usual)
    except Refused as error:
        sys.exit(str(error))
    Path(arguments[2]).write_bytes(drawn)


def unwarned() -> warnings.catch_warnings[None]:
    """Silence the warnings of Evidently and its libraries, which operators cannot act on."""
    return warnings.catch_warnings(action="ignore")


def _drawn(now: pa.Table, usual: pa.Table | None = None) -> str:
    with unwarned():
        return _by_evidently(now, usual)


def _by_evidently(now: pa.Table, usual: pa.Table | None) -> str:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    texts = [field.name for field in now.schema if not pa.types.is_floating(field.type)]
    numbers = [name for name in now.column_names if name not in texts]
    definition = DataDefinition(
        numerical_columns=[_safe(name) for name in numbers],
        categorical_columns=[_safe(name) for name in texts],
    )
    sides = [
        Dataset.from_pandas(_plain(table).to_pandas(), definition)
        for table in (now, usual)
        if table is not None
    ]
    # The summary draws four more plots per feature, which add little and double the time.
    preset = DataDriftPreset() if usual is not None else DataSummaryPreset()
    try:
        found: str = Report([preset]).run(*sides).get_html_str(False)
    except Exception as error:
        # A failed drawing must not stop the monitoring.
        raise Refused(f"Evidently failed: {type(error).__name__}: {error}"[:300]) from error
    return found


def _plain(table: pa.Table) -> pa.Table:
    """Escape names and levels: Evidently writes them into a script, which `</script>` would end."""
    columns = {}
    for field in table.schema:
        column = table[field.name]
        if not pa.types.is_floating(field.type):
            texts = [None if text is None else _safe(text) for text in column.to_pylist()]
            column = pa.chunked_array([pa.array(texts, pa.string())])
        columns[_safe(field.name)] = column
    return pa.table(columns)


def _numbered(page: str, tables: Sequence[pa.Table]) -> str:
    """Replace Evidently's random ids by numbers: the same rows make the same page.

    A replay then writes the same journal, and a report drawn twice is one blob.
    """
    texts = [name for table in tables for name in table.column_names]
    for table in tables:
        for column in table.columns:
            if not pa.types.is_floating(column.type):
                texts += [text for text in column.unique().to_pylist() if text is not None]
    ours = {found[0] for text in texts for found in DRAWN_ID.finditer(text)}
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[0] in ours:
            return found[0]
        digits = f"{numbers.setdefault(found[0], len(numbers)):032x}"
        if not found[1]:
            return digits
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    return DRAWN_ID.sub(number, page)


def _safe(text: str) -> str:
    return text.replace("<", "‹").replace(">", "›")


def _headed(page: str, title: str, notes: Sequence[str]) -> str:
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    inner = f"<h1>{escape(title)}</h1><ul>{lines}</ul>"
    head = f'<header style="margin:1.5rem">{inner}</header>'
    before, body, after = page.partition(BODY)
    return f"{before}{body}{head}{after}" if body else f"{head}{page}"


if __name__ == "__main__":
    main(sys.argv[1:])
