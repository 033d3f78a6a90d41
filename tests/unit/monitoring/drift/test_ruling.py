"""Rulings on one window: verdicts, families and reasons."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitoring.drift.binning import NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.ruling import Evidence, reason, rule
from monitoring.drift.scoring import Numbers, Scores
from monitoring.drift.verdict import Policy, Verdict

POLICY = Policy()


def evidence(
    effect: Any = 0.3,
    q: Any = 0.001,
    present: Any = (1000, 1000),
    missing: Any = (0, 0),
    **numbers: Any,
) -> Any:
    known = {"psi": 0.3, "kl": 0.1, "js": 0.2, "p_values": 1e-4, "p": 1e-4}
    known |= {"missing_effect": math.nan, "p_missing": math.nan} | numbers
    return Evidence(present, missing, Numbers(effect=effect, **known), q)


def ruled(case: Evidence) -> Verdict:
    """What `rule` says of one feature with that evidence; its q is that of a family of one."""
    ruler = Ruler({"x": NumericBins((0.0,))})
    a, c = (
        np.array([[there, 0, gone]]) for there, gone in zip(case.present, case.missing, strict=True)
    )
    numbers = replace(case.numbers, p=case.q)
    fields = {name: np.array([[getattr(numbers, name)]]) for name in Scores.__slots__}
    return rule(ruler, (a, c), Scores(**fields), POLICY).at(0, 0)


@pytest.mark.parametrize(
    ("case", "verdict", "why"),
    [
        (evidence(0.10), "drifted", "effect 0.1 reaches the threshold 0.1"),
        (evidence(0.0999), "drifting", "effect 0.0999 is below the threshold 0.1"),
        (evidence(0.02), "drifting", "effect 0.02 is below the threshold 0.1"),
        (evidence(0.0199), "stable", "significant, but effect 0.0199 is below the floor 0.02"),
        (evidence(0.3, q=0.051), "stable", "not significant (q = 0.051)"),
        (evidence(0.3, q=math.nan), "stable", "all values of both sides are in one bin"),
        (
            evidence(present=(1000, 29)),
            "insufficient",
            "29 non-missing rows on the current side, 30 are needed",
        ),
        (
            evidence(present=(0, 50)),
            "insufficient",
            "0 non-missing rows on the reference side, 30 are needed",
        ),
        (
            evidence(present=(50, 0), missing=(0, 1200)),
            "insufficient",
            "all 1,200 values are missing on the current side",
        ),
        (
            evidence(0.001, missing=(0, 1000), missing_effect=4.0, p_missing=0.0),
            "drifted",
            "effect 4 of the missing share, which rose from 0 % to 50 %, reaches the threshold 0.1",
        ),
        (
            evidence(0.2, p_values=0.6, missing_effect=0.001, p_missing=0.0),
            "stable",
            "significant, but effect 0.001 of the missing share, which rose from 0 % to 0 %, is "
            "below the floor 0.02",
        ),
    ],
)
def test_one_window(case: Evidence, verdict: str, why: str) -> None:
    found = ruled(case)
    assert found == verdict
    assert reason(found, case, POLICY, POLICY.threshold) == why


def test_thresholds_are_by_feature_and_families_by_pair_or_together() -> None:
    ruler = Ruler({name: NumericBins((0.0,)) for name in ("a", "b")})
    policy = Policy.model_validate({"features": {"b": {"threshold": 0.5}}})
    counts = np.tile([100, 100, 0], (2, 2))
    p = np.array([[0.04, 0.9], [0.001, 0.04]])
    unread, effect = np.full((2, 2), np.nan), np.full((2, 2), 0.3)
    scores = Scores(unread, unread, unread, effect, np.zeros((2, 2)), unread, unread, p)

    each = rule(ruler, (counts, counts), scores, policy)
    assert each.q == pytest.approx(np.array([[0.08, 0.9], [0.002, 0.04]]))
    assert [each.at(1, 0), each.at(1, 1)] == [Verdict.DRIFTED, Verdict.DRIFTING]

    one = rule(ruler, (counts, counts), scores, policy, together=True)
    assert one.q == pytest.approx(np.array([[0.16 / 3, 0.9], [0.004, 0.16 / 3]]))
    assert one.at(1, 1) is Verdict.STABLE

    alone = rule(ruler, (counts, counts), scores, policy, np.array([True, False]))
    assert np.isnan(alone.q[:, 1]).all()
    assert alone.at(1, 1) is Verdict.STABLE
    assert alone.q[:, 0].tolist() == [0.04, 0.001]
