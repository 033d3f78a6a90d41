"""The rows and the notes of a report, ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from engine.errors import Refused
from monitoring.intake.sampling import rows_before, sampled, seed_of

#: Enough rows to see a shift of 0.1 standard deviations; drawing time grows with them.
MOST_ROWS = 5_000


@dataclass(frozen=True)
class Prepared:
    """Everything that a page shows; `usual` has no rows where there is no reference."""

    title: str
    notes: tuple[str, ...]
    now: pa.Table
    usual: pa.Table


def prepare(
    title: str,
    notes: Sequence[str],
    current: Iterable[pa.Table],
    reference: Iterable[pa.Table],
) -> Prepared:
    """Sample the rows and leave out what cannot be compared; Refused where nothing is left.

    See `fleet.ports.Reports` for the arguments.
    """
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
    beside = usual.select(names) if usual.num_rows else now.select(names).slice(0, 0)
    return Prepared(title, tuple(said), now.select(names), beside)


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
