"""Fixed alert rules of other tools, for comparison: one threshold per feature and window.

PSI above 0.1, 0.2 and 0.25 are the limits of credit scoring (Siddiqi, Credit Risk Scorecards, 2006)
that most tools copy; a Jensen-Shannon distance above 0.1 is Evidently's and Azure ML's default;
a two-sample Kolmogorov-Smirnov test at p < 0.05 is Azure ML's for numeric features. None of them
depends on the size of the window or on the number of features.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
KS_LEVEL = 0.05
_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class Rule(StrEnum):
    """A fixed rule; its value is its usual notation."""

    PSI_LOW = "psi > 0.1"
    PSI_MIDDLE = "psi > 0.2"
    PSI_HIGH = "psi > 0.25"
    JS = "js > 0.1"
    KS = "ks p < 0.05"


LIMITS: Mapping[Rule, float] = {
    Rule.PSI_LOW: 0.1,
    Rule.PSI_MIDDLE: 0.2,
    Rule.PSI_HIGH: 0.25,
    Rule.JS: 0.1,
}


def fired(psi: float | None, js: float | None, ks: float | None) -> tuple[Rule, ...]:
    """Return the rules that one feature of one window breaks; None is a number without a value.

    >>> fired(0.21, 0.05, None)
    (<Rule.PSI_LOW: 'psi > 0.1'>, <Rule.PSI_MIDDLE: 'psi > 0.2'>)
    """
    found = [
        rule
        for rule, limit in LIMITS.items()
        if (value := js if rule is Rule.JS else psi) is not None and value > limit
    ]
    return (*found, Rule.KS) if ks is not None and ks < KS_LEVEL else tuple(found)


def ks_p(reference: Floats, current: Floats) -> float | None:
    """P-value of the two-sided two-sample Kolmogorov-Smirnov test by its asymptotic law.

    `reference` rises; both hold finite numbers only. None where a side is empty. The same number as
    `scipy.stats.ks_2samp(reference, current, method="asymp")`, without sorting the reference again.
    """
    m, n = len(reference), len(current)
    if not m or not n:
        return None
    # Deferred: scipy.stats takes a second to import, and only a backtest needs it.
    from scipy.stats import distributions

    current = np.sort(current)
    # The two step functions are furthest apart at, or just before, a value of the current side.
    apart = [
        np.searchsorted(reference, current, side) / m - np.searchsorted(current, current, side) / n
        for side in _SIDES
    ]
    size = m * n / (m + n)
    return float(np.clip(distributions.kstwo.sf(float(np.abs(apart).max()), np.round(size)), 0, 1))
