"""References: the ruler, the slices behind its counts, and the usual distribution of scores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.blobs import Blobs
from engine.codec import to_json
from engine.errors import Refused
from fleet.document.policies import Watched
from fleet.model.results import Referenced
from fleet.model.tasks import BuildReference
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer import usual_scores
from fleet.work.refer.recounting import recounted, told
from monitoring.drift import segments
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, empty, merge
from monitoring.drift.verdict import Policy as DriftPolicy
from monitoring.intake.outcomes import check_scores
from monitoring.intake.references import KEYS, Terms, absent, normalised
from monitoring.intake.sampling import rows_before

SCORE = usual_scores.SCORE


@dataclass(frozen=True)
class Reference:
    """What windows are compared with; each of `slices` covers the length of a window.

    `note` says how many rows of a table were used, where not all were. `days` names the day of each
    slice, and is empty in older references. `parts` are the same by segment.
    """

    ruler: Ruler
    total: Sketch
    slices: tuple[Sketch, ...]
    note: str = ""
    days: tuple[str, ...] = ()
    parts: Mapping[str, Reference] = field(default_factory=dict)


def load_ruler(blobs: Blobs, reference: str) -> Ruler:
    """Return the ruler of a reference."""
    return _ruler(_named(blobs, reference, "ruler"))


def load(blobs: Blobs, reference: str) -> Reference:
    """Return a whole reference by its blob's name."""
    ruler = load_ruler(blobs, reference)
    document = json.loads(blobs.get(reference))
    slices = [segments.from_bytes(blobs.get(name)) for name in document["slices"]]
    days = tuple(document.get("days", ()))
    names = (None, *segments.names_of(document.get("segments", {})))
    one = {name: _of(ruler, [s.get(name, empty(ruler)) for s in slices], days) for name in names}
    parts = {name: part for name, part in one.items() if name is not None}
    return replace(one[None], note=document.get("note", ""), parts=parts)


def load_levels(blobs: Blobs, reference: str, policy: DriftPolicy) -> dict[str, tuple[str, ...]]:
    """Return the levels that are counted as segments, by feature: asked for and in the reference.

    A reference keeps the levels it was made with: an older one has none.
    """
    held = json.loads(blobs.get(reference)).get("segments", {})
    return {name: tuple(held[name]) for name in policy.segments if name in held}


def _of(ruler: Ruler, slices: Sequence[Sketch], days: tuple[str, ...]) -> Reference:
    return Reference(ruler, merge(ruler, slices), tuple(slices), days=days)


def _named(blobs: Blobs, reference: str, field: str) -> bytes:
    return blobs.get(json.loads(blobs.get(reference))[field])


@lru_cache(maxsize=64)
def _ruler(content: bytes) -> Ruler:
    # Cached by content: the same bytes give the same reference in every store.
    return Ruler.from_bytes(content)


def build(world: World, watched: Watched, effect: BuildReference) -> Referenced:
    """Make a reference from the model's file, or from the sketches of days known already."""
    if effect.days:
        return _from_days(world, watched, effect)
    return build_first(world, watched, effect, watched.policy.reference.data)


def build_first(world: World, watched: Watched, effect: BuildReference, path: str) -> Referenced:
    """Make a reference with bins of its own from a table."""
    return _from_table(world, watched, effect, path)


def read(world: World, watched: Watched, version: str, path: str) -> pa.Table:
    """Read a table of a version's reference rows; Refused where a row is invalid.

    Of a table that fleet.yaml does not name, the reason quotes no content: an operator's command
    does, and the reason is journalled.
    """
    features = world.registry.card(watched.name, version).features
    terms = terms_of(watched, features)
    if path == watched.policy.reference.data:
        return normalised(world.tables.read(path), path, terms)
    table = world.tables.asked(path)
    if not table.num_rows:
        raise Refused(f"{path}: holds no rows")
    if (lacking := absent(table.column_names, terms.needs)) is not None:
        raise Refused(f"{path}: needs a column {lacking!r}")
    try:
        return normalised(table, path, terms)
    except Refused as error:
        told = "a column or a row of it is not as a reference needs it"
        raise Refused(f"{path}: {told}; `driftwarden backtest --data {path}` says which") from error


