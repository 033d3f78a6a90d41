"""Verdicts, the policy of drift, and the verdict on several windows together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from engine.policy import MOST_ROWS, ShortText
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
    """Settings of one feature that differ from the model's."""

    threshold: float | None = Field(
        default=None,
        ge=1e-4,
        le=100,
        description="Effect from which on this feature is drifted; none: the model's `threshold`.",
    )
    metric: Metric = Field(
        default=Metric.PSI,
        description="Unit of `threshold`: psi; kl, in nats; js, the distance in base 2; or shift, "
        "`importance` times the shift of the mean in standard deviations. The threshold is "
        "converted to the psi of a shift of the mean of that size.",
    )
    importance: float = Field(
        default=1.0,
        ge=1e-6,
        le=1e6,
        description="Weight of one standard deviation of this feature; used with `metric: shift`.",
    )
    kind: Literal[Kind.CATEGORICAL] | None = Field(
        default=None,
        description="`categorical`: this feature's numbers are ids or codes and are compared as "
        "levels; none: the type of the reference's column decides.",
    )
    redact: bool = Field(
        default=False, description="Replace this feature's levels by a keyed hash everywhere."
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
    """How many significant windows a drift verdict needs; three are judged together at most."""

    flagged: int = Field(
        default=2, ge=1, le=366, description="Significant windows that are needed."
    )
    of: int = Field(
        default=3, ge=1, le=3, description="Number of last windows among which they are counted."
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.flagged > self.of:
            raise ValueError(
                f"flagged {self.flagged} of {self.of} windows is never reached; "
                f"write 1 to {self.of}, or a larger `of`"
            )
        return self


class Policy(Rules):
    """Drift of one model's features."""

    threshold: float = Field(
        default=0.10,
        ge=1e-4,
        le=100,
        description="Effect (psi less its sampling floor) from which on a feature is drifted.",
    )
    floor: float = Field(
        default=0.02,
        ge=0,
        le=100,
        description="Effect below which a feature is stable, even if significant.",
    )
    min_rows: int = Field(
        default=30, ge=1, le=MOST_ROWS, description="Non-missing rows that either side needs."
    )
    negligible: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Share of the total `importance` that the version declares, below which a "
        "drifted feature opens a ticket and never pages.",
    )
    fdr: float = Field(
        default=0.05,
        ge=1e-6,
        lt=1,
        description="False discovery rate over all features of the model.",
    )
    persistence: Persistence = Field(
        default=Persistence(), description="Persistence that a stream's verdict needs."
    )
    score_threshold: float = Field(
        default=0.25,
        ge=1e-4,
        le=100,
        description="Effect of the champion's scores, over seven windows, from which on they "
        "have drifted.",
    )
    classes: bool = Field(
        default=False,
        description="If yes, a day is compared with the reference's days of its class only: "
        "weekday, weekend, holiday, eve of a holiday, promotion or other event, by the model's "
        "calendar. Use it if weekends or holidays always differ and would be reported as drift "
        "each time; the reference then needs at least four weekends.",
    )
    class_days: int = Field(
        default=8,
        ge=MIN_SLICES,
        le=366,
        description="Days of a class that the reference needs; with fewer a day is compared "
        "with those of a wider class, and the report says so.",
    )
    adaptive: bool = Field(
        default=False,
        description="If yes, a feature's threshold is raised, never lowered, to the upper end of "
        "its effects over the previous four weeks (days of the same class, event days excluded "
        "unless the day is one; needs 8 such days). Drift present on over 25 % of those days "
        "raises the threshold and stops being reported.",
    )
    segments: tuple[ShortText, ...] = Field(
        default=(),
        max_length=4,
        description="Categorical features whose levels are segments: the rows of each level are "
        "also judged on their own, in one family with all rows, to find drift that the total "
        "hides. Of each feature, the 20 most frequent levels of the reference with at least 200 "
        "rows there. Not available for models with `logs.table` and `rows: false`.",
    )
    features: dict[ShortText, FeaturePolicy] = Field(
        default_factory=dict, description="Settings that differ, by feature name."
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
