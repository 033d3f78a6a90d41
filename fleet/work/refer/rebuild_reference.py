"""The reference that an operator asks for: from a table, or from known days.

The bins stay the same, so that windows before and after can be compared.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Refused
from fleet.document.policies import Watched
from fleet.model.results import Referenced
from fleet.model.tasks import BuildReference
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer import referencing, usual_scores
from monitoring.drift import segments
from monitoring.drift.ruler import Ruler
from monitoring.drift.significance import MIN_SLICES
from monitoring.intake.sampling import MOST_ROWS


def rebuild(world: World, watched: Watched, effect: BuildReference) -> Referenced:
    """Make the requested reference.

    Raises
    ------
    Refused
        The table cannot be read, or lacks a feature or a required column.
    """
    if effect.days:
        made = _from_days(world, watched, effect)
    elif effect.ruler:
        made = _from_table(world, watched, effect)
    else:
        made = referencing.build_first(world, watched, effect, effect.data)
    few = f"{len(made.days)} days are too few to calibrate: drift pages from {MIN_SLICES} days on"
    notes = [made.note, few if len(made.days) < MIN_SLICES else ""]
    return replace(made, note="; ".join(filter(None, notes)), by=effect.by, reason=effect.reason)


def _from_days(world: World, watched: Watched, effect: BuildReference) -> Referenced:
    made = referencing.build(world, watched, effect)
    ruler = referencing.load_ruler(world.blobs, effect.ruler)
    joined = [name for _, _, name in effect.days if name]
    table = _newest(world, joined)
    if table is None or not {*ruler.features, "label", "time"} <= set(table.column_names):
        return replace(made, note="no rows of these days are kept: the usual scores stay")
    where = f"days {made.days[0]} to {made.days[-1]}"
    scores = referencing.score(world, watched, effect.version, table, where)
    return replace(made, scores=usual_scores.put(world, watched, effect.version, scores, table))


def _newest(world: World, names: list[str]) -> pa.Table | None:
    """Return the rows of the newest whole days, at most `MOST_ROWS`."""
    held: list[pa.Table] = []
    for name in reversed(names):
        table = rows.get(world.blobs, name)
        if held and sum(len(one) for one in held) + len(table) > MOST_ROWS:
            break
        held.append(table)
    return rows.concatenate(reversed(held)) if held else None


def _from_table(world: World, watched: Watched, effect: BuildReference) -> Referenced:
    table = referencing.read(world, watched, effect.version, effect.data)
    ruler = referencing.load_ruler(world.blobs, effect.ruler)
    _known(ruler, table, effect.data)
    days = tuple(sorted(pc.unique(table["day"]).to_pylist()))
    levels = segments.choose_in(table, ruler, watched.policy.drift.segments)
    parts = (table.filter(pc.equal(table["day"], day)) for day in days)
    slices = [
        world.blobs.put(segments.to_bytes(segments.sketch_all(part, ruler, levels)))
        for part in parts
    ]
    scores = referencing.score(world, watched, effect.version, table, effect.data)
    note = referencing.note_of(table)
    return Referenced(
        effect.version,
        referencing.put(world.blobs, world.blobs.put(ruler.to_bytes()), slices, note, days, levels),
        days,
        table.num_rows,
        usual_scores.put(world, watched, effect.version, scores, table),
        note=note,
    )


def _known(ruler: Ruler, table: pa.Table, path: str) -> None:
    if lacking := [name for name in ruler.features if name not in table.column_names]:
        raise Refused(f"{path}: lacks {', '.join(lacking[:8])}, which windows are compared by")
