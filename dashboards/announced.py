"""Announced events: the windows in each, and its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from dashboards.days import Day
from dashboards.story import Past

#: Largest lead or lag of an event, and a day (see `monitoring.calendars.Policy`).
NEAR = timedelta(days=32)


@dataclass(frozen=True)
class Occasion:
    """An announced event, the days of its windows, and its outcome in words."""

    name: str
    first: date
    last: date
    came_to: str = ""


def occasions(days: Sequence[Day], events: Sequence[Past] = ()) -> tuple[Occasion, ...]:
    """Return each run of windows in one event, and the events without a window, by first day."""
    runs = [
        (name, run[0].day, run[-1].day)
        for name, group in groupby(days, key=lambda day: day.event)
        if name is not None
        for run in [list(group)]
    ]
    told = [_nearest(run, events) for run in runs]
    unseen = [event for event in events if event not in told]
    found = [
        Occasion(*run, event.came_to if event else "")
        for run, event in zip(runs, told, strict=True)
    ]
    found += [Occasion(event.name, event.first, event.last, event.came_to) for event in unseen]
    return tuple(sorted(found, key=lambda occasion: occasion.first))


def _nearest(run: tuple[str, date, date], events: Sequence[Past]) -> Past | None:
    """The nearest event of that name; windows in its lead and lag lie before or after it."""
    name, first, last = run
    near = [
        (max(event.first - last, first - event.last), place)
        for place, event in enumerate(events)
        if event.name == name
    ]
    distance, place = min(near, default=(NEAR, 0))
    return events[place] if distance < NEAR else None


def span(first: date, last: date) -> str:
    """Write a first and a last day."""
    return str(first) if first == last else f"{first} to {last}"
