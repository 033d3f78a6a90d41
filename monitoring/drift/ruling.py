"""Verdicts on all features of one window, and the reason of each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring.drift.divergence import Floats
from monitoring.drift.ruler import Ruler
from monitoring.drift.scoring import Numbers, Scores, present, seen_once, total
from monitoring.drift.significance import benjamini_hochberg
from monitoring.drift.sketch import Counts
from monitoring.drift.verdict import SEVERITY, Policy, Verdict

INSUFFICIENT = np.int8(-1)
#: Share of rows with a level seen once from which on a categorical feature is not judged.
SEEN_ONCE = 0.8


@dataclass(frozen=True, eq=False, slots=True)
class Rulings:
    """q-values and verdicts, both of shape (pairs, features).

    `codes` are places in SEVERITY, or INSUFFICIENT.
    """

    q: Floats
    codes: npt.NDArray[np.int8]

    def at(self, pair: int, feature: int) -> Verdict:
        """Verdict on one feature of one pair."""
        code = self.codes[pair, feature]
        return Verdict.INSUFFICIENT if code == INSUFFICIENT else SEVERITY[code]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers behind the verdict on one feature and window.

    present, missing: values of the reference and the current window. q: over all features. once:
    reference rows of levels that were seen once.
    """

    present: tuple[int, int]
    missing: tuple[int, int]
    numbers: Numbers
    q: float
    once: int = 0


def rule(
    ruler: Ruler,
    sides: tuple[Counts, Counts],
    scores: Scores,
    policy: Policy,
    countable: npt.NDArray[np.bool_] | None = None,
    *,
    together: bool = False,
) -> Rulings:
    """Judge every feature of every pair: first its significance, then its effect.

    sides: counts of the reference and of the current window, each (pairs, ruler.width), as `score`
    took them. countable: by feature; others stay out of the family. A family is the features of
    one pair; or those of all pairs `together`, the segments of one model.
    """
    enough = np.minimum(*(present(ruler, side) for side in sides)) >= policy.min_rows
    enough &= seen_once(ruler, sides[0]) <= SEEN_ONCE * present(ruler, sides[0])
    # With too few values to compare, the missing share is still judged, from all rows.
    rows = np.minimum(*(total(ruler, side) for side in sides)) >= policy.min_rows
    p = np.where(enough, scores.p, np.where(rows, scores.p_missing, np.nan))
    p = p if countable is None else np.where(countable, p, np.nan)
    q = benjamini_hochberg(p.ravel()).reshape(p.shape) if together else benjamini_hochberg(p)
    values, missing = _leading(scores, policy.fdr)
    effect = np.fmax(np.where(enough, values, -np.inf), missing)
    thresholds = np.array([policy.threshold_of(name) for name in ruler.features])
    named = effect >= policy.floor
    codes = named.astype(np.int8) + (named & (effect >= thresholds))
    # A q without a value is no drift: comparing with it is False.
    codes = codes * (q <= policy.fdr)
    return Rulings(q, np.where(enough | (codes > 0), codes, INSUFFICIENT))


def reason(verdict: Verdict, evidence: Evidence, policy: Policy, threshold: float) -> str:
    """The reason of the verdict on one feature, as text."""
    if verdict is Verdict.INSUFFICIENT:
        return _shortage(evidence, policy.min_rows)
    if math.isnan(evidence.q):
        return "all values of both sides are in one bin"
    if evidence.q > policy.fdr:
        return f"not significant (q = {evidence.q:.3g})"
    what = _told(evidence, policy.fdr)
    if verdict is Verdict.STABLE:
        return f"significant, but {what} is below the floor {policy.floor:g}"
    below = verdict is Verdict.DRIFTING
    return f"{what} {'is below' if below else 'reaches'} the threshold {threshold:g}"


def _leading(numbers: Scores | Numbers, level: float) -> tuple[Floats, Floats]:
    """The effects on values and on the missing share, each if it is significant on its own."""
    values = np.where(np.asarray(numbers.p_values) <= level, numbers.effect, -np.inf)
    missing = np.where(np.asarray(numbers.p_missing) <= level, numbers.missing_effect, -np.inf)
    return values, missing


def _told(evidence: Evidence, level: float) -> str:
    values, missing = (float(one) for one in _leading(evidence.numbers, level))
    if missing <= values:
        return f"effect {values:.3g}"
    before, after = (
        100 * gone / (gone + there)
        for gone, there in zip(evidence.missing, evidence.present, strict=True)
    )
    way = "rose" if after >= before else "fell"
    return (
        f"effect {missing:.3g} of the missing share, which {way} from {before:.3g} % to "
        f"{after:.3g} %,"
    )


def _shortage(evidence: Evidence, least: int) -> str:
    sides = zip(("reference", "current"), evidence.present, evidence.missing, strict=True)
    scarce = [one for one in sides if one[1] < least]
    if not scarce:
        return (
            f"{evidence.once:,} of {evidence.present[0]:,} values on the reference side occur "
            "once: nearly every row has its own, so there are no levels to compare"
        )
    side, there, missing = scarce[0]
    if missing and not there:
        return f"all {missing:,} values are missing on the {side} side"
    return f"{there:,} non-missing rows on the {side} side, {least:,} are needed"
