"""The checks of `driftwarden validate` beyond fleet.yaml: reference tables and objectives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from engine.errors import Refused
from fleet.document.config import Config
from fleet.document.policies import Watched
from fleet.document.text import parse
from fleet.work.refer.referencing import terms_of
from hosts.clock import SystemClock
from hosts.local.models.registry import ModelFolders
from hosts.tables.beside import TablesBeside
from monitoring.intake.references import Terms, absent, normalised

MOST_BYTES = 64 * 1024 * 1024
ELSEWHERE = "://"


@dataclass(frozen=True)
class Seen:
    """Faults, and notes on tables that cannot be read yet and on alerts that can never fire."""

    faults: tuple[str, ...]
    notes: tuple[str, ...]


def look(config: Config, file: Path) -> Seen:
    """Read the reference of every model that lies beside fleet.yaml and is small.

    A missing table or column is a note, because `init` names the sample that it was given. Invalid
    values of a reference are a fault. An alert that an objective's target can never raise is a
    note.
    """
    text, _ = parse(file.read_text(encoding="utf-8"), file.name)
    faults: list[str] = []
    notes: list[str] = []
    for name, watched in config.fleet.models.items():
        path = watched.policy.reference.data
        terms = local_terms(config, file.parent, watched)
        try:
            note = _unread(file.parent, path) or _read(file.parent, path, terms)
            told = notes
        except Refused as error:
            note, told = str(error), faults
        if note:
            told.append(str(text.problem(("models", name, "reference", "data"), note)))
        told_of = [note for objective in watched.objectives for note in objective.notes]
        notes += [str(text.problem(("models", name, "slo"), note)) for note in told_of]
    return Seen(tuple(faults), tuple(notes))


def local_terms(config: Config, beside: Path, watched: Watched) -> Terms:
    """Return today's requirements on a model's rows, by fleet.yaml and the model's card."""
    kind, _, place = config.document.store.partition(":")
    features: tuple[str, ...] = ()
    if kind == "local":
        try:
            models = ModelFolders(beside / place / "models")
            features = models.card(watched.name, watched.policy.serving.champion).features
        except Refused:
            # The features of a version that is not registered yet are unknown.
            features = ()
    # In some time zone tomorrow has begun.
    tomorrow = SystemClock().now().date() + timedelta(days=1)
    return replace(terms_of(watched, features), until=tomorrow)


def _unread(beside: Path, path: str) -> str:
    """Return why a table is not read; empty where it can be."""
    if ELSEWHERE in path:
        return f"{path}: not checked here, but when the fleet starts"
    place = beside / path
    if not place.exists():
        return f"{path}: no such file or folder yet"
    files = [place] if place.is_file() else [one for one in place.rglob("*") if one.is_file()]
    size = sum(one.stat().st_size for one in files)
    if size > MOST_BYTES:
        return f"{path}: {size >> 20:,} MB are not checked here, but when the fleet starts"
    return ""


def _read(beside: Path, path: str, terms: Terms) -> str:
    table = TablesBeside(beside).read(path)
    lacking = absent(table.column_names, terms.needs)
    there = tuple(name for name in terms.needs if name in table.column_names)
    normalised(table, path, replace(terms, needs=there))
    return f"{path}: a reference needs the column {lacking!r}, too" if lacking else ""
