"""Country codes, and the public holidays of each country."""

from __future__ import annotations

from collections.abc import Iterable

from monitoring.ics import Category, Event
from monitoring.near import near


def checked(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the codes (`US`, or with a subdivision `US-NY`); ValueError names one not known."""
    # The import takes an eighth of a second; a worker without calendars does not need it.
    import holidays

    known = holidays.list_supported_countries(include_aliases=True)
    for code in codes:
        country, _, part = code.partition("-")
        if country not in known:
            raise ValueError(f"{code}: no holidays known for {country}{near(country, known)}")
        if part and part not in known[country]:
            raise ValueError(
                f"{code}: {country} has no subdivision {part}{near(part, known[country])}"
            )
    return codes


def public_holidays(codes: Iterable[str], year: int) -> list[Event]:
    """Return the public holidays of a year, country by country, each country's in order of time."""
    import holidays

    events: list[Event] = []
    for code in codes:
        country, _, part = code.partition("-")
        found = holidays.country_holidays(country, subdiv=part or None, years=year)
        events += [Event(found[d], d, d, Category.HOLIDAY, code) for d in sorted(found)]
    return events
