"""A planted shift, played: every number against scipy and the assessment's own functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from engine.blobs import MemoryBlobs
from fleet.backtest.budget import MONTH, Budget, effects
from fleet.backtest.play import Day, History, Played, pages, play, replayed_alerts
from fleet.backtest.tallies import ALONE, STREAM, tally
from fleet.document.policies import Fleet
from fleet.work import rows
from fleet.work.refer import referencing
from monitoring.drift.assessment import assess
from monitoring.drift.cells import pool
from monitoring.drift.divergence import divergences
from monitoring.drift.ruler import Ruler
from monitoring.drift.rules import Rule
from monitoring.drift.sketch import Sketch, merge, sketch
from monitoring.drift.verdict import Verdict

FIRST, HELD, DAYS, ROWS = date(2024, 4, 1), 20, 30, 400
#: Two stretches on which `x` is another: half a standard deviation, then three quarters.
SHIFTED = {**dict.fromkeys(range(5, 11), 0.5), **dict.fromkeys(range(20, 28), 0.75)}


def rows_of(rng: np.random.Generator, shift: float) -> pa.Table:
    return pa.table(
        {
            "x": rng.normal(shift, 1, ROWS),
            "y": rng.exponential(1, ROWS),
            "kind": rng.choice(["a", "b", "c"], ROWS),
        }
    )


class Past:
    """A reference of twenty days and thirty days after it."""

    def __init__(self) -> None:
        rng, self.blobs = np.random.default_rng(7), MemoryBlobs()
        self.held = [rows_of(rng, 0.0) for _ in range(HELD)]
        self.later = [rows_of(rng, SHIFTED.get(day, 0.0)) for day in range(DAYS)]
        self.ruler = Ruler.of(pa.concat_tables(self.held))
        slices = [self.blobs.put(sketch(part, self.ruler).to_bytes()) for part in self.held]
        ruled = self.blobs.put(self.ruler.to_bytes())
        self.history = History(
            referencing.put(self.blobs, ruled, slices),
            tuple(self._day(number, part) for number, part in enumerate(self.later)),
            tuple(rows.put(self.blobs, part) for part in self.held),
        )

    def _day(self, number: int, part: pa.Table) -> Day:
        counted = self.blobs.put(sketch(part, self.ruler).to_bytes())
        name = (FIRST + timedelta(days=number)).isoformat()
        return Day(name, part.num_rows, counted, rows.put(self.blobs, part))

    def sketch(self, number: int) -> Sketch:
        return Sketch.from_bytes(self.blobs.get(self.history.days[number].sketch))


@pytest.fixture(scope="module")
def past() -> Past:
    return Past()


@pytest.fixture(scope="module")
def played(past: Past, fleet: Fleet) -> tuple[Played, ...]:
    seen: list[int] = []
    found = play(past.blobs, fleet.models["fraud"], past.history, seen.append)
    assert seen == list(range(1, DAYS + 1))
    return found


@pytest.mark.usefixtures("heavy")
def test_every_number_is_the_one_that_its_own_library_gives(
    past: Past, played: tuple[Played, ...]
) -> None:
    usual = pa.concat_tables(past.held)
    total = merge(past.ruler, (sketch(part, past.ruler) for part in past.held))
    for number, one in enumerate(played):
        for name, found in one.features.items():
            a, c = (
                s.feature(past.ruler, name)[:-1].astype(float) for s in (total, past.sketch(number))
            )
            shown = past.ruler.features[name].shown
            known = divergences(pool(a, shown), pool(c, shown))
            assert found.psi == pytest.approx(float(known.psi))
            assert found.js == pytest.approx(float(known.js))
            if name == "kind":
                assert found.ks is None
                continue
            told = ks_2samp(usual[name].to_numpy(), past.later[number][name].to_numpy(),
                            method="asymp")  # fmt: skip
            assert found.ks == pytest.approx(told.pvalue, rel=1e-9, abs=1e-300)
            assert (Rule.KS in found.rules) == (told.pvalue < 0.05)
            assert (Rule.PSI_LOW in found.rules) == (found.psi > 0.1)


def test_thresholds_are_held_against_the_last_three_days_together(
    past: Past, played: tuple[Played, ...], fleet: Fleet
) -> None:
    policy = fleet.models["fraud"].policy.drift
    total = merge(past.ruler, (sketch(part, past.ruler) for part in past.held))
    for number in (2, 7, 22):
        three = merge(past.ruler, (past.sketch(n) for n in range(number - 2, number + 1)))
        for feature in assess(past.ruler, total, three, policy).features:
            assert played[number].features[feature.name].merged == feature.effect


def test_the_planted_days_drift_and_no_others(played: tuple[Played, ...]) -> None:
    drifted = [n for n, one in enumerate(played) if one.features["x"].stream is Verdict.DRIFTED]
    assert set(drifted) <= {*range(6, 13), *range(21, 30)}
    assert {*range(7, 11), *range(22, 28)} <= set(drifted)
    for one in played:
        assert one.features["y"].stream is not Verdict.DRIFTED
        assert one.fact.calibrated


def test_two_stretches_page_twice(played: tuple[Played, ...], fleet: Fleet) -> None:
    watched = fleet.models["fraud"]
    found = [one for one in replayed_alerts(watched, played) if one.severity == "page"]
    assert [(one.alert, one.features) for one in found] == [("drift-1", ("x",)),
                                                           ("drift-2", ("x",))]  # fmt: skip
    assert pages(replayed_alerts(watched, played, {"x": 99.0})) == 0


def test_the_proposal_is_the_smallest_that_keeps_to_the_budget(
    played: tuple[Played, ...], fleet: Fleet
) -> None:
    watched = fleet.models["fraud"]
    result = tally(watched, played, Budget.of("1 page/month"), ["a note"])
    assert set(result.thresholds) == {"x"}
    chosen = result.thresholds["x"]
    # Every threshold that makes a difference, one after the other.
    tried = sorted({watched.policy.drift.floor, *(e + 1e-9 for e in effects(played)["x"])})
    keeps = [t for t in tried if pages(replayed_alerts(watched, played, {"x": t})) <= 0]
    assert Budget.of("1 page/month").over(30) == 0
    assert min(keeps) <= chosen <= min(keeps) * 1.01
    assert pages(replayed_alerts(watched, played, result.thresholds)) == 0
    assert result.document["alerts"]["proposed"]["pages"] == 0
    assert result.document["alerts"]["now"]["pages"] == 2


def test_a_larger_budget_proposes_smaller_thresholds(
    played: tuple[Played, ...], fleet: Fleet
) -> None:
    watched = fleet.models["fraud"]
    texts = ("0 pages/month", "2 pages/month", "1 page/day")
    found = [tally(watched, played, Budget.of(text)).document["features"][0] for text in texts]
    assert {one["name"] for one in found} == {"x"}
    first, second, third = (one["proposed"] for one in found)
    assert first > second >= third == watched.policy.drift.floor


def test_the_document_counts_what_fired(played: tuple[Played, ...], fleet: Fleet) -> None:
    document = tally(fleet.models["fraud"], played, Budget.of("1 page/month")).document
    assert json.loads(json.dumps(document)) == document
    assert (document["first"], document["last"], document["windows"]) == (
        "2024-04-01", "2024-04-30", 30,
    )  # fmt: skip
    rules: dict[str, Any] = {one["rule"]: one for one in document["rules"]}
    assert list(rules) == [ALONE, STREAM, *Rule]
    for rule in Rule:
        fired = [sum(rule in f.rules for f in one.features.values()) for one in played]
        assert document["series"]["fired"][rule] == fired
        assert rules[rule]["feature_windows"] == sum(fired)
        assert rules[rule]["windows"] == sum(map(bool, fired))
        assert rules[rule]["windows_a_month"] == round(sum(map(bool, fired)) * MONTH / 30, 2)
    by_feature = {one["name"]: one["windows"] for one in document["features"]}
    total = sum(windows[Rule.KS] for windows in by_feature.values())
    assert total == rules[Rule.KS]["feature_windows"]
    # The second stretch begins on the 21st; two days have to be flagged.
    assert document["series"]["pages"][1] in ("2024-04-21", "2024-04-22")


@pytest.mark.usefixtures("heavy")
def test_few_reference_days_never_page(
    past: Past, fleet: Fleet, resolve: Callable[..., Fleet]
) -> None:
    ruled = past.blobs.put(past.ruler.to_bytes())
    slices = [past.blobs.put(sketch(part, past.ruler).to_bytes()) for part in past.held[:7]]
    few = History(referencing.put(past.blobs, ruled, slices), past.history.days)
    watched = fleet.models["fraud"]
    found = tally(watched, play(past.blobs, watched, few, lambda _: None), Budget(1, 30))
    assert not found.document["calibrated"]
    assert found.document["alerts"]["now"]["pages"] == 0
    assert found.thresholds == {}
