"""The history of one model, from one pass over its journal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from dashboards.alerting import Alert, Held, alerts, held
from dashboards.days import Day, Episode, Line, Told, days, episodes
from dashboards.promotion import Retrain, Rollout, Split, retrains, rollouts
from engine.journal import Record
from engine.store import parse_instant


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
    keyed by their alert or command.
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


def story(records: Iterable[Record]) -> Story:
    """Read a model's history from its journal."""
    told: dict[str, list[Told]] = defaultdict(list)
    count = 0
    for record in records:
        count += 1
        at = parse_instant(record.at)
        for line in record.lines:
            told[line["what"]].append((at, line))
    known = days(told.get("assessed", ()), told.get("joined", ()))
    return Story(
        records=count,
        counts={what: len(lines) for what, lines in sorted(told.items())},
        days=known,
        alerts=alerts(told.get("alert", ())),
        held=held(told.get("alert", ())),
        retrains=retrains(told),
        rollouts=rollouts(told.get("rollout", ())),
        splits=tuple(
            Split(at, line["weights"], tuple(line["shadow"]))
            for at, line in told.get("traffic", ())
        ),
        episodes=episodes(known),
        commands=tuple(
            Command(at, line["verb"], line["by"], line["reason"], line["target"])
            for at, line in told.get("command", ())
        ),
        reference=_reference(told.get("reference", ())),
        reports={line["of"]: _report(at, line) for at, line in told.get("report", ())},
        events=tuple(_past(line) for _, line in told.get("event", ())),
    )


def _report(at: datetime, line: Line) -> Report:
    drawn = bool(line.get("report"))
    return Report(at, line["window"], line["of"], drawn, line.get("note", ""))


def _past(line: Line) -> Past:
    first, last = (date.fromisoformat(line[end]) for end in ("first", "last"))
    return Past(line["event"], first, last, line["reason"])


def _reference(told: Sequence[Told]) -> Reference | None:
    if not told:
        return None
    _, line = told[-1]
    return Reference(line["days"], line["rows"], line.get("note", ""))
