"""The drift heat map: features from top to bottom, days from left to right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from dashboards.charts import Axis
from dashboards.days import Day

LEVELS = (0.1, 0.25, 1.0)
MOST_FEATURES = 40
NAMED = 5
DRIFTED = "drifted"
INSUFFICIENT = "insufficient"


@dataclass(frozen=True)
class Feature:
    """One row: how often it drifted, and its divergence in the newest window."""

    name: str
    latest: float | None
    verdict: str
    drifted: int
    drifting: int

    @property
    def label(self) -> str:
        """The name, a segment's level first, because a long label is cut off at its end.

        >>> Feature("delay in origin=JFK", None, "drifted", 1, 0).label
        'JFK: delay'
        """
        name, apart, segment = self.name.rpartition(" in ")
        _, level, value = segment.partition("=")
        return f"{value}: {name}" if apart and level else self.name


@dataclass(frozen=True)
class Cells:
    """All cells of one look as a single path."""

    look: str
    path: str


@dataclass(frozen=True)
class Column:
    """One day's column and its tooltip."""

    x: int
    title: str


@dataclass(frozen=True)
class HeatMap:
    """The drawing and its description in words; `left_out` counts features without a row."""

    features: tuple[Feature, ...]
    cells: tuple[Cells, ...]
    columns: tuple[Column, ...]
    left_out: int
    label: str


def heatmap(days: Sequence[Day], axis: Axis) -> HeatMap:
    """Lay the windows out on the axis, the features that drift most often on top."""
    drawn = [day for day in days if axis.holds(day.day) and day.verdict is not None]
    features = _features(drawn)
    shown = features[:MOST_FEATURES]
    return HeatMap(
        features=shown,
        cells=_cells(drawn, axis, [feature.name for feature in shown]),
        columns=tuple(Column(int(axis.place(day.day)), _title(day)) for day in drawn),
        left_out=len(features) - len(shown),
        label=_label(drawn, features),
    )


def _features(days: Sequence[Day]) -> tuple[Feature, ...]:
    newest = days[-1] if days else None
    names = {name for day in days for name in (*day.psi, *day.stream)}
    found = []
    for name in names:
        verdicts = [day.stream.get(name) for day in days]
        drifted = verdicts.count(DRIFTED)
        drifting = len(days) - drifted - verdicts.count(None)
        latest = newest.psi.get(name) if newest else None
        verdict = newest.stream.get(name, "") if newest else ""
        found.append(Feature(name, latest, verdict, drifted, drifting))
    found.sort(key=lambda feature: (-feature.drifted, -feature.drifting, feature.name))
    return tuple(found)


def _cells(days: Sequence[Day], axis: Axis, features: Sequence[str]) -> tuple[Cells, ...]:
    """Join equal neighbours: a year of cells becomes a dozen paths."""
    paths: dict[str, list[str]] = defaultdict(list)
    by_day = {day.day: day for day in days}
    calendar = [by_day.get(axis.first + timedelta(days=n)) for n in range(axis.days)]
    for y, name in enumerate(features):
        looks = [_look(day, name) for day in calendar]
        begin = 0
        for x in range(1, axis.days + 1):
            if x < axis.days and looks[x] == looks[begin]:
                continue
            look = looks[begin]
            if look is not None:
                paths[look].append(f"M{begin} {y}h{x - begin}v1h{begin - x}z")
            begin = x
    return tuple(Cells(look, "".join(paths[look])) for look in sorted(paths))


def _look(day: Day | None, name: str) -> str | None:
    """Verdict and level of a cell; None where nothing is known and the cell stays blank."""
    if day is None:
        return None
    verdict, psi = day.stream.get(name), day.psi.get(name)
    if verdict is None and (psi is None or day.verdict == INSUFFICIENT):
        return None
    return f"{verdict or 'stable'}-{level(psi)}"


def level(psi: float | None) -> int:
    """Return how strongly a divergence is coloured, 0 to 3.

    >>> [level(psi) for psi in (None, 0.02, 0.1, 0.3, 4.0)]
    [0, 0, 1, 2, 3]
    """
    return sum(psi is not None and psi >= edge for edge in LEVELS)


def _title(day: Day) -> str:
    event = f" ({day.event})" if day.event else ""
    ranked = sorted(day.stream, key=lambda name: (day.stream[name] != DRIFTED, -_psi(day, name)))
    named = ", ".join(f"{name} {_psi(day, name):.2g}" for name in ranked[:NAMED])
    more = f" and {len(ranked) - NAMED} more" if len(ranked) > NAMED else ""
    troubles = f"\nquality: {'; '.join(day.quality)}" if day.quality else ""
    moved = f": {named}{more}" if named else ""
    return f"{day.day}{event}\n{day.rows:,} rows, {day.verdict}{moved}{troubles}"


def _psi(day: Day, name: str) -> float:
    return day.psi.get(name) or 0.0


def _label(days: Sequence[Day], features: Sequence[Feature]) -> str:
    if not days:
        return "Drift: no window has been assessed yet"
    most = [f"{f.name} on {f.drifted}" for f in features[:3] if f.drifted]
    words = f"; drifted most: {', '.join(most)}" if most else "; no feature has drifted"
    return f"Drift of {len(features)} features over {len(days)} windows{words}"
