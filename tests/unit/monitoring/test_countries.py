"""Codes of countries, and their public holidays by the calendar on the wall."""

from __future__ import annotations

from datetime import date

import pytest

from monitoring.countries import checked, public_holidays
from monitoring.ics import Category, Event


def test_holidays_come_country_by_country_in_order_of_time() -> None:
    found = public_holidays(("US", "DE"), 2013)
    assert found[0] == Event(
        "New Year's Day", date(2013, 1, 1), date(2013, 1, 1), Category.HOLIDAY, "US"
    )
    days = [[event.first for event in found if event.source == code] for code in ("US", "DE")]
    assert date(2013, 7, 4) in days[0]
    assert date(2013, 10, 3) in days[1]
    assert [event.first for event in found] == sorted(days[0]) + sorted(days[1])


def test_a_subdivision_has_holidays_of_its_own() -> None:
    lincoln = date(2013, 2, 12)
    assert lincoln not in {event.first for event in public_holidays(("US",), 2013)}
    assert lincoln in {event.first for event in public_holidays(("US-NY",), 2013)}


def test_unknown_codes_are_refused_with_a_suggestion() -> None:
    assert checked(("US", "US-NY", "DE")) == ("US", "US-NY", "DE")
    with pytest.raises(ValueError, match="no holidays known for XX"):
        checked(("XX",))
    with pytest.raises(ValueError, match="US has no subdivision NYC, did you mean NY"):
        checked(("US-NYC",))
