"""Thresholds raised to what has been usual on days like the window's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fleet.document.policies import Watched
from fleet.model.tasks import Assess
from monitoring.calendars import bounds
from monitoring.drift.classes import class_of
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch
from monitoring.drift.thresholds import raised
from monitoring.drift.verdict import FeaturePolicy, Metric, Policy


@dataclass(frozen=True)
class Adapted:
    """The policy with the learnt `thresholds` by feature, from the given `days`."""

    policy: Policy
    thresholds: dict[str, float] = field(default_factory=dict)
    days: str = ""

    def words(self, feature: str) -> str:
        """Return the source of a feature's threshold; empty where it is the policy's own."""
        own = self.thresholds.get(feature)
        return "" if own is None else f"threshold {own:.2g} learnt from {self.days}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Every threshold that was learnt, for the report."""
        return tuple(f"{feature}: {self.words(feature)}" for feature in self.thresholds)


def adapted(
    watched: Watched, effect: Assess, ruler: Ruler, usual: Sketch, past: Mapping[str, Sketch]
) -> Adapted:
    """Learn thresholds from earlier days of the window's class, where the policy is adaptive.

    Only days of its class count, whatever the window is compared with: the effects of weekends do
    not apply to weekdays. Days of announced events are left out, unless the window is one itself.

    Parameters
    ----------
    usual
        The counts that the window is compared with.
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
    window = date.fromisoformat(effect.window)
    known = effect.known or bounds(window, watched.zone)[1]
    special = effect.special
    own = class_of(watched.calendar, window, known)
    found = [
        one
        for day, one in past.items()
        if one.rows >= watched.policy.drift.min_rows
        and class_of(watched.calendar, date.fromisoformat(day), known) is own
        and (effect.event is not None or day not in special)
    ]
    return found, f"{own} days"
