"""Drift of a segment that a holiday of its own country accounts for."""

from __future__ import annotations

from collections.abc import Container
from datetime import date

from fleet.effects import Assess
from fleet.policies import Watched
from monitoring.calendars import bounds
from monitoring.drift.report import Report


def segment_events(
    watched: Watched, effect: Assess, alone: Report, moved: Container[str]
) -> dict[str, str]:
    """Name the event by each segment's feature that moved on a day of its own calendar.

    Only segments for which the calendar names a country have one; the model's own is for all rows
    and for all the others, and is not asked here.
    """
    day = date.fromisoformat(effect.window)
    known = effect.known or bounds(day, watched.zone)[1]
    found = {}
    for feature in alone.features:
        if feature.segment is None or feature.where not in moved:
            continue
        calendar = watched.calendar.for_segment(feature.segment)
        event = None if calendar is watched.calendar else calendar.explains(day, known)
        if event is not None:
            found[feature.where] = event.name
    return found
