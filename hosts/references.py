"""A model's reference as the fleet will read it, looked at before the fleet begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Refused
from fleet.document import text
from fleet.document.columns import named_columns
from fleet.document.faults import suggestion
from fleet.document.policies import Watched
from fleet.document.power import Rows, unpowered
from fleet.work.refer.referencing import terms_of
from hosts.folders import files_below
from hosts.local.models.registry import MODEL_FILE, ModelFolders
from hosts.tables.beside import TablesBeside
from monitoring.intake.references import DAY, KEYS, LABEL, Terms, normalised

MOST_BYTES = 64 * 1024 * 1024
ELSEWHERE = "://"
DATA: text.Path = ("reference", "data")


@dataclass(frozen=True)
class Told:
    """One line about a model; `path` is its place below `models.NAME`."""

    path: text.Path
    message: str
    fault: bool = True


def look(watched: Watched, store: str, beside: Path, now: datetime) -> Iterator[Told]:
    """Yield what is wrong with a model's reference, and notes on what it is too small for."""
    path = watched.policy.reference.data
    if ELSEWHERE in path:
        yield Told(DATA, f"{path}: not checked here, but when the fleet starts", fault=False)
        return
    if not (beside / path).exists():
        yield Told(DATA, f"{path}: no such file or folder")
        return
    if size := _too_large(beside / path):
        yield Told(DATA, f"{path}: {size:,} MB are not checked here", fault=False)
        return
    try:
        terms = local_terms(store, beside, watched, now)
    except Refused as error:
        yield Told(("serving", "champion"), str(error))
        return
    try:
        table = normalised(TablesBeside(beside).read(path), path, terms)
    except Refused as error:
        yield Told(DATA, str(error))
        return
    yield from _columns(watched, table, terms)
    yield from _counts(watched, table)


def local_terms(store: str, beside: Path, watched: Watched, now: datetime) -> Terms:
    """Return today's requirements on a model's rows, by fleet.yaml and the model's card.

    Raises
    ------
    Refused
        The card is there and invalid.
    """
    kind, _, place = store.partition(":")
    features: tuple[str, ...] = ()
    folder = beside / place / "models" / watched.name / watched.policy.serving.champion
    # The features of a version that is not registered yet are unknown.
    if kind == "local" and (folder / MODEL_FILE).exists():
        models = ModelFolders(beside / place / "models")
        features = models.card(watched.name, watched.policy.serving.champion).features
    # In some time zone tomorrow has begun.
    return replace(terms_of(watched, features), until=now.date() + timedelta(days=1))


def _too_large(place: Path) -> int:
    """Return the size of a file or folder in MB where it is too large; else 0."""
    files = [place] if place.is_file() else list(files_below(place))
    size = sum(one.stat().st_size for one in files)
    return max(1, size >> 20) if size > MOST_BYTES else 0


def _columns(watched: Watched, table: pa.Table, terms: Terms) -> Iterator[Told]:
    known = [name for name in table.column_names if name not in KEYS]
    for name in terms.features:
        if name not in known:
            card = f"the model's card names the feature {name!r}"
            yield Told(DATA, f"{watched.policy.reference.data}: {card}, and it is not there")
    for path, name in named_columns(watched):
        if name not in known:
            hint = suggestion(name, known) if len(known) <= 20 else ""
            yield Told(path, f"{watched.policy.reference.data} has no column {name!r}{hint}")


def _counts(watched: Watched, table: pa.Table) -> Iterator[Told]:
    least = watched.policy.drift.min_rows
    if table.num_rows < least:
        told = f"{table.num_rows:,} rows; no feature is judged with fewer than {least:,}"
        yield Told(DATA, f"{watched.policy.reference.data}: {told} (drift.min_rows)")
        return
    days = len(pc.unique(table[DAY]))
    seen = Rows(days, table.num_rows, table.num_rows - table[LABEL].null_count)
    for path, message in unpowered(watched.policy, seen):
        yield Told(path, message, fault=False)
