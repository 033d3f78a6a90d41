"""Silence of an endpoint: its requests by hour, compared with the same hours of earlier weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

import engine.policy
from engine.duration import Duration
from monitoring.drift.wording import percent
from monitoring.hours import HOUR, WEEK, History, Rules, Special

#: Hours that are kept: one week more than a silence is ever compared with.
KEPT = 6 * WEEK
QUIET_HOURS = 3
#: Lengths of silence tried first, in hours; then those between the last two of them.
LENGTHS = (1, 2, 3, 4, 6, 9, 12, 15, 18, 24, 36, 48, 60, 72, 96, 120, 144, WEEK)


class Policy(engine.policy.Policy):
    """When missing requests count as a silence."""

    silence: bool = Field(
        True, description="If yes, missing requests in the endpoint's traffic log page."
    )
    weeks: int = Field(
        5,
        ge=2,
        le=5,
        description="Weeks of history: an hour is compared with the same hour in each.",
    )
    min_weeks: int = Field(
        2, ge=2, le=5, description="Weeks of history below which there is no verdict."
    )
    level: float = Field(
        3e-4,
        ge=1e-12,
        lt=0.01,
        description="Probability, under the usual traffic, at or below which a silence pages.",
    )
    lag: Duration = Field(
        timedelta(minutes=10),
        description="Wait for an hour's requests after its end, beyond the usual delay.",
    )
    event_share: float = Field(
        0.1,
        ge=0.001,
        le=1,
        description="Share of the usual requests that is expected on the days of an event.",
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.min_weeks > self.weeks:
            raise ValueError(f"min_weeks {self.min_weeks} is never reached in weeks {self.weeks}")
        return self


class Verdict(StrEnum):
    """The verdict on the newest hours; `INSUFFICIENT` is never good news."""

    NORMAL = "normal"
    QUIET = "quiet"
    SILENT = "silent"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Heard:
    """Requests by hour: `counts[i]` are those of hour `first + i`, hours counted since 1970 UTC."""

    first: int = 0
    counts: tuple[int, ...] = ()

    @property
    def last(self) -> int | None:
        """The newest hour with a request in it."""
        for back, count in enumerate(reversed(self.counts)):
            if count:
                return self.first + len(self.counts) - 1 - back
        return None

    def plus(self, requests: Mapping[int, int]) -> Heard:
        """Add requests by hour, and drop hours older than the newest `KEPT`."""
        if not requests:
            return self
        ends = [max(requests), *([self.first + len(self.counts) - 1] if self.counts else [])]
        starts = [min(requests), *([self.first] if self.counts else [])]
        first = max(min(starts), max(ends) - KEPT + 1)
        counts = [0] * (max(ends) - first + 1)
        known = {self.first + i: count for i, count in enumerate(self.counts)}
        for found in (known, requests):
            for hour, count in found.items():
                if hour >= first:
                    counts[hour - first] += count
        return Heard(first, tuple(counts))


@dataclass(frozen=True)
class Finding:
    """A verdict on the newest hours; `since` is the last hour with requests before a silence."""

    verdict: Verdict
    reason: str
    since: datetime | None = None
    expected: float | None = None


def judge(heard: Heard, until: int, policy: Policy, zone: str, special: Special) -> Finding:
    """Judge the whole hours before `until` (hours since 1970).

    special: whether a local day belongs to an event; its requests are not part of the usual ones,
    and fewer are expected on it.
    """
    last = heard.last
    if last is None:
        return Finding(Verdict.INSUFFICIENT, "no request has been counted yet")
    history = _history(heard, last, policy, zone, special)
    if history.weeks < policy.min_weeks:
        return Finding(
            Verdict.INSUFFICIENT,
            f"the history of requests is {history.hours / WEEK:.1f} weeks long, "
            f"{policy.min_weeks} are needed",
        )
    length = min(until - last - 1, WEEK)
    if length > 0:
        chance, expected = history.silence(length)
        if chance <= policy.level:
            return _silent(last, length, expected)
    return _quiet(heard, until, history, policy)


def due(heard: Heard, policy: Policy, zone: str, special: Special) -> int | None:
    """The first hour at which missing requests count as silence, if none comes from now on.

    None where there is too little history, or too little traffic to decide within a week.
    """
    last = heard.last
    if last is None:
        return None
    history = _history(heard, last, policy, zone, special)
    if history.weeks < policy.min_weeks:
        return None
    shorter = 0
    for length in LENGTHS:
        if history.silence(length)[0] <= policy.level:
            between = range(shorter + 1, length)
            exact = (hours for hours in between if history.silence(hours)[0] <= policy.level)
            return last + 1 + next(exact, length)
        shorter = length
    return None


def moment(hour: int) -> datetime:
    """The instant at which an hour begins."""
    return datetime.fromtimestamp(hour * HOUR, UTC)


def hour_of(instant: datetime) -> int:
    """The hour that an instant lies in."""
    return int(instant.timestamp() // HOUR)


def _history(heard: Heard, last: int, policy: Policy, zone: str, special: Special) -> History:
    counts = heard.counts[: last - heard.first + 1]
    rules = Rules(policy.weeks, policy.min_weeks, policy.event_share)
    return History(heard.first, counts, rules, zone, special)


def _silent(last: int, length: int, expected: float) -> Finding:
    return Finding(
        Verdict.SILENT,
        f"no request since {moment(last + 1):%Y-%m-%d %H:%M} UTC, about {expected:,.0f} were "
        f"expected in {length} h; check the callers: an expired credential is a frequent cause",
        moment(last),
        expected,
    )


def _quiet(heard: Heard, until: int, history: History, policy: Policy) -> Finding:
    counts = [_count(heard, hour) for hour in range(until - QUIET_HOURS, until)]
    while counts and not counts[0]:
        # Empty hours before the first request belong to a silence, not to low traffic.
        counts.pop(0)
    if counts:
        chance, expected = history.fewer(until, len(counts), sum(counts))
        if chance <= policy.level and sum(counts) < expected / 2:
            reason = (
                f"{sum(counts):,} requests in the {len(counts)} h up to "
                f"{moment(until):%Y-%m-%d %H:%M} UTC, about {expected:,.0f} were expected "
                f"({percent(sum(counts) / expected)})"
            )
            return Finding(Verdict.QUIET, reason, None, expected)
    return Finding(Verdict.NORMAL, "requests are as usual")


def _count(heard: Heard, hour: int) -> int:
    place = hour - heard.first
    return heard.counts[place] if 0 <= place < len(heard.counts) else 0
