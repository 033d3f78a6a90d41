"""Verdicts, the policy of drift, and the verdict on several windows together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field

from engine.policy import Policy as Rules
from monitoring.drift.significance import MIN_SLICES
from monitoring.schema import Kind


class Verdict(StrEnum):
    """The verdict on a feature or a model."""

    STABLE = "stable"
    DRIFTING = "drifting"
    DRIFTED = "drifted"
    INSUFFICIENT = "insufficient"


SEVERITY = (Verdict.STABLE, Verdict.DRIFTING, Verdict.DRIFTED)
#: Accumulated evidence that counts as drift: reached once in so many windows without drift.
ALARM = 1e5


class Metric(StrEnum):
    """What a feature's threshold is given in."""

    PSI = "psi"
    KL = "kl"
    JS = "js"
    SHIFT = "shift"


class FeaturePolicy(Rules):
    """What one feature does differently."""

    threshold: float | None = Field(
        default=None,
        gt=0,
        description="Effect from which on this feature is drifted; none: the model's.",
    )
    metric: Metric = Field(
        default=Metric.PSI,
        description="What that threshold is in: psi; kl, in nats; js, the distance in base 2; or "
        "shift, importance times the shift of the mean in standard deviations. It is compared "
        "as the psi that a shift of the mean of that size has.",
    )
    importance: float = Field(
        default=1.0,
        gt=0,
        description="What one standard deviation of this feature is worth, in the unit that a "
        "threshold of metric shift is in.",
    )
    kind: Literal[Kind.CATEGORICAL] | None = Field(
        default=None,
        description="categorical: this feature's numbers name things (ids, codes) and are compared "
        "as levels; none: it is what the type of the reference's column says.",
    )
    redact: bool = Field(
        default=False, description="Know this feature's levels by a keyed hash only, everywhere."
    )

    @property
    def psi(self) -> float | None:
        """The threshold as a psi; None where the feature has none of its own.

        A shift by d standard deviations has a psi of about d², a kl of half that, and a js of
        sqrt(d² / (8 ln 2)): to second order all divergences agree (Csiszár and Shields 2004).
        """
        own = self.threshold
        if own is None or self.metric is Metric.PSI:
            return own
        if self.metric is Metric.KL:
            return 2 * own
        return (
            8 * math.log(2) * own**2 if self.metric is Metric.JS else (own / self.importance) ** 2
        )


class Persistence(Rules):
    """How often a feature has to be flagged before the stream has drifted."""

    flagged: int = Field(default=2, ge=1, description="Windows that have to be flagged.")
    of: int = Field(default=3, ge=1, description="Among this many last windows.")


class Policy(Rules):
    """Drift of one model's features."""

    threshold: float = Field(
        default=0.10,
        gt=0,
        description="Effect (psi less its sampling floor) from which on it is drifted.",
    )
    floor: float = Field(
        default=0.02, ge=0, description="Effect below which a change is too small to name."
    )
    min_rows: int = Field(default=30, ge=1, description="Non-missing rows that either side needs.")
    negligible: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Share of the importance of all features, as the version's card has it, below "
        "which a feature that drifted is a ticket and no page.",
    )
    fdr: float = Field(
        default=0.05, gt=0, lt=1, description="False discovery rate over all features of the model."
    )
    persistence: Persistence = Field(
        default=Persistence(), description="Persistence that a stream's verdict needs."
    )
    score_threshold: float = Field(
        default=0.25,
        gt=0,
        description="Effect of the champion's scores, over seven windows, from which on they "
        "have drifted.",
    )
    classes: bool = Field(
        default=False,
        description="Whether a day is compared with the reference's days of its class only: "
        "weekday, weekend, holiday, eve of a holiday, promotion, other event, as the model's "
        "calendar has them. Turn it on where weekends or holidays always differ and would be drift "
        "every time, and the reference has enough of them: four weekends are the least.",
    )
    class_days: int = Field(
        default=8,
        ge=MIN_SLICES,
        description="Days of a class that the reference needs; with fewer a day is compared "
        "with those of a wider class, and the report says so.",
    )
    adaptive: bool = Field(
        default=False,
        description="Whether a feature's threshold is raised to what has been usual in the four "
        "weeks before: its effect on days of the window's class (weekday, weekend, ...), without "
        "those of announced events. It takes eight such days, and never lowers a threshold. Drift "
        "that lasts for more than a quarter of them becomes usual.",
    )
    segments: tuple[str, ...] = Field(
        default=(),
        max_length=4,
        description="Categorical features whose levels are segments, judged on their own beside "
        "all rows, as one family: drift that the total hides. Of each, the 20 most frequent "
        "levels of the reference with at least 200 rows there. Rows that a workspace only counts "
        "have none.",
    )
    features: dict[str, FeaturePolicy] = Field(
        default_factory=dict, description="Exceptions by feature name."
    )

    def threshold_of(self, feature: str) -> float:
        """Threshold of one feature, as a psi."""
        own = self.features.get(feature)
        psi = own.psi if own is not None else None
        return self.threshold if psi is None else psi


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict and its reason; `slow` where no single window shows the drift."""

    verdict: Verdict
    reason: str
    slow: bool = False


def stream(
    flags: Sequence[bool | None],
    effect: float | None,
    policy: Policy,
    threshold: float,
    evidence: float = 0.0,
) -> Ruling:
    """Verdict on one feature over its last windows.

    `flags`, newest last: whether the window was significant (q within the rate); None where it was
    insufficient. `effect`: psi less its floor with those windows merged, None without a value.
    `evidence`: accumulated over more windows by `accumulate`, for drift that no window shows alone.
    """
    need = policy.persistence
    recent = flags[-need.of :]
    judged = [flag for flag in recent if flag is not None]
    flagged = sum(judged)
    told = f"{flagged} of the last {len(recent)} windows significant"
    if flagged < need.flagged:
        if evidence < ALARM:
            return _unflagged(len(judged), told, policy)
        told = f"{told}; slow drift (evidence {evidence:.2g} over more windows, limit {ALARM:.2g})"
    if effect is None or effect < policy.floor:
        return Ruling(Verdict.STABLE, f"{told}, but the effect is below the floor {policy.floor:g}")
    verdict = Verdict.DRIFTED if effect >= threshold else Verdict.DRIFTING
    reason = f"{told}; effect of these together {effect:.3g} (drifted from {threshold:g} on)"
    return Ruling(verdict, reason, slow=flagged < need.flagged)


def _unflagged(judged: int, told: str, policy: Policy) -> Ruling:
    need = policy.persistence.flagged
    if judged >= need:
        return Ruling(Verdict.STABLE, told)
    return Ruling(Verdict.INSUFFICIENT, f"too few judged windows: {judged}, {need} are needed")


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst verdict but insufficient; insufficient if there is no other."""
    judged = [verdict for verdict in verdicts if verdict is not Verdict.INSUFFICIENT]
    return max(judged, key=SEVERITY.index, default=Verdict.INSUFFICIENT)
