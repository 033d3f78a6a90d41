"""The drift verdicts of a window with those before it, and the events that explain them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.work.assess.excusing import excused
from fleet.work.assess.inputs import Inputs
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.verdict import Policy, Ruling, Verdict, stream


@dataclass(frozen=True)
class Ruled:
    """The verdicts on a window and those before it.

    `alone` is the report of the window without those before it, `flagged` names its significant
    features. `rulings` are by feature or segment, `moved` the verdicts of those that are not
    stable.
    `explained_by` names the announced event, `holidays` those of a segment's own country.
    """

    alone: Report
    flagged: tuple[str, ...]
    rulings: dict[str, Ruling]
    moved: dict[str, Verdict]
    explained_by: str | None
    holidays: Mapping[str, str]

    @property
    def drifting(self) -> dict[str, Ruling]:
        """The rulings of what moved."""
        return {where: self.rulings[where] for where in self.moved}

    @property
    def notes(self) -> tuple[str, ...]:
        """The holidays that explain the drift of segments."""
        return tuple(f"{where} lies in {holiday}" for where, holiday in self.holidays.items())

    @property
    def names(self) -> dict[str, str]:
        """The feature of everything that moved."""
        return {one.where: one.name for one in self.alone.features if one.where in self.moved}

    @property
    def psi(self) -> dict[str, float | None]:
        """The psi by feature; of a segment only the features that moved, to keep facts short."""
        return {
            feature.where: feature.psi
            for feature in self.alone.features
            if feature.segment is None or feature.where in self.moved
        }

    @property
    def effects(self) -> dict[str, float]:
        """The larger effect of each feature that moved: of its values, or of its missing share."""
        effects = {one.where: one.larger_effect for one in self.alone.features}
        return {where: size for where in self.moved if (size := effects[where]) is not None}


def rule(inputs: Inputs) -> Ruled:
    """Judge a window alone and with those before it."""
    watched, effect, policy = inputs.watched, inputs.effect, inputs.policy
    alone, together = inputs.held.alone(policy), inputs.held.together(policy)
    flagged = tuple(feature.where for feature in alone.features if _significant(feature, policy))
    rulings = _stream(inputs, alone, together)
    moved = _moved(alone, {name: ruling.verdict for name, ruling in rulings.items()})
    explained_by = effect.event
    if moved and effect.event is None and any(effect.events):
        # Does anything persist without the windows of announced events?
        ordinary = _stream(inputs, alone, together, ordinary=True)
        left = _moved(alone, {name: ruling.verdict for name, ruling in ordinary.items()})
        explained_by = None if left else next(filter(None, effect.events))
    holidays = excused(watched, effect, flagged, [f for f in alone.features if f.where in moved])
    moved = {where: verdict for where, verdict in moved.items() if where not in holidays}
    return Ruled(alone, flagged, rulings, moved, explained_by, holidays)


def _significant(feature: FeatureReport, policy: Policy) -> bool:
    return feature.q_value is not None and feature.q_value <= policy.fdr


def _stream(
    inputs: Inputs, alone: Report, together: Report, *, ordinary: bool = False
) -> dict[str, Ruling]:
    """Rule on each feature and segment; `ordinary` leaves windows of events undecided."""
    effect, policy = inputs.effect, inputs.policy
    effects = {feature.where: feature.effect for feature in together.features}
    before = list(zip(effect.flags, effect.events, strict=True))
    return {
        feature.where: stream(
            [
                *(
                    None if ordinary and event else feature.where in flags
                    for flags, event in before
                ),
                _flag(feature, policy),
            ],
            effects[feature.where],
            policy,
            policy.threshold_of(feature.name),
            inputs.evidence.get(feature.where, 0.0),
        )
        for feature in alone.features
    }


def _moved(alone: Report, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """Return the features that are not stable; of segments only those worse than the total."""
    bad = (Verdict.DRIFTING, Verdict.DRIFTED)
    found = {}
    for feature in alone.features:
        own, total = verdicts[feature.where], verdicts[feature.name]
        if own in bad and (feature.segment is None or total not in bad[bad.index(own) :]):
            found[feature.where] = own
    return found


def _flag(feature: FeatureReport, policy: Policy) -> bool | None:
    if feature.verdict is Verdict.INSUFFICIENT:
        return None
    return _significant(feature, policy)
