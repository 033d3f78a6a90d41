"""Alerts of Azure Monitor: what is news, what is forgotten, what ends by itself, what is loud."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from monitoring.alerts import azure
from monitoring.alerts.azure import EDGES, AzureAlert, Phase, Policy, Sev
from monitoring.alerts.lifecycle import Severity

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
FIRED, RESOLVED = Phase.FIRED, Phase.RESOLVED


def seen(
    phase: Phase = FIRED, fired: datetime = NOW, rule: str = "r", stateless: bool = False
) -> AzureAlert:
    return AzureAlert(rule, Sev.SEV1, phase, "endpoint e", "", fired, stateless)


def phases(*told: Phase) -> tuple[Phase | None, int]:
    """Where one alert ends after these words, and how many of them were news."""
    known: dict[str, AzureAlert] = {}
    news = 0
    for phase in told:
        after = azure.step(known, "a", seen(phase))
        news, known = news + (after is not None), known if after is None else after
    return (known["a"].phase if known else None), news


@pytest.mark.parametrize(
    ("told", "last", "news"),
    [
        ((FIRED,), FIRED, 1),
        ((FIRED, FIRED), FIRED, 1),
        ((FIRED, RESOLVED), RESOLVED, 2),
        ((FIRED, RESOLVED, RESOLVED), RESOLVED, 2),
        ((RESOLVED, FIRED), RESOLVED, 1),
        ((FIRED, RESOLVED, FIRED, RESOLVED), RESOLVED, 2),
    ],
)
def test_repeats_and_late_words_are_no_news(
    told: tuple[Phase, ...], last: Phase, news: int
) -> None:
    assert phases(*told) == (last, news)


def test_the_table_of_moves_is_what_a_step_does() -> None:
    for before, after in itertools.product((None, *Phase), Phase):
        known = {} if before is None else {"a": seen(before)}
        moved = azure.step(known, "a", seen(after)) is not None
        assert moved == (after in EDGES[before]), (before, after)


def test_an_end_keeps_the_begin() -> None:
    after = azure.step({"a": seen(fired=NOW)}, "a", seen(RESOLVED, NOW + timedelta(hours=2)))
    assert after is not None
    assert after["a"].fired == NOW


def test_what_is_remembered_is_bounded_and_what_fires_stays_longest() -> None:
    known: dict[str, AzureAlert] = {"old": seen(fired=NOW - timedelta(days=9))}
    for number in range(3 * azure.KEPT):
        phase = RESOLVED if number % 2 else FIRED
        after = azure.step(known, f"{number}", seen(phase, NOW + timedelta(seconds=number)))
        assert after is not None
        known = after
    assert len(known) == azure.KEPT
    assert {one.phase for one in known.values()} == {FIRED}
    assert "old" not in known, "the newest hundred"


@pytest.mark.parametrize(
    "noise",
    [
        {"severity": Sev.SEV4},
        {"severity": Sev.SEV1},
        {"stateless": True},
        {"phase": RESOLVED},
        {"severity": Sev.SEV0},
    ],
)
def test_the_gravest_that_fires_is_remembered_longest(noise: dict[str, Any]) -> None:
    down = AzureAlert("down", Sev.SEV0, FIRED, "endpoint e", "", NOW)
    known = {"down": down}
    for number in range(2 * azure.KEPT):
        later = replace(down, fired=NOW + timedelta(seconds=1 + number), **noise)
        known = azure.step(known, f"{number}", later) or known
    assert len(known) == azure.KEPT
    assert ("down" in known) == (noise != {"severity": Sev.SEV0})


@pytest.mark.parametrize(
    ("alert", "later", "over"),
    [
        (seen(stateless=True), timedelta(hours=23, minutes=59), False),
        (seen(stateless=True), timedelta(days=1), True),
        (seen(), timedelta(days=29), False),
        (seen(), timedelta(days=30), True),
        (seen(RESOLVED, stateless=True), timedelta(days=40), False),
        (seen(fired=datetime.min.replace(tzinfo=UTC)), timedelta(0), True),
    ],
)
def test_what_nobody_resolves_ends(alert: AzureAlert, later: timedelta, over: bool) -> None:
    assert azure.ended({"a": alert}, NOW + later) == (["a"] if over else [])


@pytest.mark.parametrize(
    ("policy", "loud"),
    [
        ({}, ["page", "page", "ticket", None, None]),
        ({"page": [], "ticket": []}, [None] * 5),
        ({"page": ["Sev0"]}, ["page", None, "ticket", None, None]),
        ({"ticket": ["Sev2", "Sev3", "Sev4"]}, ["page", "page", "ticket", "ticket", "ticket"]),
        ({"page": ["Sev4"], "ticket": ["Sev0"]}, ["ticket", None, None, None, "page"]),
    ],
)
def test_how_loud_each_severity_is(policy: dict[str, object], loud: list[str | None]) -> None:
    rules = Policy.model_validate(policy)
    assert [rules.loudness(one) for one in Sev] == [one and Severity(one) for one in loud]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ({"page": ["Sev2"]}, "Sev2 is in page and in ticket"),
        ({"ticket": ["Sev1", "Sev0"]}, "Sev0 is in page and in ticket"),
        ({"page": ["Sev5"]}, "'Sev4'"),
        ({"page": ["sev0"]}, "'Sev0'"),
        ({"page": "Sev0"}, "tuple"),
        ({"note": ["Sev3"]}, "Extra inputs"),
    ],
)
def test_a_policy_that_says_two_things_is_refused(policy: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Policy.model_validate(policy)


@pytest.mark.parametrize(
    ("rule", "slug"),
    [
        ("High latency (P99)", "high-latency-p99"),
        ("HIGH_LATENCY / p99!", "high-latency-p99"),
        ("a" * 90, "a" * 40),
        ("--", azure.slug("--")),
        ("\ud800", azure.slug("\ud800")),
        ("", azure.slug("")),
    ],
)
def test_a_rule_s_name_becomes_part_of_a_key(rule: str, slug: str) -> None:
    assert azure.slug(rule) == slug
    assert slug.strip("-") == slug != ""
