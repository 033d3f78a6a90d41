"""The history for a backtest: the days of a model's store, or of a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from engine.blobs import Blobs, MemoryBlobs
from engine.errors import Refused
from fleet.backtest.budget import MONTH
from fleet.backtest.play import Day, History
from fleet.document.config import Config
from fleet.document.policies import Watched
from fleet.model.slices.windows import Past
from fleet.service import Service
from fleet.work import rows
from fleet.work.refer import referencing
from fleet.work.refer.usual_scores import kinds, salts
from hosts.local.host import STORE_FILE
from hosts.local.opening import open_local
from hosts.tables.beside import TablesBeside
from monitoring.drift import segments
from monitoring.drift.ruler import Ruler
from monitoring.drift.segments import Levels
from monitoring.drift.sketch import Sketch
from monitoring.intake.limits import LIMITS, Limits
from monitoring.intake.references import DAY, KEYS, Terms, normalised
from monitoring.intake.sampling import rows_before

OWN = "no days besides those of a reference: the older half of the days is used as the reference"


class Aside(MemoryBlobs):
    """Blobs that read through to a store's and never write to it."""

    def __init__(self, under: Blobs | None = None) -> None:
        super().__init__()
        self._under = under

    def get(self, name: str) -> bytes:
        """See `engine.blobs.Blobs`."""
        try:
            return super().get(name)
        except Refused:
            if self._under is None:
                raise
            return self._under.get(name)


@dataclass(frozen=True)
class Source:
    """A history and the blobs behind it."""

    blobs: Blobs
    history: History


def of_store(config: Config, beside: Path, watched: Watched, months: float) -> Source:
    """Return the days of a model that the local store of a fleet knows.

    Raises
    ------
    Refused
        There is no store yet, or it holds no days to judge.
    """
    kind, _, place = config.document.store.partition(":")
    hint = "give the rows of past days with --data PATH"
    if kind != "local":
        raise Refused(f"store {config.document.store}: only a local store is read; {hint}")
    if not (beside / place / STORE_FILE).exists():
        raise Refused(f"{beside / place}: no store yet; {hint}")
    host = open_local(config, beside)
    try:
        return _stored(host.service, watched, months, hint)
    finally:
        host.close()


def _stored(service: Service, watched: Watched, months: float, hint: str) -> Source:
    model = service.loop.head(watched.name).state
    if not model.windows.reference:
        raise Refused(f"{watched.name}: no reference was built yet; {hint}")
    blobs = Aside(service.blobs)
    reference = referencing.load(blobs, model.windows.reference)
    found, foreign = _days(blobs, model.windows.past, reference.ruler)
    slices = set(reference.slices)
    own = {day.name for day in found if Sketch.from_bytes(blobs.get(day.sketch)) in slices}
    notes = [reference.note] if reference.note else []
    if foreign:
        notes.append(f"{foreign} days are left out: they were counted with other bins")
    later = [day for day in found if day.name not in own]
    held = [day for day in found if day.name in own]
    history = History(
        model.windows.reference,
        _recent(later, months),
        tuple(d.kept for d in held if d.kept),
        tuple(notes),
    )
    if later:
        return Source(blobs, history)
    levels = referencing.load_levels(blobs, model.windows.reference, watched.policy.drift)
    return Source(blobs, _halved(blobs, reference.ruler, held, months, notes, levels))


def _days(blobs: Blobs, past: dict[str, Past], ruler: Ruler) -> tuple[list[Day], int]:
    found, foreign = [], 0
    for name, one in sorted(past.items()):
        if not one.sketch:
            continue
        if Sketch.from_bytes(blobs.get(one.sketch)).ruler != ruler.id:
            foreign += 1
            continue
        found.append(Day(name, one.rows, one.sketch, one.joined))
    return found, foreign


