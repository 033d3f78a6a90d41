"""Values outside a feature's declared range, counted with bins of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import pyarrow as pa
from pydantic import Field, model_validator

import engine.policy
from engine.policy import LARGEST
from monitoring.drift.atoms import previous
from monitoring.drift.binning import NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, sketch


class Range(engine.policy.Policy):
    """The declared range of a numeric feature, both ends included."""

    low: float | None = Field(
        None,
        allow_inf_nan=False,
        ge=-LARGEST,
        le=LARGEST,
        description="Least value; none: there is no least.",
    )
    high: float | None = Field(
        None,
        allow_inf_nan=False,
        ge=-LARGEST,
        le=LARGEST,
        description="Greatest value; none: there is no greatest.",
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("a range needs low, high or both")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low:g} is greater than high {self.high:g}")
        return self

    def __str__(self) -> str:
        """Spell it as an interval, e.g. `[0, 100]` or `[0, inf)`."""
        low = "(-inf" if self.low is None else f"[{self.low:g}"
        high = "inf)" if self.high is None else f"{self.high:g}]"
        return f"{low}, {high}"

    @property
    def bins(self) -> NumericBins:
        """Bins below, within and above the range; an open side has no bin."""
        below = [] if self.low is None else [float(previous(self.low))]
        return NumericBins((*below, *([] if self.high is None else [self.high])))


def ruler_of(ranges: Mapping[str, Range]) -> Ruler:
    """The bins of all features with a declared range."""
    return Ruler({name: one.bins for name, one in ranges.items()})


def outside(table: pa.Table, ranges: Mapping[str, Range]) -> dict[str, int]:
    """Count a table's values outside their range by feature; features without any are left out."""
    return outside_of(sketch(table, ruler_of(ranges)), ranges)


def outside_of(counted: Sketch, ranges: Mapping[str, Range]) -> dict[str, int]:
    """Count likewise from a sketch under `ruler_of(ranges)`."""
    ruler, found = ruler_of(ranges), {}
    for name, one in ranges.items():
        bins = counted.feature(ruler, name)[:-1]
        within = bins[0 if one.low is None else 1]
        found[name] = int(bins.sum() - within)
    return {name: number for name, number in found.items() if number}
