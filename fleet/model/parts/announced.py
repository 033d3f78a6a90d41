"""Announced events that are over: each is reported once, with its outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from fleet.model.lines import alerting, windows
from fleet.model.part import Part
from fleet.model.turn import Turn
from monitoring.aftermath import aftermath
from monitoring.calendars import Event
from monitoring.drift.verdict import Verdict

#: Counters of the state: the day (as an ordinal) up to which events were told, and one for every
#: alert that an event which is not over has explained, under the name of the event.
TOLD_TO = "events_to"
EXPLAINED = "explained:"
MOVED = (Verdict.DRIFTING, Verdict.DRIFTED)


def follow(turn: Turn) -> None:
    """Count the alerts that events explain, and report events whose last window was just assessed.

    It goes by the lines of this turn, so that a turn without a fact changes nothing.
    """
    if turn.watched.calendar.empty:
        return
    for line in turn.lines:
        if isinstance(line, alerting.Alert) and line.explained_by:
            key = f"{_key(line.explained_by)}{line.alert}"
            turn.model = replace(turn.model, counts={**turn.model.counts, key: 1})
    if any(isinstance(line, windows.Assessed) for line in turn.lines):
        _tell(turn)


def _tell(turn: Turn) -> None:
    judged = [day for day, past in turn.windows.past.items() if past.verdict is not None]
    if not judged:
        return
    newest = date.fromisoformat(max(judged))
    before = turn.model.counts.get(TOLD_TO, newest.toordinal() - 1)
    calendar = turn.watched.calendar
    for event in calendar.over(date.fromordinal(before), newest, turn.now):
        _say(turn, event)
    open_ = {event.name for event in calendar.reaching(newest + timedelta(days=1), turn.now)}
    kept = {
        key: count
        for key, count in turn.model.counts.items()
        if not key.startswith(EXPLAINED) or any(key.startswith(_key(name)) for name in open_)
    }
    turn.model = replace(turn.model, counts={**kept, TOLD_TO: max(before, newest.toordinal())})


def _say(turn: Turn, event: Event) -> None:
    first, last = (day.isoformat() for day in turn.watched.calendar.reach(event))
    verdicts = [past.verdict for day, past in turn.windows.past.items() if first <= day <= last]
    judged = [verdict for verdict in verdicts if verdict is not None]
    moved = sum(verdict in MOVED for verdict in judged)
    alerts = sum(key.startswith(_key(event.name)) for key in turn.model.counts)
    came_to = aftermath(len(judged), moved, alerts)
    turn.say(
        windows.Event(
            event.name,
            first=event.first.isoformat(),
            last=event.last.isoformat(),
            category=event.category,
            source=event.source,
            outcome=came_to.outcome,
            reason=came_to.reason,
            windows=len(judged),
            alerts=alerts,
        )
    )


def _key(name: str) -> str:
    return f"{EXPLAINED}{name}:"


PART = Part("announced", follow=follow)
