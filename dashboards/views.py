"""View models of a model's page: computed values that the templates only lay out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboards import lines, timeline
from dashboards.alerting import PAGE, Alert
from dashboards.announced import Occasion, occasions
from dashboards.charts import Axis, Tick
from dashboards.days import Day
from dashboards.heatmap import HeatMap, heatmap
from dashboards.lately import Entry, lately
from dashboards.lines import Chart
from dashboards.promotion import Rollout
from dashboards.story import Story, story
from dashboards.timeline import Row
from engine.journal import Record
from engine.store import parse_instant
from fleet.document.policies import Watched
from monitoring.metrics import Task

STALE = timedelta(days=31)
#: A loss and a gain of each task, as a model's page draws them.
SHOWN = {Task.CLASSIFICATION: ("brier", "auc"), Task.REGRESSION: ("mae", "r2")}
LOOKS = {
    word: look
    for look, words in {
        "good": ("stable", "healthy", "passed", "promoted", "cleared", "succeeded"),
        "warn": ("drifting", "stopped", "ticket", "cancelled"),
        "bad": ("drifted", "degraded", "failed", "rolled_back", "page", "rejected", "timed_out"),
    }.items()
    for word in words
}


@dataclass(frozen=True)
class Pill:
    """A state in one word, and its look: good, warn, bad or none."""

    about: str
    word: str
    look: str


@dataclass(frozen=True)
class ModelView:
    """One model's page; `pictures` is None until the first window."""

    name: str
    zone: str
    champion: str
    since: datetime | None
    baseline: str | None
    pills: tuple[Pill, ...]
    warnings: tuple[str, ...]
    awaited: str
    firing: tuple[Alert, ...]
    under_way: Rollout | None
    latest: Day | None
    story: Story
    pictures: Pictures | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Pictures:
    """The drawings over one axis of days."""

    ticks: tuple[Tick, ...]
    days: int
    serving: tuple[Row, ...]
    performance: tuple[Chart, ...]
    calendar: tuple[Row, ...]
    heat: HeatMap
    scores: Chart
    alerts: tuple[Row, ...]
    occasions: tuple[Occasion, ...]


def look(word: str | None) -> str:
    """Return the look of a verdict or outcome: good, warn, bad or none."""
    return LOOKS.get(word or "", "none")


def model(
    watched: Watched, state: dict[str, Any], records: Sequence[Record], now: datetime
) -> ModelView:
    """Return the view of a model's page.

    Parameters
    ----------
    state : the model as `fleet.read.model` gives it.
    records : its whole journal.
    """
    told = story(records)
    firing = tuple(alert for alert in told.alerts if alert.resolved is None)
    open_rollouts = [rollout for rollout in told.rollouts if rollout.outcome is None]
    return ModelView(
        name=watched.name,
        zone=watched.zone,
        champion=state["champion"] or watched.policy.serving.champion,
        since=parse_instant(state["since"]) if state["since"] else None,
        baseline=watched.policy.serving.baseline,
        pills=pills(told.days, firing),
        warnings=_warnings(watched.name, state, now),
        awaited=_awaited(told, watched),
        firing=firing,
        under_way=open_rollouts[-1] if open_rollouts else None,
        latest=told.days[-1] if told.days else None,
        story=told,
        pictures=_pictures(watched, told, now) if told.days else None,
        entries=lately(records),
    )


def pills(days: Sequence[Day], firing: Sequence[Alert]) -> tuple[Pill, ...]:
    """Return a model's state as pills: alerts, drift of the newest window, performance."""
    verdict = next((day.verdict for day in reversed(days) if day.verdict), None)
    health = next((day.health for day in reversed(days) if day.health), None)
    return (
        alert_pill([alert.severity for alert in firing], bool(days)),
        Pill("drift", verdict or "no window yet", look(verdict)),
        Pill("performance", health or "no labels yet", look(health)),
    )


def alert_pill(severities: Sequence[str], watching: bool) -> Pill:
    """Return the pill of firing alerts; before the first window, none firing is not good news."""
    pages = list(severities).count(PAGE)
    if pages:
        return Pill("alerts", f"{pages} paging", "bad")
    if severities:
        return Pill("alerts", f"{len(severities)} open", "warn")
    return Pill("alerts", "none firing", "good" if watching else "none")


def _warnings(name: str, state: dict[str, Any], now: datetime) -> tuple[str, ...]:
    found = []
    if state["halted"]:
        advice = f"fix the cause, then: driftwarden resume {name}"
        found.append(f"Halted: {state['halted']}; {advice}")
    if state["dormant"]:
        found.append("Dormant: this model is no longer in fleet.yaml.")
    found += [
        f"Frozen until {timeline.stamp(until)} by {freeze['by']}: {freeze['reason']}"
        for freeze in state["freezes"]
        if (until := parse_instant(freeze["until"])) > now
    ]
    return tuple(found)


def _awaited(told: Story, watched: Watched) -> str:
    """Say which input the model waits for before it has a window to show."""
    if told.days:
        return ""
    if not told.records:
        return "No journal yet: start the service with this fleet.yaml."
    if "reference" not in told.counts:
        data = watched.policy.reference.data
        return f"Waiting for the reference, which is being built from {data}."
    if "read" not in told.counts:
        return f"Waiting for the first log file of endpoint {watched.policy.logs.endpoint}."
    return "Waiting for the end of the first day; its window is then assessed and shown here."


def _pictures(watched: Watched, told: Story, now: datetime) -> Pictures:
    policy, days = watched.policy, [day.day for day in told.days]
    today = now.date()
    # After the last window of a silent stream, days up to today stay blank.
    known = [*days, today] if timedelta(0) < today - days[-1] <= STALE else days
    axis = Axis.over(known, watched.zone)
    width = policy.performance.rolling_days
    loss, gain = SHOWN[policy.performance.task]
    return Pictures(
        ticks=axis.ticks(),
        days=axis.days,
        serving=timeline.serving(told, axis, now, watched.name),
        performance=(
            lines.performance(told.days, axis, loss, width),
            lines.performance(told.days, axis, gain, width),
        ),
        calendar=timeline.calendar(told.days, axis),
        heat=heatmap(told.days, axis),
        scores=lines.score_drift(told.days, axis, policy.drift.score_threshold),
        alerts=tuple(timeline.alerts(told, axis, now)),
        occasions=occasions(told.days, told.events),
    )
