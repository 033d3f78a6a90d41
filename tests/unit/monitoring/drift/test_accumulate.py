"""Evidence that adds up over windows: what it finds, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift.accumulate import WINDOWS, Held, evidence
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, empty
from monitoring.drift.verdict import ALARM

LEVELS = tuple("abcdefgh")
EDGES = (-1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28)
RULER = Ruler(
    {"x": NumericBins(EDGES), "flag": NumericBins((0.5,)), "kind": CategoricalBins(LEVELS)}
)


class Days:
    """Days of rows; `extra` of the rows are of kind b instead of a."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def day(
        self,
        rows: int,
        shift: float = 0.0,
        flag: float = 0.2,
        extra: float = 0.0,
        scale: float = 1.0,
    ) -> Sketch:
        x = np.searchsorted(EDGES, self.rng.normal(shift, scale, rows))
        lots = np.array([0.3 - extra, 0.2 + extra, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02])
        ones = int(self.rng.binomial(rows, flag))
        counts = [*np.bincount(x, minlength=10), 0, rows - ones, ones, 0]
        counts += [*self.rng.multinomial(rows, lots), 0, 0]
        return Sketch(RULER.id, rows, np.array(counts))

    def held(self, reference: Sketch, number: int, rows: int = 500, **drift: float) -> list[Held]:
        return [Held(self.day(rows, **drift), reference) for _ in range(number)]


@pytest.fixture
def days() -> Days:
    return Days(7)


def test_no_drift_leaves_little_evidence(days: Days) -> None:
    found = evidence(RULER, days.held(days.day(10_000), 32))
    assert found.shape == (3,)
    assert ((found >= 0) & (found < 1_000)).all()


@pytest.mark.parametrize(
    ("drift", "moved"),
    [
        ({"shift": 0.12}, [True, False, False]),
        ({"shift": -0.12}, [True, False, False]),
        ({"scale": 1.12}, [True, False, False]),
        ({"flag": 0.25}, [False, True, False]),
        ({"extra": 0.07}, [False, False, True]),
    ],
)
def test_what_no_window_shows_adds_up(
    days: Days, drift: dict[str, float], moved: list[bool]
) -> None:
    reference = days.day(10_000)
    held = days.held(reference, 16) + days.held(reference, 16, 500, **drift)
    assert (evidence(RULER, held) >= ALARM).tolist() == moved
    assert (evidence(RULER, held[:18]) < ALARM).all()


def test_one_odd_window_is_no_slow_drift(days: Days) -> None:
    reference = days.day(10_000)
    odd = days.held(reference, 1, shift=2.0, flag=0.9, extra=0.25)
    calm = days.held(reference, 20)
    for held in (odd, calm + odd, calm[:10] + odd + calm[10:]):
        assert (evidence(RULER, held) < ALARM).all()


def test_only_the_last_windows_count(days: Days) -> None:
    reference = days.day(10_000)
    old, new = days.held(reference, 8, shift=1.0), days.held(reference, WINDOWS)
    assert evidence(RULER, old + new).tolist() == evidence(RULER, new).tolist()


def test_every_window_has_its_own_reference(days: Days) -> None:
    """Weekends that always differ are no drift against weekends, and are against all days."""
    week, weekend = days.day(10_000), days.day(4_000, shift=0.5, extra=0.1)
    held = []
    for _ in range(4):
        held += [*days.held(week, 5), *days.held(weekend, 2, shift=0.5, extra=0.1)]
    assert (evidence(RULER, held) < 1_000).all()
    pooled = [Held(one.window, week) for one in held]
    assert evidence(RULER, pooled)[0] >= ALARM


def test_days_that_differ_are_no_drift_with_slices(days: Days) -> None:
    """Days differ by .15 sd: taken for independent rows they are a drift sooner or later."""
    false, without = 0, 0
    for _ in range(20):
        slices = [days.day(500, shift=0.15 * days.rng.normal()) for _ in range(20)]
        reference = sum(slices[1:], slices[0])
        held = [Held(days.day(500, shift=0.15 * days.rng.normal()), reference) for _ in range(32)]
        false += int((evidence(RULER, held, slices) >= ALARM).any())
        without += int((evidence(RULER, held) >= ALARM).any())
    assert false == 0
    assert without >= 2


def weather(days: Days, number: int) -> list[Sketch]:
    """Days like the ones before them: a spell of .3 sd and a correlation of .8."""
    state, found = 0.3 * days.rng.normal(), []
    for _ in range(number):
        state = 0.8 * state + 0.18 * days.rng.normal()
        found.append(days.day(500, shift=state))
    return found


def test_spells_of_weather_are_no_drift(days: Days) -> None:
    """The same days in a random order would not tell how long a spell lasts."""
    false, shuffled = 0, 0
    for _ in range(20):
        slices = weather(days, 60)
        reference = sum(slices[1:], slices[0])
        held = [Held(one, reference) for one in weather(days, 32)]
        false += int(evidence(RULER, held, slices)[0] >= ALARM)
        mixed = [slices[place] for place in days.rng.permutation(60)]
        shuffled += int(evidence(RULER, held, mixed)[0] >= ALARM)
    assert false == 0
    assert shuffled >= 1


def test_too_few_slices_are_not_used(days: Days) -> None:
    reference = days.day(10_000)
    held = days.held(reference, 5)
    few = [days.day(500) for _ in range(7)]
    assert evidence(RULER, held, few).tolist() == evidence(RULER, held).tolist()


def test_windows_without_rows_and_references_without_values(days: Days) -> None:
    reference, none = days.day(10_000), empty(RULER)
    assert evidence(RULER, []).tolist() == [0, 0, 0]
    assert evidence(RULER, [Held(none, reference)] * 5).max() < 100
    assert evidence(RULER, [Held(none, none)] * 5).max() < 100
    assert np.isfinite(evidence(RULER, [Held(days.day(1), none)] * 5)).all()
    huge = days.held(reference, 5, rows=1_000_000, shift=3.0, flag=1.0, extra=0.3)
    found = evidence(RULER, huge)
    assert np.isfinite(found).all()
    assert (found >= ALARM).all()


def test_the_order_of_features_says_nothing(days: Days) -> None:
    reference = days.day(10_000)
    held = days.held(reference, 6, shift=0.1)
    turned = Ruler({name: RULER.features[name] for name in ("kind", "x", "flag")})
    order = [*range(14, 24), *range(14)]
    usual = Sketch(turned.id, reference.rows, reference.counts[order])
    moved = [
        Held(Sketch(turned.id, one.window.rows, one.window.counts[order]), usual) for one in held
    ]
    assert evidence(turned, moved)[[1, 2, 0]] == pytest.approx(evidence(RULER, held))
