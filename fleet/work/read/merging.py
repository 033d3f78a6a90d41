"""Merge batches of a window: their rows into one blob, and the counts of inputs into one."""

from __future__ import annotations

import pyarrow as pa

from fleet.document.policies import Watched
from fleet.model.records import Batch, Collection
from fleet.model.results import Merged
from fleet.model.tasks import Merge
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer.recounting import counts_of
from fleet.work.refer.referencing import load_levels, load_ruler
from monitoring.drift import segments


def merge(world: World, watched: Watched, effect: Merge) -> Merged:
    """Make one batch of several, which says what they said together.

    Counts that were taken with the bins of another reference are taken again from the rows.
    """
    blobs = world.blobs
    table = rows.concatenate(rows.get(blobs, name) for name in effect.rows)
    counted = ""
    if effect.collection is Collection.inputs:
        ruler = load_ruler(blobs, effect.reference)
        levels = load_levels(blobs, effect.reference, watched.policy.drift)
        behind = dict(zip(effect.sketches, effect.rows, strict=True))
        found, _ = counts_of(blobs, ruler, effect.sketches, behind, levels)
        counted = blobs.put(segments.to_bytes(segments.merge_all(ruler, found)))
    elif effect.collection is Collection.labels:
        # Labels that were matched again after more predictions came are there twice.
        table = _once(table)
    kept = rows.put(blobs, table)
    batch = Batch(effect.window, table.num_rows, kept, counted, effect.outside, size=table.nbytes)
    return Merged(effect.window, effect.collection, effect.deployment, effect.rows, batch)


def _once(table: pa.Table) -> pa.Table:
    return table.group_by(table.column_names, use_threads=False).aggregate([])
