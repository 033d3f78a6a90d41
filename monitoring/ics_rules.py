"""Recurrence rules that may be expanded: of days, matching at least one, in bounded time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from monitoring.ics_lines import BROKEN

#: Events lie within these years, so that no sum of a date and a duration overflows.
FIRST_YEAR, LAST_YEAR = 1900, 2199
#: The calendar repeats after so many years, weekdays included.
CYCLE = 400
DAYS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
TIMES = ("BYHOUR", "BYMINUTE", "BYSECOND")
FILTERS = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYSETPOS")
KNOWN = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", *TIMES, *FILTERS)
#: Time that a rule costs for a day that it passes over, in units of about 5 µs.
COST = {"DAILY": 1.0, "WEEKLY": 0.3, "MONTHLY": 0.025, "YEARLY": 0.025}
USE = f"write FREQ={', '.join(DAYS[:-1])} or {DAYS[-1]}"

#: The parts of a rule as the package reads them: a list of values by name.
Rule = Mapping[str, Any]


def rule_faults(rule: Rule, start: date) -> Iterator[str]:
    """Yield what keeps a rule that begins at `start` from being expanded."""
    frequency = [str(one) for one in _values(rule, "FREQ")]
    if len(frequency) != 1:
        yield f"FREQ is {'missing' if not frequency else 'given twice'}; {USE}"
        return
    if frequency[0] not in DAYS:
        yield f"FREQ={frequency[0]}: events are kept by day; {USE}"
        return
    if unknown := [name for name in rule if name.upper() not in KNOWN]:
        yield f"{unknown[0]}: unknown part; known are {', '.join(KNOWN)}"
        return
    for name in TIMES:
        if len(_values(rule, name)) > 1:
            yield f"{name}: several times a day; events are kept by day, give one"
            return
    for name in ("INTERVAL", "COUNT"):
        if any(int(one) < 1 for one in _values(rule, name)):
            yield f"{name}={_values(rule, name)[0]}: write 1 or more"
            return
    if "COUNT" in rule and "UNTIL" in rule:
        yield "COUNT and UNTIL exclude each other; give one of them"
        return
    try:
        if not _matches(rule, start):
            yield "it matches no day"
    except BROKEN as error:
        yield f"cannot be expanded: {error}"


def bounded(rule: Rule, start: date) -> dict[str, Any]:
    """Return the parts of a rule that ends with LAST_YEAR at the latest.

    A rule that has a COUNT ends by itself, because it matches.
    """
    parts = dict(rule)
    if "COUNT" not in rule:
        until = _values(rule, "UNTIL")[:1] or [date(LAST_YEAR, 12, 31)]
        parts["UNTIL"] = [min(_like(until[0], start), _like(date(LAST_YEAR, 12, 31), start))]
    return parts


def cost(rule: Rule, start: date, through: int) -> float:
    """Estimate the time to expand a rule up to a year, in units of about 5 µs."""
    frequency = str(_values(rule, "FREQ")[0])
    # A daily rule with filters may pass over all days up to its end to find the next one.
    sparse = frequency == "DAILY" and any(name in rule for name in FILTERS)
    years = (LAST_YEAR if sparse else through) - start.year + 1
    interval = int(_values(rule, "INTERVAL")[0]) if "INTERVAL" in rule else 1
    return max(0, years) * 366 * COST[frequency] / (interval if frequency == "DAILY" else 1)


def _values(rule: Rule, name: str) -> Sequence[Any]:
    found = rule.get(name, ())
    return found if isinstance(found, list | tuple) else [found]


def _matches(rule: Rule, start: date) -> bool:
    """Tell whether a rule matches any day in the next centuries; it is asked in the last cycle.

    A rule without a match is expanded to the end of the calendar, the year 9999: there it is near.
    """
    from dateutil.rrule import rrulestr
    from icalendar import vRecur

    plain: Any = vRecur({name: rule[name] for name in rule if name not in ("COUNT", "UNTIL")})
    text = plain.to_ical().decode()
    cycles = (datetime.max.year - start.year) // CYCLE
    late = start.replace(year=start.year + cycles * CYCLE)
    return next(iter(rrulestr(text, dtstart=_naive(late))), None) is not None


def _naive(moment: date) -> datetime:
    if isinstance(moment, datetime):
        return moment.replace(tzinfo=None)
    return datetime.combine(moment, time())


def _like(moment: date, start: date) -> date:
    """Return a rule's end as a value of the type that its start demands."""
    if not isinstance(start, datetime):
        return moment.date() if isinstance(moment, datetime) else moment
    if not isinstance(moment, datetime):
        # The whole of the last day belongs to the rule.
        moment = datetime.combine(moment, time()) + timedelta(days=1, seconds=-1)
    if start.tzinfo is None:
        return moment.replace(tzinfo=None)
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=start.tzinfo)
    return aware.astimezone(UTC)
