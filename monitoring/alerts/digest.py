"""When a team's digests are due: one a day, and one a week, each at an hour of the team's zone.

The day is the key of a digest. Where nothing ran at its hour it is made later, and one that was
missed altogether is told by the next, which reaches back to the last that was made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import Field, field_validator

import engine.policy
from engine.policy import ShortText
from monitoring.calendars import WEEKDAYS, Weekday
from monitoring.near import near

DAY = timedelta(days=1)
TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class Policy(engine.policy.Policy):
    """A team's digest: where it goes, and when."""

    receiver: ShortText = Field(description="Receiver of the digests; one of `receivers`.")
    at: str = Field(
        "08:00",
        max_length=5,
        description="Time of day, in quotes, as '08:00'; where clocks leave it out, after the gap.",
    )
    weekly: Weekday | None = Field(
        "monday", description="Day of the digest of the week; null: of days alone."
    )
    zone: ShortText = Field("UTC", description="IANA zone of the time and the day.")

    @field_validator("at", mode="before")
    @classmethod
    def _time_of_day(cls, at: object) -> object:
        # YAML reads 10:30 without quotes as a number of minutes.
        if not isinstance(at, str) or TIME.fullmatch(at) is None:
            raise ValueError("a time of day from '00:00' to '23:59' is expected, in quotes")
        return at

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            return ZoneInfo(zone).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            hint = near(zone, available_timezones())
            raise ValueError(f"{zone}: unknown zone{hint}") from error

    def moment(self, day: date) -> datetime:
        """When the digest of a day is due; an hour that a day has twice is its first."""
        at = time.fromisoformat(self.at)
        return datetime.combine(day, at, ZoneInfo(self.zone)).astimezone(UTC)

    def last(self, now: datetime) -> date:
        """The last day whose digest is due."""
        day = now.astimezone(ZoneInfo(self.zone)).date()
        return day if self.moment(day) <= now else day - DAY


@dataclass(frozen=True)
class Told:
    """The days of the last digests, daily and weekly, that were owed; empty for none yet."""

    day: str
    week: str = ""


@dataclass(frozen=True)
class Due:
    """A digest that is due: of what happened from `since` to `until`.

    `missed` counts those before it that were never made, because nothing ran.
    """

    day: str
    since: datetime
    until: datetime
    missed: int = 0
    weekly: bool = False


@dataclass(frozen=True)
class Step:
    """The last digests after a step, those that are due now, and when the next one is."""

    told: Told
    due: tuple[Due, ...]
    wake_at: datetime


def step(told: Told | None, policy: Policy, now: datetime) -> Step:
    """Return what is due; the first step of a team begins its days, and owes nothing."""
    day = policy.last(now)
    week = _week(policy, day)
    if told is None:
        return Step(Told(day.isoformat(), week), (), policy.moment(day + DAY))
    found = []
    if told.day < day.isoformat():
        found.append(_due(policy, told.day, day, 1))
    if told.week and told.week < week:
        found.append(_due(policy, told.week, date.fromisoformat(week), 7))
    newest = max(told.day, day.isoformat())
    after = Told(newest, max(told.week, week) if week else "")
    return Step(after, tuple(found), policy.moment(date.fromisoformat(newest) + DAY))


def _week(policy: Policy, day: date) -> str:
    if policy.weekly is None:
        return ""
    back = (day.weekday() - WEEKDAYS.index(policy.weekly)) % 7
    return (day - back * DAY).isoformat()


def _due(policy: Policy, last: str, day: date, every: int) -> Due:
    before = date.fromisoformat(last)
    missed = max((day - before).days - 1, 0) // every
    since, until = policy.moment(before), policy.moment(day)
    return Due(day.isoformat(), since, until, missed, weekly=every > 1)
