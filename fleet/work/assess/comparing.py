"""The counts that a window is compared with: the whole reference, or its days of one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fleet.document.policies import Watched
from fleet.model.tasks import Assess
from fleet.work.refer.referencing import Reference
from monitoring.calendars import DayClass
from monitoring.drift.classes import Choice, blend, choose, class_of, fallbacks
from monitoring.drift.sketch import Sketch, merge


@dataclass(frozen=True)
class Against:
    """The reference's side of one assessment.

    `total` and `slices` are for the window alone, `together` for the window merged with those
    before it. `usual` are the weekdays from which the window's class, `own`, differs: empty where
    the window was not compared with its own class, or is a weekday. `words` names the days of the
    comparison, and is empty where classes are not distinguished.
    """

    total: Sketch
    slices: tuple[Sketch, ...]
    together: Sketch
    usual: tuple[Sketch, ...] = ()
    own: DayClass | None = None
    words: str = ""


def against(
    watched: Watched,
    effect: Assess,
    reference: Reference,
    current: Sketch,
    before: Sequence[Sketch],
) -> Against:
    """Choose the days of the reference for a window and for each of those before it."""
    known = effect.known
    if known is None or not watched.policy.drift.classes:
        return Against(reference.total, reference.slices, reference.total)
    classes = [_class(watched, day, known) for day in reference.days]
    chosen = [_choice(watched, day, known, classes) for day in (effect.window, *effect.days)]
    sums = {one.places: _sum(reference, one) for one in chosen}
    windows = (current, *before)
    parts = [(sums[one.places], part.rows) for one, part in zip(chosen, windows, strict=True)]
    first = chosen[0]
    # A holiday compared with weekends need not resemble one: a missing difference means nothing.
    own = first.held if first.held is _class(watched, effect.window, known) else None
    apart = own not in (None, DayClass.WEEKDAY)
    usual = [place for place, one in enumerate(classes) if one is DayClass.WEEKDAY]
    return Against(
        sums[first.places],
        _slices(reference, first),
        blend(parts),
        tuple(reference.slices[place] for place in usual) if apart else (),
        own,
        first.words,
    )


def _class(watched: Watched, day: str, known: datetime) -> DayClass:
    return class_of(watched.calendar, date.fromisoformat(day), known)


def _choice(watched: Watched, day: str, known: datetime, classes: Sequence[DayClass]) -> Choice:
    wanted = fallbacks(watched.calendar, date.fromisoformat(day), known)
    return choose(wanted, classes, watched.policy.drift.class_days)


def _slices(reference: Reference, chosen: Choice) -> tuple[Sketch, ...]:
    if chosen.held is None:
        return reference.slices
    return tuple(reference.slices[place] for place in chosen.places)


def _sum(reference: Reference, chosen: Choice) -> Sketch:
    if chosen.held is None:
        return reference.total
    return merge(reference.ruler, _slices(reference, chosen))
