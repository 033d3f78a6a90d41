"""Bars of one feature's distribution in reference and window, missing values last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.drift.histogram import BinCount
from monitoring.drift.report import FeatureReport
from monitoring.drift.why import MISSING
from monitoring.drift.wording import cell, is_rest, percent
from monitoring.schema import Kind

#: Levels with a bar of their own; the others share one.
LEVELS = 20
OTHERS = "all other levels"
#: Difference of shares from which on a bar is marked.
MARKED = 0.01


@dataclass(frozen=True)
class Bar:
    """One cell: its share on each side, 0 to 1; None where a side is not known."""

    name: str
    reference: float | None
    current: float | None

    @property
    def words(self) -> tuple[str, str]:
        """Both shares as text."""
        known = (self.reference, self.current)
        first, second = ("–" if share is None else percent(share) for share in known)
        return first, second

    @property
    def moved(self) -> bool:
        """Whether the shares differ by a point or more."""
        if self.reference is None or self.current is None:
            return False
        return abs(self.current - self.reference) >= MARKED


def bars(feature: FeatureReport) -> tuple[Bar, ...]:
    """Shares among the non-missing values, and last the share of missing ones among all rows.

    Cells that are empty on both sides are left out. Of a categorical feature the 20 levels with the
    largest share on either side have bars, in the order of the reference's frequencies.
    """
    m, n = feature.n_reference, feature.n_current
    cells = [(cell(one.label, feature.kind), one) for one in feature.bins]
    if feature.kind is Kind.CATEGORICAL:
        own = _largest(feature.bins, m, n)
        others = [one for one in feature.bins if one not in own]
        cells = [(name, one) for name, one in cells if one in own]
        cells.append((OTHERS, _merged(others)))
    found = [
        Bar(name, _share(one.reference, m), _share(one.current, n))
        for name, one in cells
        if one.reference or one.current
    ]
    gone = (
        _share(lost, None if there is None or lost is None else there + lost)
        for lost, there in ((feature.missing_reference, m), (feature.missing_current, n))
    )
    return (*found, Bar(MISSING, *gone))


def longest(drawn: Iterable[Bar]) -> float:
    """The largest share of all bars, by which their lengths are scaled."""
    shares = (share for bar in drawn for share in (bar.reference, bar.current) if share)
    return max(shares, default=1.0)


def _largest(bins: Iterable[BinCount], m: int | None, n: int | None) -> set[BinCount]:
    named = [one for one in bins if not is_rest(one.label)]

    def most(one: BinCount) -> float:
        return max(_share(one.reference, m) or 0.0, _share(one.current, n) or 0.0)

    return {*sorted(named, key=most, reverse=True)[:LEVELS]}


def _merged(bins: Iterable[BinCount]) -> BinCount:
    counts = [(one.reference, one.current) for one in bins]
    return BinCount(OTHERS, sum(one for one, _ in counts), sum(other for _, other in counts))


def _share(count: int | None, total: int | None) -> float | None:
    return None if count is None or total is None else count / max(total, 1)
