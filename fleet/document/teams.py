"""The teams of fleet.yaml with what they refer to: rotations, calendars, and who escalates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from engine.errors import Refused
from fleet.document.faults import suggestion
from fleet.document.receivers import Delegating, Receiver
from fleet.document.references import Known, Source
from fleet.document.text import Path, Problem, Text
from monitoring import ics
from monitoring.alerts import rotation
from monitoring.alerts.duty import Duty
from monitoring.alerts.group import Policy as TeamPolicy
from monitoring.alerts.rotation import ROTATION, Rotation
from monitoring.calendars import WEEKDAYS, Calendar, calendar
from monitoring.calendars import Policy as CalendarPolicy

#: How far ahead a rotation is searched for times without anybody.
AHEAD = timedelta(days=28)


def delegates(receivers: Mapping[str, Receiver]) -> frozenset[str]:
    """Return the receivers that escalate themselves."""
    found = receivers.items()
    return frozenset(n for n, one in found if isinstance(one, Delegating) and one.delegate)


def duty(
    source: Source, known: Known, name: str, policy: TeamPolicy, delegating: frozenset[str]
) -> tuple[Duty, list[Problem]]:
    """Return a team with what it refers to, and what is wrong with that."""
    found = list(_chain_faults(source.text, name, policy, known.receivers))
    own, wrong = _calendar(source.text, known, name, policy)
    found += wrong
    shifts, wrong = _rotation(source, name, policy, own.policy.zone)
    return Duty(policy, own, shifts, delegating), [*found, *wrong]


def gaps(text: Text, name: str, team: Duty, now: datetime) -> Iterator[Problem]:
    """Yield a note where nobody is on call at some time in the next weeks."""
    spans = list(team.rotation.gaps(now, now + AHEAD)) if team.rotation is not None else []
    if spans:
        begin, end = spans[0]
        more = f", and {len(spans) - 1} more times" if len(spans) > 1 else ""
        told = f"from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC{more}"
        yield text.problem(
            ("teams", name, "rotation", "ics"),
            f"nobody is on call {told}, in the next {AHEAD.days} days; a page then goes to the "
            "next receiver at once",
        )


def _chain_faults(
    text: Text, name: str, policy: TeamPolicy, receivers: Collection[str]
) -> Iterator[Problem]:
    named = ROTATION in (*policy.page, *policy.ticket)
    if policy.rotation is None:
        if named and ROTATION not in receivers:
            field = "page" if ROTATION in policy.page else "ticket"
            told = "`rotation` is who is on call: add `rotation` with an .ics file to the team"
            yield text.problem(("teams", name, field), told)
        return
    at: Path = ("teams", name, "rotation")
    if ROTATION in receivers:
        told = "a receiver has the name `rotation`, which stands for who is on call; rename it"
        yield text.problem(at, told)
    if not named:
        yield text.problem(at, "nothing uses it; put `rotation` into `page` or `ticket`")
    if set(policy.page) == {ROTATION}:
        told = "a page has to reach somebody while nobody is on call; add a receiver to `page`"
        yield text.problem(("teams", name, "page"), told)
    for who, receiver in policy.rotation.people.items():
        if receiver not in receivers:
            hint = suggestion(receiver, receivers)
            yield text.problem((*at, "people", who), f"no receiver {receiver!r}{hint}")


def _calendar(
    text: Text, known: Known, name: str, policy: TeamPolicy
) -> tuple[Calendar, list[Problem]]:
    own = known.read.get(policy.calendar or "") or calendar(CalendarPolicy())
    found = []
    if policy.calendar is not None and policy.calendar not in known.calendars:
        hint = suggestion(policy.calendar, known.calendars)
        at: Path = ("teams", name, "calendar")
        found.append(text.problem(at, f"no calendar {policy.calendar!r}{hint}"))
    if policy.hours is not None and set(own.policy.weekend) == set(WEEKDAYS):
        told = "every day of the team's calendar is a weekend, so that tickets would wait for ever"
        found.append(text.problem(("teams", name, "hours"), told))
    return own, found


def _rotation(
    source: Source, name: str, policy: TeamPolicy, zone: str
) -> tuple[Rotation | None, list[Problem]]:
    if policy.rotation is None:
        return None, []
    try:
        found = rotation.read(policy.rotation, source.read(policy.rotation.ics), zone)
        ics.check(found.file, source.years)
    except Refused as error:
        at: Path = ("teams", name, "rotation", "ics")
        return None, [source.text.problem(at, line) for line in str(error).splitlines()]
    return found, []
