"""Drift of a segment that a holiday of its own country explains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from fleet.document.policies import Watched
from fleet.model.tasks import Assess
from monitoring.calendars import bounds
from monitoring.drift.report import FeatureReport


def excused(
    watched: Watched, effect: Assess, flagged: Sequence[str], features: Iterable[FeatureReport]
) -> dict[str, str]:
    """Return the holiday that explains the drift of each feature of a segment.

    The window lies in the holiday, or the drift does not persist without the windows that do. Only
    segments for which the calendar names a country have their own holidays; those of the model
    apply to all rows and are not considered here.

    Parameters
    ----------
    flagged
        Features and segments that are significant in the window alone.
    features
        The features that moved.
    """
    found = {one.where: _holiday(watched, effect, flagged, one) for one in features}
    return {where: name for where, name in found.items() if name}


def _holiday(
    watched: Watched, effect: Assess, flagged: Sequence[str], feature: FeatureReport
) -> str:
    if feature.segment is None:
        return ""
    calendar = watched.calendar.for_segment(feature.segment)
    if calendar is watched.calendar:
        return ""
    known = effect.known or bounds(date.fromisoformat(effect.window), watched.zone)[1]
    today = calendar.explains(date.fromisoformat(effect.window), known)
    if today is not None:
        return today.name
    windows = [*zip(effect.days, effect.flags, strict=False), (effect.window, flagged)]
    struck = [date.fromisoformat(day) for day, names in windows if feature.where in names]
    events = [calendar.explains(day, known) for day in struck]
    names = [event.name for event in events if event is not None]
    persists = len(struck) - len(names) >= watched.policy.drift.persistence.flagged
    return names[-1] if names and not persists else ""
