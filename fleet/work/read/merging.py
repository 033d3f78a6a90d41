"""Merge batches of a window: their rows into one blob, and the counts of inputs into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pat

from fleet.document.policies import Watched
from fleet.model.records import Batch, Collection
from fleet.model.results import Merged
from fleet.model.tasks import LARGE, Merge
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer.recounting import counts_of
from fleet.work.refer.referencing import load_levels, load_ruler
from monitoring.drift import segments

#: A larger integer is none in float64.
EXACT = 2**53
INTEGER, LONG, FLOAT, NULL = "integer", "long integer", "float", "null"
#: What two columns are together; other types are only merged with the same type.
NUMBERS = {
    frozenset({INTEGER, FLOAT}): FLOAT,
    frozenset({INTEGER, LONG}): LONG,
}


@dataclass
class _Group:
    """Batches whose columns fit together, with what each column is."""

    types: dict[str, str] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)

    def add(self, batch: Batch, table: pa.Table) -> bool:
        """Add a batch where its columns fit."""
        types = dict(self.types)
        for name in table.column_names:
            known, new = types.get(name, NULL), _type(table[name])
            pair = frozenset({known, new} - {NULL})
            together = next(iter(pair), NULL) if len(pair) < 2 else NUMBERS.get(pair)
            if together is None:
                return False
            types[name] = together
        self.types = types
        self.batches.append(batch)
        self.tables.append(table)
        return True


def merge(world: World, watched: Watched, effect: Merge) -> Merged:
    """Make one batch of several, which says what they said together.

    Batches are kept apart where a column has several types, because which values fit depends on
    all batches of the window. Counts that were taken with the bins of another reference are taken
    again from the rows.
    """
    taken, groups = _grouped(world, effect)
    names = tuple(batch.rows for batch in taken)
    if len(groups) == len(taken):
        batches = tuple(replace(batch, apart=True) for batch in taken)
    else:
        batches = tuple(_made(world, watched, effect, group) for group in groups)
    return Merged(effect.window, effect.collection, effect.deployment, effect.of, names, batches)


def _grouped(world: World, effect: Merge) -> tuple[Sequence[Batch], list[_Group]]:
    """Read the batches, of labels only as many as fit into memory."""
    groups: list[_Group] = []
    taken: list[Batch] = []
    size = 0
    for batch in effect.batches:
        table = rows.get(world.blobs, batch.rows)
        size += table.nbytes
        if len(taken) > 1 and size > LARGE and effect.collection is Collection.labels:
            break
        taken.append(batch)
        if not any(group.add(batch, table) for group in groups):
            groups.append(_Group())
            groups[-1].add(batch, table)
    return taken, groups


def _made(world: World, watched: Watched, effect: Merge, group: _Group) -> Batch:
    blobs = world.blobs
    table, counted = rows.concatenate(group.tables), ""
    if effect.collection is Collection.inputs:
        ruler = load_ruler(blobs, effect.reference)
        levels = load_levels(blobs, effect.reference, watched.policy.drift)
        behind = {batch.sketch: batch.rows for batch in group.batches}
        sketches = [batch.sketch for batch in group.batches]
        found, _ = counts_of(blobs, ruler, sketches, behind, levels)
        counted = blobs.put(segments.to_bytes(segments.merge_all(ruler, found)))
    elif effect.collection is Collection.labels:
        # Labels that were matched again after more predictions came are there twice.
        table = table.group_by(table.column_names, use_threads=False).aggregate([])
    outside: dict[str, int] = {}
    for batch in group.batches:
        for name, count in batch.outside.items():
            outside[name] = outside.get(name, 0) + count
    kept = rows.put(blobs, table)
    return Batch(effect.window, table.num_rows, kept, counted, outside, size=table.nbytes)


def _type(column: pa.ChunkedArray) -> str:
    """Return what a column is, as far as it matters for what it can be merged with."""
    if column.null_count == len(column):
        return NULL
    if pat.is_signed_integer(column.type):
        bounds = pc.min_max(column).as_py()
        return INTEGER if max(-bounds["min"], bounds["max"]) <= EXACT else LONG
    return FLOAT if pat.is_floating(column.type) else str(column.type)
