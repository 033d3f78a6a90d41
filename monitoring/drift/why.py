"""The context of drift: which bins moved, since when, and which events came just before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitoring.drift import recurring
from monitoring.drift.report import FeatureReport

MISSING = "missing"
MOST = 3
#: Windows needed to locate a change, the newest one included.
MIN_WINDOWS = 5
#: F from which on a change is reported; it is a maximum over about fifty shapes of thirty windows.
CLEAR = 20.0
LEAD = timedelta(days=2)
#: Most events that a page names.
TOLD = 3

Floats = NDArray[np.float64]


class Shape(StrEnum):
    """The shape of a change."""

    SUDDEN = "sudden"
    GRADUAL = "gradual"
    RECURRING = "recurring"


@dataclass(frozen=True)
class Move:
    """One bin on both sides: rows, and their shares among the non-missing values.

    Missing values are a bin of their own, whose share is among all rows.
    """

    label: str
    reference: int
    current: int
    reference_share: float
    current_share: float

    def __str__(self) -> str:
        """The text for a page: shares, then rows, of the reference and of the window."""
        return (
            f"{self.label}: {100 * self.reference_share:.1f} % → {100 * self.current_share:.1f} % "
            f"({self.reference:,} → {self.current:,} rows)"
        )


@dataclass(frozen=True)
class Change:
    """The first window of a change, and its shape.

    For a recurring change, `earlier` are the first windows of its earlier occurrences, oldest
    first, and `rhythm` names their rhythm (every Monday) if there is one.
    """

    window: str
    shape: Shape
    earlier: tuple[str, ...] = ()
    rhythm: str = ""

    def __str__(self) -> str:
        """The text for a page."""
        if self.shape is Shape.RECURRING:
            *more, last = self.earlier
            times = f" and {len(more)} more {'time' if len(more) == 1 else 'times'}" if more else ""
            rhythm = f" ({self.rhythm})" if self.rhythm else ""
            return f"recurring: again since {self.window}, before since {last}{times}{rhythm}"
        if self.shape is Shape.GRADUAL:
            return f"gradual change since about {self.window}"
        return f"sudden change since {self.window}"


@dataclass(frozen=True)
class Happening:
    """An event in the model's surroundings, from its journal.

    One that lasts has an end, `until`. One that is `reported` was told by people or by other
    systems.
    """

    at: datetime
    what: str
    until: datetime | None = None
    reported: bool = False

    @property
    def end(self) -> datetime:
        """When it was over; the same moment where it did not last."""
        return self.at if self.until is None else max(self.at, self.until)

    def __str__(self) -> str:
        """The text for a page."""
        lasted = f" to {self.until:%Y-%m-%d %H:%M}" if self.until is not None else ""
        return f"{self.what} ({self.at:%Y-%m-%d %H:%M}{lasted} UTC)"


def moves(feature: FeatureReport, most: int = MOST) -> tuple[Move, ...]:
    """The bins whose share changed most, largest first; bins that did not move are left out."""
    bins = feature.bins
    reference = _with_missing(bins.reference, feature.n_reference, feature.missing_reference)
    current = _with_missing(bins.current, feature.n_current, feature.missing_current)
    moved = np.abs(current[1] - reference[1])
    changed = np.flatnonzero(moved)
    # Rounded, so that moves of equal size keep the order of the bins.
    largest = changed[np.argsort(-np.round(moved[changed], 9), kind="stable")[:most]]
    numbers = (
        side[largest].tolist() for side in (reference[0], current[0], reference[1], current[1])
    )
    labels = [*bins.labels, MISSING]
    return tuple(map(Move, (labels[place] for place in largest.tolist()), *numbers))


def change(windows: Sequence[str], counts: NDArray[np.int64], usual: Floats) -> Change | None:
    """Find the first window of the change that the newest window shows.

    windows: names, oldest first; counts: shape (windows, bins), rows by bin, missing ones last;
    usual: shares of the reference, shape (bins,).

    Every window's shares are projected on the line from the reference to the newest window. Where
    they alternate between two separate levels, the change is recurring and begins with the present
    run. Otherwise the best of all steps and ramps that last until the newest window is chosen, by
    least squares (the maximum likelihood for a normal mean: Hinkley 1970, Biometrika 57, 1). None
    where a constant is hardly worse, or where fewer than five windows have rows.
    """
    rows = counts.sum(1)
    names = [name for name, count in zip(windows, rows, strict=True) if count]
    shares = counts[rows > 0] / rows[rows > 0][:, None]
    if len(names) < MIN_WINDOWS or not rows[-1]:
        return None
    away = shares[-1] - usual
    if not away.any():
        return None
    series = (shares - usual) @ away / float(away @ away)
    again = _recurring(names, series)
    if again is not None:
        return again
    total = float(np.sum((series - series.mean()) ** 2))
    least, first, shape = min(
        (_residual(series, _course(len(series), start, shape)), start, shape)
        for start in range(2, len(series))
        for shape in (Shape.SUDDEN, Shape.GRADUAL)
        # A ramp of one window is a step.
        if shape is Shape.SUDDEN or start < len(series) - 1
    )
    if total - least <= CLEAR * least / (len(series) - 3):
        return None
    return Change(names[first], shape)


def just_before(
    happenings: Sequence[Happening], begin: datetime, end: datetime, lead: timedelta = LEAD
) -> tuple[Happening, ...]:
    """Events that lie, or end, from `lead` before a window's begin to its end, the newest first."""
    found = [one for one in happenings if one.at < end and one.end >= begin - lead]
    return tuple(sorted(found, key=lambda one: one.at, reverse=True))


def told(happenings: Sequence[Happening]) -> str:
    """Name the newest events; empty where there are none. `changed` names those reported."""
    words = [str(one) for one in happenings if not one.reported][:TOLD]
    return f"just before: {'; '.join(words)}" if words else ""


def changed(happenings: Sequence[Happening]) -> str:
    """Name the newest changes that were reported; empty where there are none."""
    words = [str(one) for one in happenings if one.reported]
    more = [f"and {len(words) - TOLD} more"] if len(words) > TOLD else []
    return f"what changed before: {'; '.join(words[:TOLD] + more)}" if words else ""


def _recurring(names: Sequence[str], series: Floats) -> Change | None:
    places = recurring.begins(series)
    if not places:
        return None
    starts = [names[place] for place in places]
    # The begin of an occurrence that includes the first window is not known.
    seen = starts[1:] if places[0] == 0 else starts
    return Change(starts[-1], Shape.RECURRING, tuple(starts[:-1]), recurring.rhythm(seen))


def _with_missing(
    counts: NDArray[np.int64], rows: int | None, missing: int | None
) -> tuple[NDArray[np.int64], Floats]:
    """Rows and shares by bin of one side, with a last bin of missing values."""
    there, gone = rows or 0, missing or 0
    shares = counts / there if there else np.zeros(len(counts))
    lost = gone / (there + gone) if gone else 0.0
    return np.append(counts, gone), np.append(shares, lost)


def _course(size: int, start: int, shape: Shape) -> Floats:
    """0 before `start`; from there on 1 (a step), or 1 more with every window (a ramp)."""
    course: Floats = np.maximum(np.arange(size) - start + 1, 0).astype(np.float64)
    return course if shape is Shape.GRADUAL else np.minimum(course, 1.0)


def _residual(series: Floats, course: Floats) -> float:
    centred, away = course - course.mean(), series - series.mean()
    slope = float(centred @ away) / float(centred @ centred)
    return float(np.sum((away - slope * centred) ** 2))
