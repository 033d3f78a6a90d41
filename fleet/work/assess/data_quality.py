"""Data quality of a window: missing and unseen values, ranges, and features that are stuck."""

from __future__ import annotations

import numpy as np

from fleet.model.records import Trouble
from fleet.model.tasks import Assess
from fleet.work.assess.inputs import Inputs
from fleet.work.refer.referencing import Reference
from monitoring import quality, quality_rules
from monitoring.alerts.lifecycle import Severity
from monitoring.drift.binning import REST
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.stuck import stuck
from monitoring.schema import Kind


def quality_troubles(inputs: Inputs, alone: Report) -> tuple[Trouble, ...]:
    """Return what is wrong with the values of the window, by the rules of the policy."""
    reference, effect = inputs.reference, inputs.effect
    found = quality_rules.problems(
        [_measured(one, reference, effect) for one in alone.features if one.segment is None],
        inputs.watched.policy.quality,
        rows=alone.n_current,
        expected=effect.expected,
        window=effect.window,
    )
    return tuple(_trouble(problem) for problem in found)


def unranged(inputs: Inputs) -> list[str]:
    """Return a note for each declared range whose feature is not numeric in the reference."""
    features = inputs.reference.ruler.features
    return [
        f"no range of {name}: it is not numeric in the reference"
        for name in inputs.watched.policy.quality.ranges
        if name not in features or features[name].kind is not Kind.NUMERIC
    ]


def stuck_troubles(inputs: Inputs) -> tuple[Trouble, ...]:
    """Tell of features that do not differ on a day of a class that usually does.

    A ticket: the values are plausible, so that no decision is wrong at once.
    """
    side = inputs.side
    if not side.usual:
        return ()
    ruler, policy = inputs.reference.ruler, inputs.watched.policy.drift
    names, differing = stuck(ruler, inputs.current, side.slices, side.usual, policy)
    problem = quality_rules.stuck(names, differing, str(side.own), inputs.effect.window)
    return () if problem is None else (_trouble(problem),)


def _trouble(problem: quality.Problem) -> Trouble:
    loud = problem.severity is Severity.PAGE
    return Trouble(problem.kind, loud, problem.reason, problem.features)


def _measured(feature: FeatureReport, reference: Reference, effect: Assess) -> quality.Measured:
    n, missing = feature.n_current or 0, feature.missing_current or 0
    place = reference.ruler.starts[feature.name] + reference.ruler.features[feature.name].size
    # Missing values come by day, not by row: the worst reference day is the usual rate.
    usual = max((s.counts[place] / s.rows for s in reference.slices if s.rows), default=0.0)
    rest = sum(b.current for b in feature.bins if b.label == REST)
    seen_rest = sum(b.reference for b in feature.bins if b.label == REST)
    return quality.Measured(
        feature.name,
        n + missing,
        missing,
        float(usual),
        # Where the reference itself has rare levels in `rest`, its values are not unseen.
        0 if seen_rest else rest,
        reference_unseen=_turnover(feature, reference) if rest else 0.0,
        outside=effect.outside.get(feature.name, 0),
    )


def _turnover(feature: FeatureReport, reference: Reference) -> float:
    """Return the largest share of a reference day's values that occur on no other of its days."""
    start, size = reference.ruler.starts[feature.name], reference.ruler.features[feature.name].size
    counts = np.array([one.counts[start : start + size] for one in reference.slices])
    if len(counts) < 2:
        return 0.0
    own = (counts * ((counts > 0).sum(0) == 1)).sum(1)
    return float((own / np.maximum(counts.sum(1), 1)).max())
