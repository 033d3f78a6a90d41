"""Verdicts of windows and streams."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from monitoring.drift.scoring import Numbers
from monitoring.drift.verdict import Evidence, Policy, Verdict, rule, stream, worst

POLICY = Policy()


def evidence(effect=0.3, q=0.001, present=(1000, 1000), missing=(0, 0), **numbers):
    known = {"psi": 0.3, "kl": 0.1, "js": 0.2, "p_values": 1e-4, "p": 1e-4}
    known |= {"missing_effect": math.nan, "p_missing": math.nan} | numbers
    return Evidence(present, missing, Numbers(effect=effect, **known), q)


@pytest.mark.parametrize(
    ("case", "verdict", "reason"),
    [
        (evidence(0.10), "drifted", "effect 0.1 reaches the threshold 0.1"),
        (evidence(0.0999), "drifting", "effect 0.0999 is under the threshold 0.1"),
        (evidence(0.02), "drifting", "effect 0.02 is under the threshold 0.1"),
        (evidence(0.0199), "stable", "significant, but effect 0.0199 is under the floor 0.02"),
        (evidence(0.3, q=0.051), "stable", "not significant (q = 0.051)"),
        (
            evidence(0.3, q=math.nan),
            "stable",
            "one and the same bin holds every value of both sides",
        ),
        (evidence(present=(1000, 29)), "insufficient", "29 non-missing rows in current, 30 needed"),
        (evidence(present=(0, 50)), "insufficient", "0 non-missing rows in reference, 30 needed"),
        (
            evidence(present=(50, 0), missing=(0, 1200)),
            "insufficient",
            "all 1,200 values are missing in current",
        ),
        (
            evidence(0.001, missing=(0, 1000), missing_effect=4.0, p_missing=0.0),
            "drifted",
            "missing share 0 % to 50 %, whose effect 4 reaches the threshold 0.1",
        ),
        (
            evidence(0.2, p_values=0.6, missing_effect=0.001, p_missing=0.0),
            "stable",
            "significant, but missing share 0 % to 0 %, whose effect 0.001 is under the floor 0.02",
        ),
    ],
)
def test_one_window(case, verdict, reason):
    ruling = rule(case, POLICY, POLICY.threshold)
    assert (ruling.verdict, ruling.reason) == (verdict, reason)


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
def test_a_stream_needs_persistence(flags, effect, verdict):
    assert stream(flags, effect, POLICY, POLICY.threshold).verdict == verdict


def test_the_worst_of_those_that_could_be_judged():
    assert worst([Verdict.INSUFFICIENT, Verdict.STABLE]) is Verdict.STABLE
    assert worst([Verdict.DRIFTING, Verdict.DRIFTED, Verdict.STABLE]) is Verdict.DRIFTED
    assert worst([Verdict.INSUFFICIENT]) is worst([]) is Verdict.INSUFFICIENT


def test_policies_of_features():
    policy = Policy.model_validate({"features": {"x": {"threshold": 0.5}, "s": {"redact": True}}})
    assert policy.threshold_of("x") == 0.5
    assert policy.threshold_of("s") == policy.threshold_of("other") == 0.10
    with pytest.raises(ValidationError, match="treshold"):
        Policy.model_validate({"treshold": 1})
