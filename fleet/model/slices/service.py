"""The service: how far its objectives are measured, and when it last had requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fleet.model.records import TrafficCount
from monitoring.slo.forecast import Sample
from monitoring.traffic import Heard, Verdict


@dataclass(frozen=True)
class Objectives:
    """How far the service-level objectives are measured.

    `budgets` are what was left of each error budget lately, one sample a day.
    """

    history: str = ""
    at: datetime | None = None
    asked: datetime | None = None
    counts: tuple[TrafficCount, ...] = ()
    fresh_at: datetime | None = None
    fresh_was: datetime | None = None
    budgets: dict[str, tuple[Sample, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Silence:
    """Requests heard by hour, and when there being no more of them would be silence.

    `late` is how many seconds after its end an hour is heard of, at most, by day of arrival;
    `counted_to` how far a log service has counted; `waited` since when a silence that was due
    while nobody looked is given time.
    """

    heard: Heard = field(default_factory=Heard)
    late: dict[str, int] = field(default_factory=dict)
    counted_to: datetime | None = None
    due: datetime | None = None
    waited: datetime | None = None
    verdict: Verdict | None = None
