"""A seeded random sample of the rows of a table too large for memory."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring.intake.stacking import stacked

MOST_ROWS = 1_000_000
_ROWS = b"driftwarden.rows"


def seed_of(name: str) -> int:
    """Return the seed of a table's sample, by its name."""
    # A file's name may be any bytes.
    return int.from_bytes(sha256(name.encode("utf-8", "surrogateescape")).digest()[:8])


def sampled(
    batches: Iterable[pa.RecordBatch], rng: np.random.Generator, most: int = MOST_ROWS
) -> pa.Table:
    """Concatenate batches; of more than `most` rows, keep a random `most` in their order.

    Every set of `most` rows is equally likely. The same rows with the same generator give the same
    sample, however they are cut into batches. At most twice as many rows and a batch are in memory
    at once. `rows_before` gives the number of rows before sampling.

    >>> one, rng = pa.record_batch({"x": range(100)}), np.random.default_rng(seed_of("a"))
    >>> ten = sampled([one], rng, 10)
    >>> len(ten), rows_before(ten), rows_before(sampled([one], rng, 100))
    (10, 100, 0)
    """
    held: list[pa.Table] = []
    keys: list[npt.NDArray[np.float64]] = []
    rows, limit = 0, np.inf
    for batch in batches:
        drawn = rng.random(batch.num_rows)
        rows += batch.num_rows
        # The rows with the smallest drawn numbers are the sample, so others can be dropped at once.
        keep = drawn < limit
        table = pa.Table.from_batches([batch])
        held.append(table if keep.all() else table.filter(pa.array(keep)))
        keys.append(drawn[keep])
        if sum(map(len, keys)) > 2 * most:
            kept, last, limit = _smallest(held, keys, most)
            held, keys = [kept], [last]
    if rows <= most:
        return stacked(held) if held else pa.table({})
    kept, _, _ = _smallest(held, keys, most)
    return kept.replace_schema_metadata({**(kept.schema.metadata or {}), _ROWS: str(rows)})


def rows_before(table: pa.Table) -> int:
    """Return the number of rows that `sampled` drew from; 0 where the table holds all of them."""
    return int((table.schema.metadata or {}).get(_ROWS, 0))


def _smallest(
    tables: list[pa.Table], keys: list[npt.NDArray[np.float64]], most: int
) -> tuple[pa.Table, npt.NDArray[np.float64], float]:
    drawn = np.concatenate(keys)
    limit = float(np.partition(drawn, most - 1)[most - 1])
    keep = drawn <= limit
    # A copy, so that the memory of its source can be freed.
    kept = stacked(tables).take(pa.array(np.flatnonzero(keep))).combine_chunks()
    return kept, drawn[keep], limit
