"""A value that holds a large share is as good as a level: its changes are flagged nearly as often.

Every row is either at the atom or somewhere along a continuous law. One draw of rows makes four
features: three with the atom at the minimum, inside and at the maximum, and a text, the atom and
the tenths of the continuous law being its levels. So the runs are paired. Powers are given for a
feature alone, and for one of a hundred of which the others are as ever (q at most 5 % takes then
about p at most 5e-4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import score
from monitoring.drift.sketch import sketch

M, N, STEP = 10_000, 1_000, 0.03
SHARES = (0.05, 0.2, 0.5)
#: Where the atom stands, as a share of the continuous law that lies below it.
PLACES = {"minimum": 0.0, "inside": 0.43, "maximum": 1.0}
TEXT = len(PLACES)
LEVELS = {"alone": 0.05, "one of a hundred": 0.05 / 100}
LESS = 0.07
NAMES = pa.array(["atom", *(f"tenth {one}" for one in range(10))])


def rows(rng: np.random.Generator, number: int, share: float) -> pa.Table:
    """Draw rows; the continuous law is uniform, as the shape of a law makes no difference."""
    at, u = rng.random(number) < share, rng.random(number)
    numeric = {name: pa.array(np.where(at, where, u)) for name, where in PLACES.items()}
    codes = pa.array(np.where(at, 0, 1 + (10 * u).astype(np.int64)))
    return pa.table({**numeric, "text": NAMES.take(codes)})


def p_values(rng: np.random.Generator, share: float) -> np.ndarray:
    """p by direction of the change, growing and shrinking, and by feature: (2, 4)."""
    reference = rows(rng, M, share)
    ruler = Ruler.of(reference)
    usual = sketch(reference, ruler).counts
    windows = [sketch(rows(rng, N, share + step), ruler).counts for step in (STEP, -STEP)]
    return score(ruler, np.stack([usual, usual]), np.stack(windows)).p


@dataclass(frozen=True)
class Pairs:
    """Runs in which the text alone, and the atom alone, was flagged, of so many; and powers."""

    text: int
    atom: int
    runs: int
    powers: tuple[float, float]

    @property
    def less(self) -> float:
        """Power that the atom lacks."""
        return (self.text - self.atom) / self.runs

    @property
    def most(self) -> float:
        """Discordant runs that are the text's, at a lack of seven points, once in a million."""
        both = self.text + self.atom
        due = min(1.0, 0.5 + 0.5 * LESS * self.runs / max(both, 1))
        return float(binom.ppf(1 - 1e-6, both, due))


def paired(share: float, runs: int) -> dict[tuple[str, str, str], Pairs]:
    """Compare by place of the atom, direction of the change, and level of significance."""
    rng = np.random.default_rng((41, int(100 * share)))
    p = np.stack([p_values(rng, share) for _ in range(runs)])
    found = {}
    for level, most in LEVELS.items():
        flags = p <= most
        for way, told in enumerate(("grows", "shrinks")):
            text = flags[:, way, TEXT]
            for index, place in enumerate(PLACES):
                atom = flags[:, way, index]
                alone = int((text & ~atom).sum()), int((atom & ~text).sum())
                powers = float(atom.mean()), float(text.mean())
                found[place, told, level] = Pairs(*alone, runs, powers)
    for key, one in found.items():
        told = f"{' '.join(key):36}"
        print(f"{share:4.0%} at the {told} {one.powers[0]:6.1%}, text {one.powers[1]:6.1%}")
    return found


@pytest.mark.parametrize("share", SHARES)
def test_an_atom_is_flagged_nearly_as_often_as_a_level_sample(share: float) -> None:
    for key, one in paired(share, 80).items():
        assert one.text <= one.most, key


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES)
def test_an_atom_is_flagged_nearly_as_often_as_a_level(share: float) -> None:
    """The standard error of the difference is a point or less."""
    lacking = {key: one.less for key, one in paired(share, 2_000).items() if one.less > LESS}
    assert not lacking, lacking
