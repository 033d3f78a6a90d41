"""Line charts of the pages: rolling performance and the drift of scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from dashboards.charts import Axis, Scale, Tick, curve
from dashboards.days import Day, Measures
from dashboards.heatmap import Column

SERVED, FROZEN = "served", "frozen"
#: A metric's name on the page, and which direction is better.
WORDS = {
    "brier": ("Brier score", "lower"),
    "auc": ("AUC", "higher"),
    "mae": ("Mean absolute error", "lower"),
    "r2": ("R²", "higher"),
}
Points = list[tuple[float, float | None]]


@dataclass(frozen=True)
class Curve:
    """One line: its name, its look, its path, and its newest value."""

    name: str
    look: str
    path: str
    latest: float | None


@dataclass(frozen=True)
class Chart:
    """Lines over the days; `rule` is the height in percent of a limit that is drawn across.

    `awaited` says what is missing while there is nothing to draw.
    """

    title: str
    note: str
    curves: tuple[Curve, ...]
    ticks: tuple[Tick, ...]
    columns: tuple[Column, ...]
    label: str
    rule: float | None = None
    awaited: str = ""


def rolling(
    days: Sequence[Day], of: Callable[[Day], Measures], metric: str, width: int
) -> Measures:
    """Return by ISO day the mean of a metric over the `width` days that end there, by labels.

    For the Brier score that is the score of all these rows; for the AUC it is the mean of the
    days' own.
    """
    found: dict[str, float | None] = {}
    for place, day in enumerate(days):
        within = [
            (past.labelled, value)
            for past in days[max(0, place - width + 1) : place + 1]
            if day.day - past.day < timedelta(days=width)
            and (value := of(past).get(metric)) is not None
        ]
        labels = sum(count for count, _ in within)
        found[day.day.isoformat()] = (
            sum(count * value for count, value in within) / labels if labels else None
        )
    return found


def performance(days: Sequence[Day], axis: Axis, metric: str, width: int) -> Chart:
    """Draw a metric of the served predictions beside the frozen champion's."""
    known = [day for day in days if axis.holds(day.day)]
    served = rolling(known, lambda day: day.served, metric, width)
    frozen = rolling(known, lambda day: day.baseline, metric, width)
    values = [v for v in (*served.values(), *frozen.values()) if v is not None]
    scale = Scale.over(values)
    words, better = WORDS[metric]
    curves = tuple(
        Curve(name, look, curve(_points(line, known, axis), scale), _latest(line))
        for name, look, line in (("frozen", FROZEN, frozen), ("served", SERVED, served))
        if any(value is not None for value in line.values())
    )
    return Chart(
        title=words,
        note=f"{width} days, {better} is better",
        curves=curves,
        ticks=scale.ticks() if values else (),
        columns=tuple(
            Column(
                int(axis.place(day.day)),
                f"{day.day}: {_words('served', served, day)}{_words('frozen', frozen, day)}"
                f"{day.labelled:,} of {day.expected:,} labels, {day.health}",
            )
            for day in known
            if day.health is not None
        ),
        label=f"{words} over {width} days: {_summary(curves)}",
        awaited="" if values else "Waiting for labels; a day is joined when its labels arrive.",
    )


def score_drift(days: Sequence[Day], axis: Axis, limit: float) -> Chart:
    """Draw how far the champion's scores of seven windows moved from its usual ones."""
    known = [day for day in days if axis.holds(day.day)]
    line = {day.day.isoformat(): day.score_psi for day in known}
    values = [value for value in line.values() if value is not None]
    scale = Scale.over([*values, limit], log=True)
    drawn = Curve("psi", SERVED, curve(_points(line, known, axis), scale), _latest(line))
    return Chart(
        title="Score drift",
        note=f"psi, log; limit {limit:g}",
        curves=(drawn,) if values else (),
        ticks=scale.ticks() if values else (),
        columns=tuple(
            Column(int(axis.place(day.day)), f"{day.day}: score psi {day.score_psi:.3g}")
            for day in known
            if day.score_psi is not None
        ),
        label=f"Score drift: {_summary((drawn,))}; the limit is {limit:g}",
        rule=scale.place(limit) if values else None,
        awaited="" if values else "Waiting for a window with enough scores of the champion.",
    )


def _points(line: Measures, days: Sequence[Day], axis: Axis) -> Points:
    """Points in the middle of their days; days without a window break the line."""
    points: Points = []
    before = None
    for day in days:
        if before is not None and day.day - before > timedelta(days=4):
            points.append((0.0, None))
        points.append((axis.place(day.day) + 0.5, line[day.day.isoformat()]))
        before = day.day
    return points


def _latest(line: Measures) -> float | None:
    return next((value for value in reversed(list(line.values())) if value is not None), None)


def _words(name: str, line: Measures, day: Day) -> str:
    value = line[day.day.isoformat()]
    return f"{name} {value:z.4f}, " if value is not None else ""


def _summary(curves: Sequence[Curve]) -> str:
    said = [f"{line.name} {line.latest:z.4f}" for line in curves if line.latest is not None]
    return f"newest values {', '.join(said)}" if said else "no value yet"
