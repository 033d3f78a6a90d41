"""Classes of days, which of them a day falls back to, and references mixed of several."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest

from monitoring.calendars import Calendar, DayClass, Policy, calendar
from monitoring.drift.binning import NumericBins
from monitoring.drift.classes import blend, choose, class_of, fallbacks
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch

WEEKDAY, WEEKEND = DayClass.WEEKDAY, DayClass.WEEKEND
HOLIDAY, EVE, EVENT = DayClass.HOLIDAY, DayClass.EVE, DayClass.EVENT
KNOWN = datetime(2024, 12, 1, tzinfo=UTC)
FAIR = "\r\n".join(
    (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//driftwarden//tests//EN", "BEGIN:VEVENT",
        "UID:fair-1", "DTSTAMP:20240110T000000Z", "CREATED:20240110T000000Z",
        "DTSTART;VALUE=DATE:20240311", "DTEND;VALUE=DATE:20240313", "SUMMARY:fair",
        "CATEGORIES:OTHER", "END:VEVENT", "END:VCALENDAR", "",
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def german() -> Calendar:
    return calendar(Policy(zone="Europe/Berlin", countries=("DE",), ics=("fair.ics",)), [FAIR])


# The days of 2024 in Germany: Christmas is a Wednesday, Easter Monday follows a Sunday.
@pytest.mark.parametrize(
    ("day", "chain"),
    [
        (date(2024, 3, 5), (WEEKDAY,)),
        (date(2024, 3, 9), (WEEKEND,)),
        (date(2024, 12, 25), (HOLIDAY, WEEKEND)),
        (date(2024, 12, 24), (EVE, WEEKDAY)),
        (date(2024, 3, 31), (EVE, WEEKEND)),
        (date(2024, 3, 11), (EVENT, WEEKDAY)),
    ],
)
def test_a_day_falls_back_to_days_like_it(
    german: Calendar, day: date, chain: tuple[DayClass, ...]
) -> None:
    assert class_of(german, day, KNOWN) is chain[0]
    assert fallbacks(german, day, KNOWN) == chain


def test_an_event_that_was_not_announced_yet_makes_no_class(german: Calendar) -> None:
    assert class_of(german, date(2024, 3, 11), datetime(2024, 1, 9, tzinfo=UTC)) is WEEKDAY


def test_weekends_are_the_calendars_own() -> None:
    friday = Calendar(Policy(weekend=("friday",)))
    assert fallbacks(friday, date(2024, 3, 8), KNOWN) == (WEEKEND,)
    assert fallbacks(friday, date(2024, 3, 9), KNOWN) == (WEEKDAY,)


MONTH = [*[WEEKDAY] * 5, *[WEEKEND] * 2] * 4


def test_a_class_with_enough_days_is_chosen() -> None:
    chosen = choose([WEEKEND], MONTH, 8)
    assert chosen.places == (5, 6, 12, 13, 19, 20, 26, 27)
    assert (chosen.held, chosen.words) == (WEEKEND, "compared with 8 days of class weekend")


def test_too_few_days_fall_back_and_say_so() -> None:
    chosen = choose([HOLIDAY, WEEKEND], [*MONTH, HOLIDAY], 8)
    assert chosen.held is WEEKEND
    assert chosen.words == (
        "compared with 8 days of class weekend: the reference has 1 of class holiday, and 8 are "
        "needed"
    )


def test_all_days_are_the_last_resort() -> None:
    chosen = choose([HOLIDAY, WEEKEND], MONTH, 9)
    assert (chosen.places, chosen.held) == (tuple(range(28)), None)
    assert chosen.words == (
        "compared with all 28 days: the reference has 0 of class holiday, 8 of class weekend, and "
        "9 are needed"
    )


def test_a_reference_that_does_not_say_its_days_is_held_against_whole() -> None:
    chosen = choose([WEEKEND], [], 8)
    assert chosen.held is None
    assert chosen.words == (
        "compared with all rows of the reference: it does not record their days"
    )


RULER = Ruler({"x": NumericBins((0.0, 1.0))})


def counted(*counts: int) -> Sketch:
    return Sketch(RULER.id, sum(counts), np.array([*counts, 0]))


def test_one_reference_stays_itself() -> None:
    one = counted(10, 20, 30)
    assert blend([(one, 5), (one, 7)]) is one


def test_references_mix_in_the_proportion_of_their_windows() -> None:
    left, right = counted(9_000, 1_000, 0), counted(0, 1_000, 9_000)
    mixed = blend([(left, 300), (right, 100), (left, 0)])
    assert mixed.counts / mixed.rows == pytest.approx([0.675, 0.1, 0.225, 0.0], abs=1e-4)
    # Variance of the mix's shares: (3/4)² / 10,000 + (1/4)² / 10,000.
    assert mixed.rows == 16_000


def test_a_small_part_limits_what_the_mix_is_worth() -> None:
    mixed = blend([(counted(50, 50, 0), 1), (counted(500_000, 500_000, 0), 1)])
    assert mixed.rows == pytest.approx(400, abs=1)


def test_windows_without_rows_are_held_against_the_first_reference() -> None:
    first = counted(1, 2, 3)
    assert blend([(first, 0), (counted(3, 2, 1), 0)]) is first