def terms_of(watched: Watched, features: Sequence[str] = ()) -> Terms:
    """Return the requirements on a table of a model's rows; `features` are those of its card."""
    task = watched.policy.performance.task
    return Terms(watched.zone, task, features=tuple(features))


def score(
    world: World, watched: Watched, version: str, table: pa.Table, where: str
) -> npt.NDArray[np.float64]:
    """Score reference rows; Refused where the version returns an invalid score."""
    scores = world.scoring.score(watched.name, version, table)
    what = f"{where}: scored by {watched.name} {version}"
    return check_scores(scores, what, watched.policy.performance.task)


def _from_table(world: World, watched: Watched, effect: BuildReference, path: str) -> Referenced:
    table = read(world, watched, effect.version, path)
    scores = score(world, watched, effect.version, table, path)
    features = table.drop_columns([name for name in KEYS if name in table.column_names])
    ruler = Ruler.of(features, usual_scores.salts(watched), usual_scores.kinds(watched))
    scored = table.append_column("served", pa.array(scores)).append_column(
        "baseline", pa.array(scores)
    )
    levels = segments.choose_in(table, ruler, watched.policy.drift.segments)
    past: dict[str, tuple[str, str, int, int]] = {}
    for day in sorted(pc.unique(table["day"]).to_pylist()):
        part = scored.filter(pc.equal(table["day"], day))
        labelled = part.num_rows - part["label"].null_count
        counted = world.blobs.put(segments.to_bytes(segments.sketch_all(part, ruler, levels)))
        past[day] = (counted, rows.put(world.blobs, part), part.num_rows, labelled)
    ruled, note = world.blobs.put(ruler.to_bytes()), note_of(table)
    return Referenced(
        effect.version,
        put(
            world.blobs,
            ruled,
            [counted for counted, *_ in past.values()],
            note,
            tuple(past),
            levels,
        ),
        tuple(past),
        table.num_rows,
        usual_scores.put(world, watched, effect.version, scores, table),
        past,
        note,
    )


def _from_days(world: World, watched: Watched, effect: BuildReference) -> Referenced:
    """Make a reference from days, with the bins of the last one: bins never follow the data."""
    ruler = load_ruler(world.blobs, effect.ruler)
    slices: dict[str, tuple[str, segments.Segmented]] = {}
    for day, name, joined in effect.days:
        counted = segments.from_bytes(world.blobs.get(name))
        if counted[None].ruler == ruler.id:
            slices[day] = name, counted
        elif (again := recounted(world.blobs, ruler, joined, {})) is not None:
            slices[day] = world.blobs.put(segments.to_bytes(again)), again
    total = merge(ruler, (counted[None] for _, counted in slices.values()))
    levels = segments.choose(ruler, total, watched.policy.drift.segments)
    ruled = world.blobs.put(ruler.to_bytes())
    name = put(
        world.blobs, ruled, [own for own, _ in slices.values()], days=tuple(slices), levels=levels
    )
    left = told(len(effect.days) - len(slices), "days")
    return Referenced(effect.version, name, tuple(slices), total.rows, effect.scores, note=left)


def put(
    blobs: Blobs,
    ruler: str,
    slices: Sequence[str],
    note: str = "",
    days: Sequence[str] = (),
    levels: segments.Levels | None = None,
) -> str:
    """Keep a reference and return its blob's name.

    `days` names the day of each slice, `levels` those of each feature that are segments.
    """
    said: dict[str, object] = {"note": note} if note else {}
    if days:
        said["days"] = list(days)
    if levels:
        said["segments"] = {name: list(held) for name, held in levels.items()}
    return blobs.put(to_json({"format": 1, "ruler": ruler, "slices": list(slices), **said}))


def note_of(table: pa.Table) -> str:
    """Return a note where a table is a sample of more rows."""
    before = rows_before(table)
    return f"the reference is a sample of {table.num_rows:,} of {before:,} rows" if before else ""
