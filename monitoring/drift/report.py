"""The report on one window: its features, the verdict, and both as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring.drift.histogram import Histogram
from monitoring.drift.ruler import FORMAT
from monitoring.drift.verdict import Verdict
from monitoring.schema import Ignored, Kind


class Calibration(StrEnum):
    """The noise that significance is computed from."""

    SLICES = "slices"
    ROWS = "independent rows"
    UNCALIBRATED = "uncalibrated"


@dataclass(frozen=True, slots=True)
class FeatureReport:
    """The result for one feature (in one segment); None is a number without a value.

    A feature is flagged when its `q_value` is within the policy's rate. `interval` is the effect's
    95 % confidence interval for independent rows.
    """

    name: str
    segment: str | None
    kind: Kind
    bins: Histogram
    n_reference: int | None
    n_current: int | None
    missing_reference: int | None
    missing_current: int | None
    psi: float | None
    kl: float | None
    js: float | None
    effect: float | None
    p_value: float | None
    q_value: float | None
    threshold: float
    verdict: Verdict
    reason: str
    missing_effect: float | None = None
    interval: tuple[float, float] | None = None

    @property
    def where(self) -> str:
        """The feature's name, and the segment's: `dep_delay in carrier=UA`."""
        return self.name if self.segment is None else f"{self.name} in {self.segment}"

    @property
    def larger_effect(self) -> float | None:
        """The larger of the effects of the values and of the missing share."""
        known = (one for one in (self.effect, self.missing_effect) if one is not None)
        return max(known, default=None)

    def to_json(self) -> dict[str, object]:
        """Return the feature as `check --json` prints it."""
        names = [name for name in self.__slots__ if name != "bins"]
        document: dict[str, object] = {name: getattr(self, name) for name in names}
        bins = [
            {"label": bin_.label, "reference": bin_.reference, "current": bin_.current}
            for bin_ in self.bins
        ]
        head = {name: document.pop(name) for name in ("name", "segment", "kind")}
        return {**head, "bins": bins, **document}


@dataclass(frozen=True, slots=True)
class Report:
    """One window against a reference.

    `ignored` are columns that cannot be read or have no kind; `not_compared` are those left out on
    purpose (ids, dates, columns that one side cannot have), which only `check` fills. `ruler` is
    the format of the bins.
    """

    verdict: Verdict
    n_reference: int
    n_current: int
    ignored: tuple[Ignored, ...]
    features: tuple[FeatureReport, ...]
    calibration: Calibration = Calibration.ROWS
    ruler: int = FORMAT
    not_compared: tuple[Ignored, ...] = ()

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Names of the features that could not be judged over all rows."""
        return tuple(
            one.name
            for one in self.features
            if one.segment is None and one.verdict is Verdict.INSUFFICIENT
        )

    def to_json(self) -> dict[str, object]:
        """Return the report as `check --json` prints it, without NaN or Infinity."""
        return {**self.heading(), "features": [feature.to_json() for feature in self.features]}

    def heading(self) -> dict[str, object]:
        """Return the report without its features."""
        return {
            "verdict": self.verdict,
            "n_reference": self.n_reference,
            "n_current": self.n_current,
            "ruler": self.ruler,
            "unjudged": list(self.unjudged),
            "ignored": _told(self.ignored),
            "not_compared": _told(self.not_compared),
        }


def _told(columns: Sequence[Ignored]) -> list[dict[str, str]]:
    return [{"name": one.name, "reason": one.reason} for one in columns]
