"""Verdicts of streams, and the policy they follow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import norm

from monitoring.drift.verdict import FeaturePolicy, Policy, Verdict, stream, worst

POLICY = Policy()


@pytest.mark.parametrize(
    ("flags", "effect", "verdict"),
    [
        ([True, False, True], 0.2, "drifted"),
        ([True, True], 0.05, "drifting"),
        ([True, True, True], 0.01, "stable"),
        ([True, True, True], None, "stable"),
        ([False, False, True], 0.9, "stable"),
        ([True, True, False, False], 0.9, "stable"),
        ([True, None, True], 0.2, "drifted"),
        ([True, None, None], 0.2, "insufficient"),
        ([True], 0.2, "insufficient"),
        ([], None, "insufficient"),
    ],
)
def test_a_stream_needs_persistence(flags: list[Any], effect: float | None, verdict: str) -> None:
    assert stream(flags, effect, POLICY, POLICY.threshold).verdict == verdict


def test_the_worst_of_those_that_could_be_judged() -> None:
    assert worst([Verdict.INSUFFICIENT, Verdict.STABLE]) is Verdict.STABLE
    assert worst([Verdict.DRIFTING, Verdict.DRIFTED, Verdict.STABLE]) is Verdict.DRIFTED
    assert worst([Verdict.INSUFFICIENT]) is worst([]) is Verdict.INSUFFICIENT


def test_policies_of_features() -> None:
    policy = Policy.model_validate({"features": {"x": {"threshold": 0.5}, "s": {"redact": True}}})
    assert policy.threshold_of("x") == 0.5
    assert policy.threshold_of("s") == policy.threshold_of("other") == 0.10
    with pytest.raises(ValidationError, match="treshold"):
        Policy.model_validate({"treshold": 1})


@pytest.mark.parametrize(
    ("flags", "effect", "evidence", "verdict", "reason"),
    [
        (
            [False, False],
            0.05,
            2e5,
            "drifting",
            "slow drift (evidence 2e+05 over more windows, limit 1e+05)",
        ),
        ([False, True], 0.2, 1e5, "drifted", "1 of the last 2 windows significant; slow drift"),
        (
            [True, True],
            0.2,
            1e9,
            "drifted",
            "2 of the last 2 windows significant; effect of these together 0.2 "
            "(drifted from 0.1 on)",
        ),
        ([False, False], 0.05, 9e4, "stable", "0 of the last 2 windows significant"),
        ([False, False], 0.01, 1e9, "stable", "below the floor 0.02"),
        ([None, False], 0.05, 1e6, "drifting", "slow drift"),
        ([None, False], 0.05, 0.0, "insufficient", "too few judged windows: 1, 2 are needed"),
    ],
)
def test_evidence_that_added_up_stands_in_for_flags(
    flags: list[Any], effect: float, evidence: float, verdict: str, reason: str
) -> None:
    ruling = stream(flags, effect, POLICY, POLICY.threshold, evidence)
    assert ruling.verdict == verdict
    assert reason in ruling.reason


@pytest.mark.parametrize(
    ("given", "psi"),
    [
        ({"threshold": 0.1}, 0.1),
        ({"threshold": 0.05, "metric": "kl"}, 0.1),
        ({"threshold": 0.134, "metric": "js"}, 0.0996),
        ({"threshold": 0.32, "metric": "shift"}, 0.1024),
        ({"threshold": 3.0, "metric": "shift", "importance": 10}, 0.09),
        ({"metric": "kl"}, 0.10),
    ],
)
def test_thresholds_in_other_units_are_a_psi(given: dict[str, Any], psi: float) -> None:
    policy = Policy.model_validate({"features": {"x": given}})
    assert policy.threshold_of("x") == pytest.approx(psi, abs=1e-4)


@pytest.mark.parametrize("d", [0.1, 0.2, 0.4])
def test_the_units_agree_on_a_shift_of_the_mean(d: float) -> None:
    """Deciles of two normals: each threshold set at what the shift does is nearly its psi."""
    edges = norm.ppf(np.arange(1, 10) / 10)
    p, q = (np.diff(norm.cdf(edges - mean), prepend=0, append=1) for mean in (0, d))
    mid = (p + q) / 2
    js = math.sqrt(0.5 * float((p * np.log2(p / mid) + q * np.log2(q / mid)).sum()))
    psi, kl = float(((q - p) * np.log(q / p)).sum()), float((p * np.log(p / q)).sum())
    for metric, value in (("kl", kl), ("js", js), ("shift", d)):
        feature = FeaturePolicy.model_validate({"threshold": value, "metric": metric})
        assert feature.psi == pytest.approx(psi, rel=0.07)
