"""How soon a stream of windows drifts after it began to, and how often one does that never began.

Each stream has one reference of 10,000 rows that all its windows are held against, and a hundred
features, whose counts are drawn from the laws of `streams`. An alert is a window in which the
model's verdict becomes drifting or drifted. Rates are bounded by exact binomial quantiles, one
chance in a million on either side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from monitoring.drift.accumulate import Held, evidence
from monitoring.drift.cells import effect
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import POOLING, gathered, pooled, score
from monitoring.drift.significance import benjamini_hochberg
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import SEVERITY, Policy, Verdict, stream
from tests.statistical.streams import CONTINUOUS, FEATURES, Setting, World
from tests.statistical.tally import Laid, assert_rate_at_least, assert_rate_at_most

M, MOVED, CALM, LENGTH, BACK = 10_000, 10, 3, 50, 29
#: Rows of a reference of its own deciles and tails.
SURE = np.array([10, 990, *[1_000] * 8, 990, 10])
POLICY = Policy()


class Stream:
    """One reference, and windows whose first ten features shift."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        world = World(rng, Setting(n))
        self.rng, self.n = rng, n
        # Deciles and tails are the reference's own: its rows in each are sure, and what they cut
        # off varies.
        parts = [rng.standard_gamma(SURE) for _ in range(CONTINUOUS)]
        own = [ndtri((np.cumsum(one) / one.sum())[:-1]) for one in parts]
        self.edges = [*own, *world.edges[CONTINUOUS:]]
        counts = [self._counts(edges, M, 0.0) for edges in self.edges]
        counts[:CONTINUOUS] = [np.append(SURE, 0)] * CONTINUOUS
        self.laid = Laid(counts)
        self.ruler, self.reference = self.laid.ruler, self.laid.laid(counts)

    def windows(self, shifts: np.ndarray) -> np.ndarray:
        """Counts of windows by the shift of the features that move: (windows, width)."""
        return np.stack(
            [
                self.laid.laid(
                    [
                        self._counts(edges, self.n, shift if place < MOVED else 0.0)
                        for place, edges in enumerate(self.edges)
                    ]
                )
                for shift in shifts
            ]
        )

    def _counts(self, edges: np.ndarray, rows: int, shift: float) -> np.ndarray:
        law = np.diff(ndtr(edges - shift), prepend=0.0, append=1.0)
        return np.append(self.rng.multinomial(rows, law), 0)


def verdicts(drawn: Stream, windows: np.ndarray) -> np.ndarray:
    """Place in SEVERITY of every feature after every window: (windows, features)."""
    ruler, reference = drawn.ruler, np.broadcast_to(drawn.reference, windows.shape)
    flags = benjamini_hochberg(score(ruler, reference, windows).p) <= POLICY.fdr
    merged = np.stack([windows[max(at - 2, 0) : at + 1].sum(0) for at in range(len(windows))])
    effects = effects_of(ruler, reference, merged)
    codes = np.zeros(flags.shape, int)
    # Below the floor nothing drifts, whatever else is known.
    for at, place in zip(*np.nonzero(effects >= POLICY.floor), strict=True):
        last = flags[max(at - 2, 0) : at + 1, place].tolist()
        added = accumulated(drawn, windows[max(at + 1 - BACK, 0) : at + 1], place)
        verdict = stream(last, float(effects[at, place]), POLICY, POLICY.threshold, added).verdict
        codes[at, place] = 0 if verdict is Verdict.INSUFFICIENT else SEVERITY.index(verdict)
    return codes


def effects_of(ruler: Ruler, reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Effects alone, at a quarter of what a score costs: (windows, features)."""
    found = np.empty((len(current), FEATURES))
    for block in ruler.blocks:
        a, c = (pooled(gathered(side, block.places), block.tested) for side in (reference, current))
        found[:, block.features] = effect(a, c, POOLING[block.scale])
    return found


def accumulated(drawn: Stream, windows: np.ndarray, place: int) -> float:
    """Evidence of one feature; without slices no feature's depends on another's."""
    name = list(drawn.ruler.features)[place]
    one = Ruler({name: drawn.ruler.features[name]})
    here = slice(drawn.ruler.first[place], drawn.ruler.last[place] + 1)
    usual = Sketch(one.id, M, drawn.reference[here])
    held = [Held(Sketch(one.id, drawn.n, window[here]), usual) for window in windows]
    return float(evidence(one, held)[0])


def first(codes: np.ndarray, least: Verdict) -> np.ndarray:
    """Windows until features that move have that verdict, counted from 1; 999 for never."""
    reached = codes[CALM:, :MOVED] >= SEVERITY.index(least)
    return np.where(reached.any(0), reached.argmax(0) + 1, 999)


SHIFTS = {
    "a quarter": (np.full(3, 0.25), Verdict.DRIFTING, 3),
    "a half": (np.full(4, 0.5), Verdict.DRIFTED, 4),
    "a fiftieth a window": (0.02 * np.arange(1, 22), Verdict.DRIFTING, 12),
    "a fiftieth a window for long": (0.02 * np.arange(1, 22), Verdict.DRIFTED, 21),
}


def delays(case: str, streams: int) -> None:
    shifts, least, within = SHIFTS[case]
    rng = np.random.default_rng(len(shifts))
    path = np.concatenate([np.zeros(CALM), shifts])
    soon = 0
    for _ in range(streams):
        drawn = Stream(rng, 1_000)
        soon += int((first(verdicts(drawn, drawn.windows(path)), least) <= within).sum())
    assert_rate_at_least(soon, MOVED * streams, 0.95)


@pytest.mark.parametrize("case", SHIFTS)
def test_delay_sample(case: str) -> None:
    delays(case, 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", SHIFTS)
def test_delay(case: Any) -> None:
    delays(case, 100)


def alerts(n: int, streams: int) -> None:
    rng = np.random.default_rng(n)
    told = 0
    for _ in range(streams):
        drawn = Stream(rng, n)
        loud = (verdicts(drawn, drawn.windows(np.zeros(LENGTH))) > 0).any(1)
        told += int(loud[0]) + int((loud[1:] & ~loud[:-1]).sum())
    assert_rate_at_most(told, LENGTH * streams, 0.001)


SIZES = (200, 1_000, 10_000, 100_000)


@pytest.mark.parametrize("n", SIZES)
def test_alerts_without_drift_sample(n: int) -> None:
    alerts(n, 1)


@pytest.mark.slow
@pytest.mark.parametrize("n", SIZES)
def test_alerts_without_drift(n: Any) -> None:
    alerts(n, 150)


def test_evidence_comes_seldom_against_one_reference() -> None:
    """Without the floor of effects: the alarm's own rate, by feature and window."""
    rng = np.random.default_rng(5)
    alarms = 0
    for n in (200, 1_000, 100_000):
        for _ in range(2):
            drawn = Stream(rng, n)
            usual = Sketch(drawn.ruler.id, M, drawn.reference)
            counts = drawn.windows(np.zeros(BACK))
            held = [Held(Sketch(drawn.ruler.id, n, one), usual) for one in counts]
            alarms += int((evidence(drawn.ruler, held) >= 1e5).sum())
    assert_rate_at_most(alarms, 3 * 2 * FEATURES, 1e-3)
