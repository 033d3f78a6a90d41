"""Thresholds raised to what has been usual on days like the window's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fleet.effects import Assess
from fleet.policies import Watched
from monitoring.calendars import DayClass
from monitoring.drift.binning import Ruler
from monitoring.drift.classes import class_of
from monitoring.drift.sketch import Sketch
from monitoring.drift.thresholds import raised
from monitoring.drift.verdict import FeaturePolicy, Metric, Policy


@dataclass(frozen=True)
class Adapted:
    """The policy with what was learnt in it: `thresholds` by feature, from these `days`."""

    policy: Policy
    thresholds: dict[str, float] = field(default_factory=dict)
    days: str = ""

    def words(self, feature: str) -> str:
        """Say where a feature's threshold is from; nothing where it is the policy's own."""
        own = self.thresholds.get(feature)
        return "" if own is None else f"threshold {own:.2g} learnt from {self.days}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Every threshold that was learnt, for the report."""
        return tuple(f"{feature}: {self.words(feature)}" for feature in self.thresholds)


def adapted(
    watched: Watched, effect: Assess, ruler: Ruler, usual: Sketch, past: Mapping[str, Sketch]
) -> Adapted:
    """Learn from the earlier days that are like the window's, where the policy asks for it.

    Where days are told apart by class these are those of the window's own, otherwise all that lie
    in no announced event.

    Parameters
    ----------
    usual
        What the window is held against.
    past
        Earlier days that were counted with the same bins.
    """
    policy = watched.policy.drift
    if not policy.adaptive:
        return Adapted(policy)
    alike, words = _alike(watched, effect, past)
    found = raised(ruler, usual, alike, policy)
    own = {
        name: policy.features.get(name, FeaturePolicy()).model_copy(
            update={"threshold": value, "metric": Metric.PSI}
        )
        for name, value in found.items()
    }
    learnt = policy.model_copy(update={"features": {**policy.features, **own}})
    return Adapted(learnt, found, f"{len(alike)} {words}")


def _alike(
    watched: Watched, effect: Assess, past: Mapping[str, Sketch]
) -> tuple[list[Sketch], str]:
    known, least = effect.known, watched.policy.drift.min_rows
    judged = {day: one for day, one in past.items() if one.rows >= least}
    if known is None or not watched.policy.drift.classes:
        special = {day for day, _, event in effect.history if event is not None}
        return [one for day, one in judged.items() if day not in special], "days"

    def of(day: str) -> DayClass:
        return class_of(watched.calendar, date.fromisoformat(day), known)

    own = of(effect.window)
    return [one for day, one in judged.items() if of(day) is own], f"{own} days"
