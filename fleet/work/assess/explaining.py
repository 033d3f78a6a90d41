"""Why features are said to drift, for the report and for the person paged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.store import instant
from fleet.model.signals.page_context import happened_before
from fleet.model.tasks import Assess
from fleet.work.assess.inputs import Inputs
from monitoring.drift import why
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.verdict import SEVERITY, Policy, Ruling

FEATURES = 5
NEAR = 3
SEGMENTS = 3
SLOW = "; slow drift: no window shows it alone"


@dataclass(frozen=True)
class Explained:
    """The lines of a page, the change by feature, and the document for the report."""

    lines: tuple[str, ...] = ()
    since: dict[str, str] | None = None
    document: dict[str, object] | None = None


def explain(inputs: Inputs, alone: Report, moved: Mapping[str, Ruling]) -> Explained:
    """Explain the features that moved, in all rows or in a segment.

    Where none did, the lines name those that differ most: a page about another signal shows them.
    """
    if not moved:
        return Explained(_largest(alone))
    effect, usual = inputs.effect, inputs.usual
    features = [feature for feature in alone.features if feature.where in moved]
    features.sort(key=lambda one: (-SEVERITY.index(moved[one.where].verdict), -(one.effect or 0.0)))
    changes = _changes(inputs, features)
    lines = [
        _line(feature, changes.get(feature.where), usual.words(feature.name))
        + (SLOW if moved[feature.where].slow else "")
        + _most_in(feature, alone, usual.policy)
        for feature in features[:FEATURES]
    ]
    lead = changes.get(features[0].where)
    began = lead.window if lead else effect.window
    before = happened_before(effect.happened, began, inputs.watched.zone)
    document: dict[str, object] = {
        "features": {
            feature.where: _document(feature, changes.get(feature.where)) for feature in features
        },
        "before": [{"at": instant(one.at), "what": one.what} for one in before],
        "performance": effect.health,
    }
    since = {name: str(change) for name, change in changes.items()}
    return Explained((*lines, *_around(effect, lead, before)), since, document)


def _largest(alone: Report) -> tuple[str, ...]:
    known = [feature for feature in alone.features if feature.effect is not None]
    known.sort(key=lambda one: -(one.effect or 0.0))
    return tuple(_line(feature, None, "") for feature in known[:NEAR])


def _around(
    effect: Assess, lead: why.Change | None, before: Sequence[why.Happening]
) -> Iterator[str]:
    """Yield the event on the day of the change, what happened before it, and the performance."""
    events = {day: event for day, _, event in effect.history}
    if lead is not None and events.get(lead.window) is not None:
        yield f"{lead.window} lies in {events[lead.window]}"
    if before:
        yield why.told(before)
    if effect.health:
        yield effect.health


def _changes(inputs: Inputs, features: Sequence[FeatureReport]) -> dict[str, why.Change]:
    """Return the change of each feature over the days that were counted with the same bins."""
    held = inputs.held
    windows = [*inputs.past.items(), (inputs.effect.window, held.current)]
    found = {}
    for feature in features:
        own = [(day, one[feature.segment]) for day, one in windows if feature.segment in one]
        counts = np.stack([one.feature(held.ruler, feature.name) for _, one in own])
        usual = held.usual[feature.segment]
        shares = usual.feature(held.ruler, feature.name) / max(usual.rows, 1)
        change = why.change([day for day, _ in own], counts, shares)
        if change is not None:
            found[feature.where] = change
    return found


def _line(feature: FeatureReport, change: why.Change | None, threshold: str) -> str:
    moves = ", ".join(str(move) for move in why.moves(feature))
    since = f"; {change}" if change is not None else ""
    learnt = f" ({threshold})" if threshold else ""
    return f"{feature.where}: psi {feature.psi or 0:.3g}{learnt}; {moves}{since}"


def _most_in(feature: FeatureReport, alone: Report, policy: Policy) -> str:
    """Name the segments in which a feature that moved in all rows moved most."""
    if feature.segment is not None:
        return ""
    least = max(feature.effect or 0.0, policy.floor)
    own = [
        one
        for one in alone.features
        if (one.name, one.segment is None) == (feature.name, False)
        and one.q_value is not None
        and one.q_value <= policy.fdr
        and (one.effect or 0.0) > least
    ]
    own.sort(key=lambda one: -(one.effect or 0.0))
    told = ", ".join(f"{one.segment} (psi {one.psi or 0:.3g})" for one in own[:SEGMENTS])
    return f"; most in {told}" if told else ""


def _document(feature: FeatureReport, change: why.Change | None) -> dict[str, object]:
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
    earlier = {"earlier": list(change.earlier)} if change.earlier else {}
    return {"bins": bins, "since": change.window, "shape": change.shape, **earlier}
