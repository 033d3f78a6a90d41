"""The page of a backtest: counts, and every feature's effect by day under its thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboards.charts import HEIGHT, Axis, Scale, Tick, curve, number

DRAWN = 40


@dataclass(frozen=True)
class Lane:
    """One rule: a bar for each day on which it fired, as high as the share of its features."""

    name: str
    windows: int
    path: str


@dataclass(frozen=True)
class Drawing:
    """One feature's effect by day; `levels` are the heights of the two thresholds."""

    name: str
    path: str
    ticks: tuple[Tick, ...]
    threshold: float
    proposed: float | None
    levels: tuple[float, float | None]


@dataclass(frozen=True)
class View:
    """The values that the template shows."""

    found: Mapping[str, Any]
    days: int
    ticks: tuple[Tick, ...]
    grid: str
    lanes: tuple[Lane, ...]
    pages: str
    tickets: str
    events: str
    drawings: tuple[Drawing, ...]
    left_out: int


def view(found: Mapping[str, Any]) -> View:
    """Lay a backtest's document out."""
    series = found["series"]
    days = [date.fromisoformat(day) for day in series["days"]]
    axis = Axis.over(days, "UTC")
    features = len(found["features"])
    lanes = tuple(
        Lane(
            rule["rule"],
            rule["windows"],
            _bars(axis, days, series["fired"][rule["rule"]], features),
        )
        for rule in found["rules"]
    )
    marked = {
        what: _bars(axis, days, [int(day in series[what]) for day in series["days"]], 1)
        for what in ("pages", "tickets")
    }
    moved = [one for one in found["features"] if any(one["windows"].values())]
    return View(
        found=found,
        days=axis.days,
        ticks=axis.ticks(),
        grid="".join(f"M{number(tick.at * axis.days / 100)} 0V{HEIGHT}" for tick in axis.ticks()),
        lanes=lanes,
        pages=marked["pages"],
        tickets=marked["tickets"],
        events=_bars(axis, days, [int(bool(event)) for event in series["events"]], 1),
        drawings=tuple(_drawing(one, axis, days, series["merged"]) for one in moved[:DRAWN]),
        left_out=features - len(moved[:DRAWN]),
    )


def _bars(axis: Axis, days: Sequence[date], counts: Sequence[int], most: int) -> str:
    """Rectangles one day wide; the smallest count still gives a visible height."""
    parts = []
    for day, count in zip(days, counts, strict=True):
        if count and axis.holds(day):
            height = max(HEIGHT * count / most, HEIGHT / 5)
            parts.append(f"M{number(axis.place(day))} {HEIGHT}v-{number(height)}h1V{HEIGHT}z")
    return "".join(parts)


def _drawing(
    one: Mapping[str, Any], axis: Axis, days: Sequence[date], merged: Mapping[str, Any]
) -> Drawing:
    values = merged[one["name"]]
    known = [value for value in values if value is not None]
    scale = Scale.over([*known, one["threshold"], *filter(None, [one["proposed"]])], log=True)
    points = [
        (axis.place(day) + 0.5, value)
        for day, value in zip(days, values, strict=True)
        if axis.holds(day)
    ]
    proposed = scale.place(one["proposed"]) if one["proposed"] is not None else None
    return Drawing(
        one["name"],
        curve(points, scale),
        scale.ticks(),
        one["threshold"],
        one["proposed"],
        (scale.place(one["threshold"]), proposed),
    )
