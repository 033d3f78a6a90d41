"""The document of a backtest, as `backtest --json` prints it."""

from __future__ import annotations

from typing import TypedDict


class Alerted(TypedDict):
    """How many alerts would have been sent."""

    pages: int
    tickets: int
    pages_a_month: float
    tickets_a_month: float


class Alerts(TypedDict):
    """The alerts under the thresholds as they are, and under those proposed."""

    now: Alerted
    proposed: Alerted


class Granted(TypedDict):
    """The budget of pages, and how many it allows over the played days."""

    pages: float
    days: float
    allowed: int


class RuleCounts(TypedDict):
    """How often a rule fires: on how many days, and on how many features over all days."""

    rule: str
    windows: int
    windows_a_month: float
    feature_windows: int


class FeatureCounts(TypedDict):
    """One feature: its thresholds, its largest effect, and the days on which each rule fires."""

    name: str
    threshold: float
    proposed: float | None
    largest: float | None
    drifted: int
    windows: dict[str, int]


class Series(TypedDict):
    """Everything by day, for drawings; `pages` and `tickets` name the assessed days."""

    days: list[str]
    events: list[str | None]
    pages: list[str]
    tickets: list[str]
    merged: dict[str, list[float | None]]
    fired: dict[str, list[int]]


class Backtest(TypedDict):
    """A backtest of one model."""

    model: str
    first: str
    last: str
    windows: int
    months: float
    calibrated: bool
    notes: list[str]
    budget: Granted
    alerts: Alerts
    rules: list[RuleCounts]
    features: list[FeatureCounts]
    series: Series
