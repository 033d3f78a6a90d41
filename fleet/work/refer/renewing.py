"""A reference of an older format, counted again on its own rows."""

from __future__ import annotations

import pyarrow as pa

from fleet.document.policies import Watched
from fleet.model.results import Referenced
from fleet.model.tasks import BuildReference
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer import referencing, usual_scores
from monitoring.drift import segments
from monitoring.drift.ruler import FORMAT, Ruler


def renew(world: World, watched: Watched, effect: BuildReference) -> Referenced:
    """Give a reference bins of the newest format, where the rows of all its days are kept.

    Otherwise the reference stays the same, and the note says why.
    """
    old = referencing.load(world.blobs, effect.ruler)
    kept = {day: joined for day, _, joined in effect.days}
    lacking = [day for day in old.days if day not in kept]
    if lacking or not old.days:
        told = f"the rows of {len(lacking)} of its {len(old.days)} days are not kept"
        return _stays(effect, old, told if old.days else "its days were not recorded")
    tables = [rows.get(world.blobs, kept[day]) for day in old.days]
    names = list(old.ruler.features)
    if any(not {*names} <= {*table.column_names} for table in tables):
        return _stays(effect, old, "its rows lack features that are watched")
    ruler = Ruler.of(
        _features(tables, names), usual_scores.salts(watched), usual_scores.kinds(watched)
    )
    levels = referencing.load_levels(world.blobs, effect.ruler, watched.policy.drift)
    slices = [
        world.blobs.put(segments.to_bytes(segments.sketch_all(table, ruler, levels)))
        for table in tables
    ]
    ruled = world.blobs.put(ruler.to_bytes())
    name = referencing.put(world.blobs, ruled, slices, old.note, old.days, levels)
    note = (
        f"bins of format {ruler.format} in place of {old.ruler.format}, from the same rows: values "
        "that hold a large share have bins of their own"
    )
    rows_ = sum(table.num_rows for table in tables)
    return Referenced(effect.version, name, old.days, rows_, note=note, renewed=effect.ruler)


def _features(tables: list[pa.Table], names: list[str]) -> pa.Table:
    return rows.concatenate([table.select(names) for table in tables])


def _stays(effect: BuildReference, old: referencing.Reference, why: str) -> Referenced:
    note = (
        f"the reference keeps the bins of format {old.ruler.format} (format {FORMAT} gives values "
        f"that hold a large share bins of their own): {why}"
    )
    return Referenced(
        effect.version, effect.ruler, old.days, old.total.rows, note=note, renewed=effect.ruler
    )