def of_table(
    beside: Path,
    path: Path,
    watched: Watched,
    months: float,
    terms: Terms,
    limits: Limits = LIMITS,
) -> Source:
    """Return the days of a table, compared with the model's reference or its own older half.

    `terms` are the requirements on the rows of both; only a column `day` is mandatory.

    Raises
    ------
    Refused
        The table cannot be read, has no column `day`, or too few days.
    """
    terms = replace(terms, needs=(DAY,))
    table = normalised(TablesBeside(Path.cwd(), limits=limits).read(str(path)), str(path), terms)
    days, notes, blobs = _names(table), _sampled(table), Aside()
    reference = watched.policy.reference.data
    try:
        found = TablesBeside(beside).read(reference)
    except Refused as error:
        notes.append(str(error))
        return Source(blobs, _halved_table(blobs, watched, table, days, months, notes))
    usual = normalised(found, reference, terms)
    known = _names(usual)
    later = table.filter(pc.invert(pc.is_in(table["day"], pa.array(known, pa.string()))))
    if not later.num_rows:
        return Source(blobs, _halved_table(blobs, watched, table, days, months, notes))
    ruler, levels = _ruled(watched, usual)
    held = _counted(blobs, usual, ruler, known, levels)
    played = _counted(blobs, later, ruler, [day for day in days if day not in known], levels)
    name, kept = _reference(blobs, ruler, held, levels), tuple(day.kept for day in held)
    return Source(blobs, History(name, _recent(played, months), kept, tuple(notes)))


def _ruled(watched: Watched, table: pa.Table) -> tuple[Ruler, Levels]:
    """Return the bins of a table of reference rows, and the levels that are segments."""
    ruler = Ruler.of(_features(table), salts(watched), kinds(watched))
    return ruler, segments.choose_in(table, ruler, watched.policy.drift.segments)


def _halved_table(
    blobs: Blobs,
    watched: Watched,
    table: pa.Table,
    names: list[str],
    months: float,
    notes: list[str],
) -> History:
    first = table.filter(pc.less(table["day"], names[len(names) // 2]))
    ruler, levels = _ruled(watched, first)
    days = _counted(blobs, table, ruler, names, levels)
    return _halved(blobs, ruler, days, months, notes, levels)


def _halved(
    blobs: Blobs,
    ruler: Ruler,
    days: list[Day],
    months: float,
    notes: list[str],
    levels: Levels,
) -> History:
    if len(days) < 2:
        raise Refused(f"{len(days)} days are known; a backtest needs days to compare others with")
    held, later = days[: len(days) // 2], days[len(days) // 2 :]
    kept = tuple(day.kept for day in held if day.kept)
    name = _reference(blobs, ruler, held, levels)
    return History(name, _recent(later, months), kept, (*notes, OWN))


def _reference(blobs: Blobs, ruler: Ruler, held: list[Day], levels: Levels) -> str:
    slices, days = [day.sketch for day in held], [day.name for day in held]
    return referencing.put(blobs, blobs.put(ruler.to_bytes()), slices, days=days, levels=levels)


def _counted(
    blobs: Blobs, table: pa.Table, ruler: Ruler, names: list[str], levels: Levels
) -> list[Day]:
    found = []
    for name in names:
        part = table.filter(pc.equal(table["day"], name))
        counted = blobs.put(segments.to_bytes(segments.sketch_all(part, ruler, levels)))
        found.append(Day(name, part.num_rows, counted, rows.put(blobs, part)))
    return found


def _recent(days: list[Day], months: float) -> tuple[Day, ...]:
    if not days:
        return ()
    since = date.fromisoformat(days[-1].name) - timedelta(days=months * MONTH)
    return tuple(day for day in days if date.fromisoformat(day.name) > since)


def _names(table: pa.Table) -> list[str]:
    return sorted(pc.unique(table["day"]).to_pylist())


def _sampled(table: pa.Table) -> list[str]:
    before = rows_before(table)
    return [f"played on a sample of {table.num_rows:,} of {before:,} rows"] if before else []


def _features(table: pa.Table) -> pa.Table:
    return table.drop_columns([name for name in KEYS if name in table.column_names])
