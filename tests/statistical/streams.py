"""Counts of windows and their references, drawn from the law of the bins of a hundred features.

Sixty continuous features, 15 of a few values, 5 zero-inflated and 20 categorical ones of 2 to 500
levels. Behind each stands a standard normal variable that edges cut into bins; a monotone shape,
such as skew, would leave the counts as they are. Nothing here knows the product: a window is its
counts, and where rows are independent those are multinomial, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

NUMERIC, CONTINUOUS, TIED = 80, 60, 75
TAIL = 0.001
FINE = np.array([TAIL, *np.arange(1, 10) / 10, 1 - TAIL])
LEVELS = (2, 2, 3, 3, 4, 5, 5, 6, 8, 8, 10, 12, 15, 20, 20, 50, 50, 105, 300, 500)
FEATURES = NUMERIC + len(LEVELS)
#: Categorical features of at least ten levels: those whose first level can be made a small one.
WIDE = tuple(range(FEATURES - 10, FEATURES))
GRID = 256
USER = 5


@dataclass(frozen=True)
class Drift:
    """What happens to `features` of 100; the continuous ones, or those with `level` the wide ones.

    A mode takes the share `mixed` of the rows to `at`, of standard deviation `width`; 0 is a spike.
    `level` is the share of a level before and after.
    """

    features: int = 0
    shift: float = 0.0
    scale: float = 1.0
    mixed: float = 0.0
    at: float = 0.0
    width: float = 0.5
    level: tuple[float, float] | None = None

    def law(self, edges: np.ndarray) -> np.ndarray:
        """Distribution function at `edges`."""
        moved = ndtr((edges - self.shift) / self.scale)
        if not self.mixed:
            return moved
        off = edges - self.at
        mode = ndtr(off / self.width) if self.width else (off >= 0).astype(float)
        return (1 - self.mixed) * moved + self.mixed * mode


@dataclass(frozen=True)
class Setting:
    """Rows of window and reference, and how rows hang together.

    slices: parts of the reference, of equal length. copies: every row comes so often. day: standard
    deviation of each feature's own shift in every slice and window. factor: correlation of features
    through one common factor. users: correlation of the five rows of a user, feature by feature.
    """

    n: int
    m: int = 10_000
    slices: int = 0
    copies: int = 1
    day: float = 0.0
    missing: float = 0.0
    factor: float = 0.0
    users: float = 0.0
    drift: Drift = field(default=Drift())


@dataclass(frozen=True)
class Windows:
    """Counts by feature: of windows (windows, bins), of references (slices, windows, bins).

    The last bin counts missing values. `sliced`: whether the slices are known to the judge; `moved`
    are the features that drift.
    """

    slices: list[np.ndarray]
    current: list[np.ndarray]
    sliced: bool
    moved: np.ndarray


@dataclass
class World:
    """The laws of one model's features."""

    rng: np.random.Generator
    setting: Setting

    def __post_init__(self) -> None:
        rng, level = self.rng, self.setting.drift.level
        ties = [np.sort(rng.uniform(0.05, 0.95, size)) for size in rng.integers(2, 9, 15)]
        zeros = [np.array([z, *FINE[z + 0.01 < FINE]]) for z in rng.uniform(0.3, 0.95, 5)]
        pool = np.array(WIDE) if level else np.arange(CONTINUOUS)
        self.moved = rng.choice(pool, self.setting.drift.features, replace=False)
        shares = [_zipf(size, rng.uniform(0.5, 1.3)) for size in LEVELS]
        for place in self.moved if level else ():
            shares[place - NUMERIC] = _holding(shares[place - NUMERIC], level[0])
        # The last level of a law takes what rounding leaves.
        cuts = [np.cumsum(share)[:-1].clip(0, 1 - 1e-12) for share in shares]
        self.edges = [ndtri(cut) for cut in [*[FINE] * CONTINUOUS, *ties, *zeros, *cuts]]
        self.sizes = [len(edges) + 1 for edges in self.edges]

    def windows(self, number: int) -> Windows:
        """Draw windows, each with a reference of its own."""
        drawn = self._rows if self.setting.factor or self.setting.users else self._counts
        slices, current = zip(*(self._lost(*pair) for pair in drawn(number)), strict=True)
        return Windows(list(slices), list(current), bool(self.setting.slices), self.moved)

    def _counts(self, number: int) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._multinomial(place, number) for place in range(FEATURES)]

    def _multinomial(self, place: int, number: int) -> tuple[np.ndarray, np.ndarray]:
        one, rng = self.setting, self.rng
        parts, edges = max(one.slices, 1), self.edges[place]
        n = self._present(one.n // one.copies, (number,))
        m = self._present(one.m // parts // one.copies, (parts, number))
        sure = place < CONTINUOUS and not one.slices
        if sure:
            # Deciles and tails are the reference's own: its rows in each bin are certain, and what
            # varies is how much of the law they cut off.
            tenths = np.diff(_own_quantiles(m[0]))
            widths = rng.standard_gamma(tenths)
            edges = ndtri((np.cumsum(widths, -1) / widths.sum(-1, keepdims=True))[:, :-1])
            reference = tenths[None]
        else:
            shift = one.day * rng.normal(size=(parts, number, 1)) if one.day else 0.0
            reference = rng.multinomial(m, _bins(ndtr(edges - shift), (parts, number)))
        shift = one.day * rng.normal(size=(number, 1)) if one.day else 0.0
        current = rng.multinomial(n, self._law(place, edges - shift, number))
        return reference * one.copies, current * one.copies

    def _law(self, place: int, edges: np.ndarray, number: int) -> np.ndarray:
        """Shares of the bins in the current window."""
        drift = self.setting.drift
        if place not in self.moved:
            return _bins(ndtr(edges), (number,))
        if drift.level is None:
            return _bins(drift.law(edges), (number,))
        return _holding(_bins(ndtr(edges), (number,)), drift.level[1])

    def _present(self, rows: int, shape: tuple[int, ...]) -> np.ndarray:
        if not self.setting.missing:
            return np.full(shape, rows)
        return self.rng.binomial(rows, 1 - self.setting.missing, shape)

    def _rows(self, number: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows whose bin depends on a part they share and a part of their own, a byte each."""
        one, rng = self.setting, self.rng
        parts = max(one.slices, 1)
        rows = number * (one.m + one.n)
        windows, where = np.arange(number)[:, None], np.arange(one.m + one.n)
        # A group for every slice of every window's reference, and one for every window.
        group = np.where(where < one.m, where * parts // one.m, parts)
        group = (group * number + windows).ravel()
        shared = rng.integers(0, GRID, rows, np.uint8)
        drawn = []
        for place, size in enumerate(self.sizes):
            if one.users:
                shared = np.repeat(rng.integers(0, GRID, -(-rows // USER), np.uint8), USER)[:rows]
            own = rng.integers(0, GRID, rows, np.uint8)
            bins = self.tables[place].ravel()[shared * np.intp(GRID) + own]
            counts = np.bincount(group * size + bins, minlength=(parts + 1) * number * size)
            counts = counts.reshape(parts + 1, number, size)
            drawn.append((counts[:parts], counts[parts]))
        return drawn

    @cached_property
    def tables(self) -> list[np.ndarray]:
        """By feature, bin by shared and own byte."""
        z = ndtri((np.arange(GRID) + 0.5) / GRID)
        rho = self.setting.factor or self.setting.users
        mixed = np.sqrt(rho) * z[:, None] + np.sqrt(1 - rho) * z
        return [np.searchsorted(edges, mixed) for edges in self.edges]

    def _lost(self, slices: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Add what no bin holds: missing values."""
        one = self.setting
        lost = one.m // len(slices) - slices.sum(-1, keepdims=True)
        missing = one.n // one.copies * one.copies - current.sum(-1, keepdims=True)
        return np.concatenate([slices, lost], -1), np.concatenate([current, missing], -1)


def _own_quantiles(rows: np.ndarray) -> np.ndarray:
    """Rows at or below each of a sample's own edges, none and all of them at the ends."""
    inner = np.floor(FINE * (rows[:, None] - 1) + 1e-9).astype(int) + 1
    ends = np.zeros_like(rows[:, None])
    return np.concatenate([ends, inner, ends + rows[:, None]], -1)


def _zipf(size: int, power: float) -> np.ndarray:
    weight = 1 / np.arange(1, size + 1) ** power
    return weight / weight.sum()


def _holding(law: np.ndarray, share: float) -> np.ndarray:
    """Give the first level that share, and the others what is left in proportion."""
    others = law[..., 1:] / law[..., 1:].sum(-1, keepdims=True) * (1 - share)
    return np.concatenate([np.full((*law.shape[:-1], 1), share), others], -1)


def _bins(below: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    law = np.diff(below, prepend=0.0, append=1.0).clip(0)
    return np.broadcast_to(law, (*shape, law.shape[-1]))
