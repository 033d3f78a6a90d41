"""The history of one model, from one pass over its journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dashboards.alerting import Alert, Held, alerts, held
from dashboards.days import Day, Episode, days, episodes
from dashboards.journal import Journal
from dashboards.promotion import Retrain, Rollout, Split, retrains, rollouts
from engine.journal import Record
from fleet.model.happenings import happening
from fleet.model.lines import alerting, operations, serving, windows
from fleet.model.lines.line import Line
from monitoring.drift.why import Happening


@dataclass(frozen=True)
class Command:
    """A command of an operator."""

    at: datetime
    verb: str
    by: str
    reason: str
    target: str


@dataclass(frozen=True)
class Reference:
    """The current reference; `note` says which of its rows were left out."""

    days: int
    rows: int
    note: str = ""


@dataclass(frozen=True)
class Report:
    """A window's report for the alert or command `of`; `note` says why none was drawn."""

    at: datetime
    window: str
    of: str
    drawn: bool
    note: str = ""


@dataclass(frozen=True)
class Past:
    """An announced event that is over, and its outcome in words."""

    name: str
    first: date
    last: date
    came_to: str


@dataclass(frozen=True)
class Story:
    """The history of one model, oldest first.

    `counts` is the number of journal lines by kind, `records` the number of units; `reports` are
    keyed by their alert or command; `changes` are what others did around the model.
    """

    records: int
    counts: dict[str, int]
    days: tuple[Day, ...]
    alerts: tuple[Alert, ...]
    held: tuple[Held, ...]
    retrains: tuple[Retrain, ...]
    rollouts: tuple[Rollout, ...]
    splits: tuple[Split, ...]
    episodes: tuple[Episode, ...]
    commands: tuple[Command, ...]
    reference: Reference | None
    reports: dict[str, Report] = field(default_factory=dict)
    events: tuple[Past, ...] = ()
    changes: tuple[Happening, ...] = ()


def story(records: Iterable[Record]) -> Story:
    """Read a model's history from its journal."""
    units = list(records)
    journal = Journal.read(units)
    known = days(journal)
    return Story(
        records=len(units),
        counts=journal.counts,
        days=known,
        alerts=alerts(journal.of(alerting.Alert)),
        held=held(journal.of(alerting.Alert)),
        retrains=retrains(journal),
        rollouts=rollouts(journal.of(serving.Rollout)),
        splits=tuple(
            Split(at, line.weights, line.shadow) for at, line in journal.of(serving.Traffic)
        ),
        episodes=episodes(known),
        commands=tuple(
            Command(at, line.verb, line.by, line.reason, line.target)
            for at, line in journal.of(operations.Command)
        ),
        reference=_reference(journal.of(windows.Reference)),
        reports={line.of: _report(at, line) for at, line in journal.of(windows.Report)},
        events=tuple(_past(line) for _, line in journal.of(windows.Event)),
        changes=_changes(journal),
    )


def _changes(journal: Journal) -> tuple[Happening, ...]:
    """Return what others did around the model, in the words of its pages, oldest first."""
    told: list[tuple[datetime, Line]] = list(journal.of(operations.Noted))
    told += journal.of(alerting.AzureAlert)
    found = (happening(line, at) for at, line in told)
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.at))


def _report(at: datetime, line: windows.Report) -> Report:
    return Report(at, line.window, line.of, bool(line.report), line.note)


def _past(line: windows.Event) -> Past:
    first, last = date.fromisoformat(line.first), date.fromisoformat(line.last)
    return Past(line.event, first, last, line.reason)


def _reference(told: Sequence[tuple[datetime, windows.Reference]]) -> Reference | None:
    if not told:
        return None
    _, line = told[-1]
    return Reference(line.days, line.rows, line.note)
