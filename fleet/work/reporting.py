"""The rows of a window and of its reference, redacted for a report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Refused
from fleet.document.policies import Watched
from fleet.model.results import Reported
from fleet.model.tasks import BuildReport
from fleet.ports import World
from fleet.work import rows
from fleet.work.refer.referencing import load
from fleet.work.refer.usual_scores import salts
from monitoring.drift.binning import REST, CategoricalBins
from monitoring.drift.columns import level_name
from monitoring.drift.ruler import Ruler
from monitoring.intake.cells import Cells
from monitoring.intake.days import days as read_days
from monitoring.schema import Kind, kind_of

MOST_FEATURES = 20
#: A report with thousands of levels takes too long to draw, and nobody reads it.
MOST_LEVELS = 50
HIDDEN = "redacted numbers are left out"
MEASURED = {"served": "score", "label": "label"}


def build_report(world: World, watched: Watched, effect: BuildReport) -> Reported:
    """Draw a window beside its reference; failures become the fact's note and are not raised."""
    if world.reports is None:
        return Reported(effect.window, effect.of, "", "this host draws no reports")
    try:
        reference = load(world.blobs, effect.reference)
        shown = _Shown(watched, reference.ruler, effect.features)
        page = world.reports.html(
            f"{watched.name}: {effect.window} ({effect.of})",
            shown.notes,
            (shown.table(rows.get(world.blobs, name)) for name in effect.rows),
            _reference(world, watched, effect, reference.days, shown),
        )
    except Refused as error:
        return Reported(effect.window, effect.of, "", str(error))
    return Reported(effect.window, effect.of, world.blobs.put(page))


class _Shown:
    """The columns that are shown: redacted levels as hashes, redacted numbers not at all."""

    def __init__(self, watched: Watched, ruler: Ruler, first: tuple[str, ...]) -> None:
        self._salts = salts(watched)
        hidden = {n for n in self._salts if not isinstance(ruler.features.get(n), CategoricalBins)}
        known = [n for n in dict.fromkeys((*first, *ruler.features)) if n in ruler.features]
        names = [name for name in known if name not in hidden]
        self._ruler = ruler
        self.names = names[:MOST_FEATURES]
        self.notes: tuple[str, ...] = ()
        if len(names) > MOST_FEATURES:
            self.notes += (f"{MOST_FEATURES} of {len(names)} features, those that moved first",)
        if hidden:
            self.notes += (f"{HIDDEN}: {', '.join(sorted(hidden))}",)

    def table(self, table: pa.Table) -> pa.Table:
        """Return the shown columns; one of a different kind is left out."""
        found: dict[str, pa.ChunkedArray] = {}
        for name in self.names:
            if name not in table.column_names:
                continue
            bins, column = self._ruler.features[name], table[name]
            if isinstance(bins, CategoricalBins):
                found[name] = _levels(column, bins, self._salts.get(name, ""))
            elif kind_of(column.type) is Kind.NUMERIC:
                found[name] = _finite(column)
        for name, said in MEASURED.items():
            if name in table.column_names and said not in found:
                found[said] = _finite(table[name])
        return pa.table(found)


def _reference(
    world: World, watched: Watched, effect: BuildReport, days: tuple[str, ...], shown: _Shown
) -> Iterator[pa.Table]:
    """Return the kept rows of the reference's days; without any, those of its table."""
    kept = [name for day, name in effect.past if day in days]
    for name in kept:
        yield shown.table(rows.get(world.blobs, name))
    if not kept and days:
        try:
            path = watched.policy.reference.data
            table = world.tables.read(path)
            found = read_days(table["day"], Cells(path, "day"), watched.zone)
        except (Refused, KeyError):
            # The reference was made from a different table.
            return
        yield shown.table(table.filter(pc.is_in(found, value_set=pa.array(days, pa.string()))))


def _finite(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def _levels(column: pa.ChunkedArray, bins: CategoricalBins, salt: str) -> pa.Array:
    """Return levels as texts; those that are rare or unseen at the reference become `rest`."""
    flat = column.combine_chunks()
    coded = flat if isinstance(flat, pa.DictionaryArray) else flat.dictionary_encode()
    texts = [None if level is None else level_name(level) for level in coded.dictionary.to_pylist()]
    spelled = [None if text is None else _spelled(text, bins, salt) for text in texts]
    return pa.array([*spelled, None], pa.string()).take(
        pa.array(np.where(coded.is_null(), len(spelled), coded.indices.fill_null(0)))
    )


def _spelled(text: str, bins: CategoricalBins, salt: str) -> str:
    if bins.position.get(bins.key(text), MOST_LEVELS) >= MOST_LEVELS:
        return REST
    # A level that was redacted after the reference was made is hashed here.
    return bins.key(text) if bins.salt or not salt else CategoricalBins((), salt).key(text)
