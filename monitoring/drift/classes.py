"""Which days of a reference a day is compared with: those of its own class.

Weekends, holidays and the days before them differ from weekdays as a rule. Compared with all days
they look like drift every week; compared with days of their own class they do not. Where the
reference has too few of those, a wider class replaces it, and the report says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np

from monitoring.calendars import WEEKDAYS, Calendar, DayClass, announced
from monitoring.drift.sketch import Sketch

__all__ = ["Choice", "blend", "choose", "class_of", "fallbacks"]


@dataclass(frozen=True)
class Choice:
    """The slices of a reference that a day is compared with.

    `places` are their indices in the order of the reference's days; `held` is None for all days,
    and `words` names the class and the reason.
    """

    places: tuple[int, ...]
    held: DayClass | None
    words: str


def class_of(calendar: Calendar, day: date, known: datetime) -> DayClass:
    """Class of a local day, from the events announced by `known`.

    Like `Calendar.day_class`, but a day of any other event has a class of its own, too.
    """
    found = calendar.day_class(day, known)
    if found in (DayClass.HOLIDAY, DayClass.PROMOTION):
        return found
    if any(announced(event, known) for event in calendar.events_on(day)):
        return DayClass.EVENT
    return found


def fallbacks(calendar: Calendar, day: date, known: datetime) -> tuple[DayClass, ...]:
    """Classes that a day may be compared with, its own first; after the last come all days.

    A holiday is most similar to a weekend; an eve, a promotion or an event to its day of the week.
    """
    own = class_of(calendar, day, known)
    weekend = own is DayClass.HOLIDAY or WEEKDAYS[day.weekday()] in calendar.policy.weekend
    return tuple(dict.fromkeys((own, DayClass.WEEKEND if weekend else DayClass.WEEKDAY)))


def choose(wanted: Sequence[DayClass], days: Sequence[DayClass], least: int) -> Choice:
    """Choose the first of the `wanted` classes of which the reference has `least` days.

    Parameters
    ----------
    wanted
        The day's `fallbacks`.
    days
        Class of each slice of the reference; empty where the days of its slices are not known.
    least
        Slices that a class needs.

    >>> choose([DayClass.EVE, DayClass.WEEKDAY], [DayClass.WEEKDAY] * 9 + [DayClass.EVE], 8).words
    'compared with 9 days of class weekday: the reference has 1 of class eve, and 8 are needed'
    """
    if not days:
        words = "compared with all rows of the reference: it does not record their days"
        return Choice((), None, words)
    short: list[str] = []
    for one in wanted:
        places = tuple(place for place, other in enumerate(days) if other is one)
        if len(places) >= least:
            words = f"compared with {len(places)} days of class {one}{_why(short, least)}"
            return Choice(places, one, words)
        short.append(f"{len(places)} of class {one}")
    every = tuple(range(len(days)))
    return Choice(every, None, f"compared with all {len(days)} days{_why(short, least)}")


def blend(parts: Sequence[tuple[Sketch, int]]) -> Sketch:
    """Mix references in the proportions of the windows that are compared with them.

    Merged windows are compared with this mix, which is what they would be if each equalled its own
    reference. The number of rows of the mix reflects the uncertainty of its shares.

    Parameters
    ----------
    parts
        Each window's reference and the window's number of rows.
    """
    weights: Mapping[Sketch, int] = _weighed(parts)
    total = sum(weights.values())
    if len(weights) == 1 or not total:
        return parts[0][0]
    shares = {one: rows / total for one, rows in weights.items()}
    size = 1 / sum(share**2 / max(one.rows, 1) for one, share in shares.items() if share)
    mixed = sum(share / max(one.rows, 1) * one.counts for one, share in shares.items())
    counts = np.rint(size * np.asarray(mixed)).astype(np.int64)
    return replace(parts[0][0], rows=round(size), counts=counts)


def _weighed(parts: Sequence[tuple[Sketch, int]]) -> dict[Sketch, int]:
    weights: dict[Sketch, int] = {}
    for one, rows in parts:
        weights[one] = weights.get(one, 0) + rows
    return weights


def _why(short: Sequence[str], least: int) -> str:
    return f": the reference has {', '.join(short)}, and {least} are needed" if short else ""
