"""Draws reports with Evidently, where it is installed; shared by the hosts."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import pyarrow as pa

from engine.errors import Refused
from monitoring.intake.sampling import rows_before, sampled, seed_of

#: Enough rows to see a shift of 0.1 standard deviations; drawing time grows with them.
MOST_ROWS = 5_000
CAUTION = "Evidently's own tests and thresholds colour this page; they decide no alert."
BODY = "<body>"
DRAWN_ID = re.compile(r"[0-9a-f]{8}(-?)(?:[0-9a-f]{4}\1){3}[0-9a-f]{12}")


class EvidentlyReports:
    """Implements `fleet.ports.Reports`."""

    def html(
        self,
        title: str,
        notes: Sequence[str],
        current: Iterable[pa.Table],
        reference: Iterable[pa.Table],
    ) -> bytes:
        """See `fleet.ports.Reports`."""
        _check_installed()
        now, usual = _rows(f"{title}: window", current), _rows(f"{title}: reference", reference)
        if not now.num_rows:
            raise Refused("the window has no rows")
        said = [*notes, _sample("window", now)]
        said.append(_sample("reference", usual) if usual.num_rows else "its reference has no rows")
        shown = _filled(now) & _filled(usual) if usual.num_rows else _filled(now)
        lost = [name for name in _either(now, usual) if name not in shown]
        if lost:
            said.append(f"not compared, without values of their kind: {', '.join(lost)}")
        names = [name for name in now.column_names if name in shown]
        if not names:
            raise Refused("no feature has values on both sides")
        sides = [now.select(names), *([usual.select(names)] if usual.num_rows else [])]
        page = _numbered(_drawn(*sides), sides)
        return _headed(page, title, [*said, CAUTION]).encode()


def _check_installed() -> None:
    try:
        with _unwarned():
            import evidently  # noqa: F401
    except ImportError as error:
        raise Refused("install driftwarden[reports]") from error


def _unwarned() -> warnings.catch_warnings[None]:
    """Silence the warnings of Evidently and its libraries, which operators cannot act on."""
    return warnings.catch_warnings(action="ignore")


def _rows(name: str, tables: Iterable[pa.Table]) -> pa.Table:
    batches = (batch for table in tables for batch in table.to_batches())
    return sampled(batches, np.random.default_rng(seed_of(name)), MOST_ROWS)


def _sample(side: str, table: pa.Table) -> str:
    before = rows_before(table)
    rows = f"{table.num_rows:,} rows"
    return f"{side}: a random {rows} of {before:,}" if before else f"{side}: all its {rows}"


def _filled(table: pa.Table) -> set[str]:
    return {name for name in table.column_names if table[name].null_count < table.num_rows}


def _either(now: pa.Table, usual: pa.Table) -> list[str]:
    return list(dict.fromkeys((*now.column_names, *usual.column_names)))


def _drawn(now: pa.Table, usual: pa.Table | None = None) -> str:
    with _unwarned():
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
