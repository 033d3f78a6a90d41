"""Whether constant columns that begin to vary are seen, and how soon.

Half-hourly rows as of an electricity market: five columns, of which three were constants for the
182 days of the reference and then vary, in every row or in a fourth of them, from one row to the
next much alike. The other two are prices and a demand, alike from row to row and from day to day,
so that the reference's days say that rows tell less than independent ones do. Windows are judged
as the fleet does it: days against the days of the reference, with the two before; months alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.signal import lfilter

from monitoring.drift.assessment import assess
from monitoring.drift.report import Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, merge, sketch
from monitoring.drift.verdict import Policy, stream
from tests.statistical.tally import assert_rate_at_least, assert_rate_at_most

ROWS, DAYS, MONTH, LOOKS = 48, 182, 30, 3
CONSTANTS = {"vicprice": 0.003467, "vicdemand": 0.422915, "transfer": 0.414912}
POLICY = Policy()


def alike(rng: np.random.Generator, rows: int, last: float) -> np.ndarray:
    """Normal values of which neighbours correlate by `last`."""
    start = np.sqrt(1 - last**2)
    return np.asarray(lfilter([start], [1, -last], rng.normal(size=rows + 200)))[200:]


@dataclass
class Market:
    """One market: rows of days before the break, and after it.

    share: of rows that leave the constant after the break, in short runs; alike: correlation of
    neighbouring rows.
    """

    rng: np.random.Generator
    share: float = 1.0
    alike: float = 0.95

    def days(self, days: int, *, broken: bool) -> list[pa.Table]:
        """Rows of so many days on end, a table each."""
        rows, rng = days * ROWS, self.rng
        hour = np.tile(np.sin(2 * np.pi * np.arange(ROWS) / ROWS), days)
        columns = {
            "nswprice": np.exp(0.3 * hour + 0.5 * alike(rng, rows, self.alike)),
            "nswdemand": hour + 0.5 * alike(rng, rows, self.alike),
        }
        for name, level in CONSTANTS.items():
            moved = level * np.exp(0.4 * alike(rng, rows, self.alike))
            away = alike(rng, rows, 0.5)
            leaves = broken & (away <= np.quantile(away, self.share))
            columns[name] = np.where(leaves, moved, level)
        table = pa.table(columns)
        return [table.slice(day * ROWS, ROWS) for day in range(days)]


@dataclass(frozen=True)
class Usual:
    """The reference: its ruler, and a sketch of each of its days."""

    ruler: Ruler
    slices: list[Sketch]

    @classmethod
    def of(cls, days: list[pa.Table]) -> Usual:
        ruler = Ruler.of(pa.concat_tables(days))
        return cls(ruler, [sketch(day, ruler) for day in days])

    def looked(self, windows: list[Sketch]) -> list[Report]:
        """Judge each window alone, against slices as long as it is."""
        total = merge(self.ruler, self.slices)
        return [assess(self.ruler, total, one, POLICY, self.slices) for one in windows]

    def flags(self, windows: list[Sketch]) -> list[set[str]]:
        return [
            {
                one.name
                for one in report.features
                if one.q_value is not None and one.q_value <= POLICY.fdr
            }
            for report in self.looked(windows)
        ]

    def streams(self, windows: list[Sketch]) -> dict[str, str]:
        """Verdict on the stream after the last of a few daily windows, by feature."""
        flags = self.flags(windows)
        total, last = merge(self.ruler, self.slices), merge(self.ruler, windows)
        together = assess(self.ruler, total, last, POLICY)
        return {
            one.name: str(
                stream(
                    [one.name in flagged for flagged in flags],
                    one.effect,
                    POLICY,
                    POLICY.threshold_of(one.name),
                ).verdict
            )
            for one in together.features
        }


def daily(kind: dict[str, float], markets: int) -> None:
    """Three days before the break, and the first three after it."""
    said, quiet = Counter[str](), Counter[str]()
    rng, loud = np.random.default_rng(31), 0
    for _ in range(markets):
        market = Market(rng, **kind)
        usual = Usual.of(market.days(DAYS, broken=False))
        before, after = (
            [sketch(day, usual.ruler) for day in market.days(LOOKS, broken=broken)]
            for broken in (False, True)
        )
        quiet.update(usual.streams(before)[name] for name in CONSTANTS)
        loud += sum(bool(flagged) for flagged in usual.flags(before))
        said.update(usual.streams(after)[name] for name in CONSTANTS)
    assert set(quiet) == {"stable"}, quiet
    assert_rate_at_most(loud, LOOKS * markets, 0.06)
    print(dict(said))
    assert_rate_at_least(said["drifted"], said.total(), 0.95)


def monthly(kind: dict[str, float], markets: int) -> None:
    """A month before the break, and three after it, each judged alone."""
    said, quiet = Counter[str](), Counter[str]()
    rng = np.random.default_rng(32)
    for _ in range(markets):
        market = Market(rng, **kind)
        reference = pa.concat_tables(market.days(DAYS, broken=False))
        ruler = Ruler.of(reference)
        usual = sketch(reference, ruler)
        before = pa.concat_tables(market.days(MONTH, broken=False))
        after = market.days(3 * MONTH, broken=True)
        months = [pa.concat_tables(after[at : at + MONTH]) for at in range(0, 3 * MONTH, MONTH)]
        for told, window in ((quiet, before), *((said, month) for month in months)):
            report = assess(ruler, usual, sketch(window, ruler), POLICY)
            told.update(str(one.verdict) for one in report.features if one.name in CONSTANTS)
    assert set(quiet) == {"stable"}, quiet
    print(dict(said))
    assert_rate_at_least(said["drifted"], said.total(), 0.95)


KINDS = [
    pytest.param({}, id="every row leaves the constant"),
    pytest.param({"share": 0.25}, id="a fourth of the rows leaves it"),
    pytest.param({"alike": 0.5}, id="rows less alike"),
]
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("kind", KINDS[1:2])
def test_constants_that_begin_to_vary_are_seen_in_three_days_sample(kind: dict[str, float]) -> None:
    daily(kind, 3)


@pytest.mark.slow
@kinds
def test_constants_that_begin_to_vary_are_seen_in_three_days(kind: Any) -> None:
    daily(kind, 100)


@pytest.mark.parametrize("kind", KINDS[2:])
def test_constants_that_begin_to_vary_are_seen_in_a_month_sample(kind: dict[str, float]) -> None:
    monthly(kind, 4)


@pytest.mark.slow
@kinds
def test_constants_that_begin_to_vary_are_seen_in_a_month(kind: Any) -> None:
    monthly(kind, 100)
