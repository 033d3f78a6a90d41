"""Why features are said to drift, for the report and for whoever is paged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from engine.store import instant
from fleet.effects import Assess
from fleet.policies import Watched
from monitoring.calendars import bounds
from monitoring.drift import why
from monitoring.drift.binning import Ruler
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import SEVERITY, Verdict

FEATURES = 5
HAPPENINGS = 3


@dataclass(frozen=True)
class Explained:
    """What the on-call engineer reads, the change by feature, and all of it for the report."""

    lines: tuple[str, ...] = ()
    since: dict[str, str] | None = None
    document: dict[str, Any] | None = None


def explain(
    past: Mapping[str, Sketch],
    watched: Watched,
    effect: Assess,
    alone: Report,
    sketches: tuple[Ruler, Sketch, Sketch],
    moved: Mapping[str, Verdict],
) -> Explained:
    """Explain the features that moved.

    past: earlier days counted with the same bins, by day, oldest first.
    sketches: the ruler, what the window was held against, and the window.
    """
    if not moved:
        return Explained()
    features = [feature for feature in alone.features if feature.name in moved]
    features.sort(key=lambda one: (-SEVERITY.index(moved[one.name]), -(one.effect or 0.0)))
    changes = _changes(past, effect.window, features, sketches)
    lines = [_line(feature, changes.get(feature.name)) for feature in features[:FEATURES]]
    lead = changes.get(features[0].name)
    before = _just_before(watched, effect, lead.window if lead else effect.window)
    events = {day: event for day, _, event in effect.history}
    event = events.get(lead.window) if lead is not None else None
    if event is not None and lead is not None:
        lines.append(f"{lead.window} lies in {event}")
    if before:
        lines.append(f"just before: {'; '.join(_told(one) for one in before[:HAPPENINGS])}")
    if effect.health:
        lines.append(effect.health)
    document = {
        "features": {
            feature.name: _document(feature, changes.get(feature.name)) for feature in features
        },
        "before": [{"at": instant(one.at), "what": one.what} for one in before],
        "performance": effect.health,
    }
    since = {name: str(change) for name, change in changes.items()}
    return Explained(tuple(lines), since, document)


def _changes(
    past: Mapping[str, Sketch],
    window: str,
    features: Sequence[FeatureReport],
    sketches: tuple[Ruler, Sketch, Sketch],
) -> dict[str, why.Change]:
    """The change of each feature over the days that were counted with the same bins."""
    ruler, usual, current = sketches
    windows = [*past.items(), (window, current)]
    days = [day for day, _ in windows]
    found = {}
    for feature in features:
        counts = np.stack([one.feature(ruler, feature.name) for _, one in windows])
        shares = usual.feature(ruler, feature.name) / max(usual.rows, 1)
        change = why.change(days, counts, shares)
        if change is not None:
            found[feature.name] = change
    return found


def _just_before(watched: Watched, effect: Assess, window: str) -> tuple[why.Happening, ...]:
    begin, end = bounds(date.fromisoformat(window), watched.zone)
    return why.just_before(effect.happened, begin, end)


def _told(one: why.Happening) -> str:
    return f"{one.what} ({one.at:%Y-%m-%d %H:%M})"


def _line(feature: FeatureReport, change: why.Change | None) -> str:
    moves = ", ".join(str(move) for move in why.moves(feature))
    since = f"; {change}" if change is not None else ""
    return f"{feature.name}: psi {feature.psi or 0:.3g}; {moves}{since}"


def _document(feature: FeatureReport, change: why.Change | None) -> dict[str, Any]:
    bins = [
        {
            "label": move.label,
            "reference": move.reference,
            "current": move.current,
            "reference_share": move.reference_share,
            "current_share": move.current_share,
        }
        for move in why.moves(feature)
    ]
    if change is None:
        return {"bins": bins}
    return {"bins": bins, "since": change.window, "shape": change.shape}
