"""The view model of the fleet's page: one row per model, models with alerts on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboards.charts import Axis, Scale, curve
from dashboards.days import Day
from dashboards.lines import WORDS, rolling
from dashboards.story import story
from dashboards.views import SHOWN, Pill, alert_pill, look
from engine.journal import Record

SPARK_DAYS = 28
RECORDS = 1000
LOUDNESS = ("bad", "warn", "none", "good")


@dataclass(frozen=True)
class Spark:
    """A sparkline of four weeks: a rolling loss, and a strip of daily verdicts."""

    days: int
    served: str
    frozen: str
    drift: tuple[tuple[float, str], ...]
    health: tuple[tuple[float, str], ...]
    label: str
    loss: str


@dataclass(frozen=True)
class ModelRow:
    """One model."""

    name: str
    champion: str
    since: str
    alerts: Pill
    firing: tuple[str, ...]
    drift: Pill
    health: Pill
    rollout: str
    run: str
    latest: str
    rows: int
    spark: Spark | None


@dataclass(frozen=True)
class FleetView:
    """All models, the firing alerts, and the numbers of paging, open and rolling-out models.

    `halted` are partitions that were stopped by a defect, and `unreachable` receivers that pages
    do not get to, both as `fleet.health` gives them.
    """

    models: tuple[ModelRow, ...]
    paging: int
    open: int
    rollouts: int
    alerts: tuple[dict[str, Any], ...]
    halted: tuple[dict[str, Any], ...]
    unreachable: tuple[dict[str, Any], ...]


def fleet(
    states: Sequence[dict[str, Any]],
    journals: Mapping[str, Sequence[Record]],
    alerts: Sequence[dict[str, Any]],
    rolling_days: Mapping[str, int],
    halted: Sequence[dict[str, Any]] = (),
    unreachable: Sequence[dict[str, Any]] = (),
) -> FleetView:
    """Return what the fleet's page shows.

    Parameters
    ----------
    states, alerts : as `fleet.read` gives them.
    halted, unreachable : as `fleet.health` gives them.
    journals : the newest records of each model, four weeks of windows are shown.
    rolling_days : over how many days each model's performance is averaged.
    """
    models = [_row(s, journals[s["name"]], rolling_days[s["name"]]) for s in states]
    models.sort(key=_urgency)
    firing = [alert for alert in alerts if alert["firing"]]
    firing.sort(key=lambda alert: (alert["severity"] != "page", str(alert["at"])))
    return FleetView(
        tuple(models),
        paging=sum(model.alerts.look == "bad" for model in models),
        open=sum(model.alerts.look == "warn" for model in models),
        rollouts=sum(bool(model.rollout) for model in models),
        alerts=tuple(firing),
        halted=tuple(halted),
        unreachable=tuple(unreachable),
    )


def _urgency(row: ModelRow) -> tuple[int, int, int, str]:
    places = (LOUDNESS.index(pill.look) for pill in (row.alerts, row.health, row.drift))
    alerts, health, drift = places
    return alerts, health, drift, row.name


def _row(state: dict[str, Any], records: Sequence[Record], width: int) -> ModelRow:
    days = story(records).days
    latest = days[-1] if days else None
    health = next((day.health for day in reversed(days) if day.health), None)
    rollout = state["rollout"]
    severities = [alert["severity"] for alert in state["firing"]]
    return ModelRow(
        name=state["name"],
        champion=state["champion"],
        since=(state["since"] or "")[:10],
        alerts=alert_pill(severities, bool(state["latest_window"])),
        firing=tuple(alert["id"] for alert in state["firing"]),
        drift=Pill("drift", state["verdict"] or "no window yet", look(state["verdict"])),
        health=Pill("performance", health or "no labels yet", look(health)),
        rollout=f"{rollout['challenger']}: {rollout['phase']}" if rollout else "",
        run=state["run"] or "",
        latest=state["latest_window"] or "",
        rows=latest.rows if latest else 0,
        spark=spark(days, width) if latest else None,
    )


def spark(days: Sequence[Day], width: int) -> Spark:
    """Draw the last four known weeks."""
    end = days[-1].day
    axis = Axis(date.fromordinal(end.toordinal() - SPARK_DAYS + 1), SPARK_DAYS, "UTC")
    losses = [loss for loss, _ in SHOWN.values()]
    metric = next((one for one in losses if any(one in d.served for d in days)), losses[0])
    served = rolling(days, lambda day: day.served, metric, width)
    frozen = rolling(days, lambda day: day.baseline, metric, width)
    shown = [day for day in days if axis.holds(day.day)]
    known = [
        value
        for day in shown
        for value in (served[day.day.isoformat()], frozen[day.day.isoformat()])
        if value is not None
    ]
    scale = Scale.over(known)
    lines = [
        curve([(axis.place(d.day) + 0.5, line[d.day.isoformat()]) for d in shown], scale)
        for line in (served, frozen)
    ]
    verdicts = [day.verdict or "insufficient" for day in shown]
    drifted, degraded = verdicts.count("drifted"), [d.health for d in shown].count("degraded")
    return Spark(
        days=SPARK_DAYS,
        served=lines[0],
        frozen=lines[1],
        drift=tuple((axis.place(day.day), look(day.verdict)) for day in shown),
        health=tuple((axis.place(day.day), look(day.health)) for day in shown),
        label=f"Last {len(shown)} windows: {drifted} drifted, {degraded} degraded",
        loss=WORDS[metric][0],
    )
