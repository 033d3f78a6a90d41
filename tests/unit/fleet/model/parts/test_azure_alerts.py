"""Alerts of Azure Monitor on a model: what fires, what is only noted, and how each of them ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine import codec
from fleet.document.policies import Fleet
from fleet.model.effects import Tell
from fleet.model.facts import AzureAlerted, Configured, Noted
from fleet.model.parts import azure_alerts
from fleet.model.state import Model
from monitoring.alerts.azure import KEPT, Phase, Sev
from monitoring.alerts.lifecycle import Severity, Status

FIRED, RESOLVED = Phase.FIRED, Phase.RESOLVED
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def alert(
    phase: Phase = FIRED, severity: Sev = Sev.SEV1, rule: str = "High latency", **more: Any
) -> AzureAlerted:
    given = {"id": "a1", "target": "endpoint shop-demand", "description": "P99 above 800 ms"}
    return AzureAlerted(rule=rule, severity=severity, phase=phase, **{**given, **more})


def told(story: Any) -> list[tuple[str, str, str]]:
    """What was told to the team about alerts of Azure Monitor."""
    notices = [one.notice for one in story.ever(Tell) if one.notice.kind == "azure"]
    return [(one.alert, one.status.value, one.severity.value) for one in notices]


LATENCY = "azure-high-latency-1"


@pytest.mark.parametrize(
    ("severity", "heard"),
    [
        (Sev.SEV0, [(LATENCY, "firing", "page"), (LATENCY, "resolved", "page")]),
        (Sev.SEV1, [(LATENCY, "firing", "page"), (LATENCY, "resolved", "page")]),
        (Sev.SEV2, [(LATENCY, "firing", "ticket"), (LATENCY, "resolved", "ticket")]),
        (Sev.SEV3, []),
        (Sev.SEV4, []),
    ],
)
def test_an_alert_becomes_what_its_severity_says_and_ends_with_it(
    begun: Any, severity: Sev, heard: list[tuple[str, str, str]]
) -> None:
    begun.tell(alert(severity=severity))
    begun.tell(alert(RESOLVED, severity), after=HOUR)
    begun.tell(after=2 * DAY)
    assert told(begun) == heard
    said = [(line["phase"], line["severity"]) for line in begun.said("azure_alert")]
    assert said == [("Fired", severity), ("Resolved", severity)]


def test_a_page_says_what_fired_and_what_happened_just_before(begun: Any) -> None:
    begun.tell(Noted("DeploymentCompleted", "endpoints/shop"), after=HOUR)
    begun.tell(alert(at=begun.now + HOUR), after=2 * HOUR)
    (notice,) = [one.notice for one in begun.owed(Tell)]
    assert (notice.status, notice.severity) == (Status.FIRING, Severity.PAGE)
    assert notice.reason == (
        "Azure Monitor: High latency fired (Sev1) on endpoint shop-demand: P99 above 800 ms"
    )
    assert notice.lines == (
        "just before: DeploymentCompleted endpoints/shop (2024-03-04 11:00 UTC); "
        "reference of v1 (2024-03-04 10:00 UTC)",
    )
    assert begun.state.happened[-1].what == "Azure alert High latency (Sev1, endpoint shop-demand)"
    assert begun.state.happened[-1].at == begun.now - HOUR


@pytest.mark.parametrize(
    ("facts", "said", "pages"),
    [
        ((alert(), alert()), [FIRED], 1),
        ((alert(), alert(description="again")), [FIRED], 1),
        ((alert(RESOLVED), alert()), [RESOLVED], 0),
        ((alert(RESOLVED), alert(RESOLVED), alert()), [RESOLVED], 0),
        ((alert(), alert(RESOLVED), alert()), [FIRED, RESOLVED], 1),
    ],
)
def test_repeats_and_late_words_change_nothing(
    begun: Any, facts: tuple[AzureAlerted, ...], said: list[Phase], pages: int
) -> None:
    for fact in facts:
        begun.tell(fact, after=timedelta(minutes=1))
    assert [line["phase"] for line in begun.said("azure_alert")] == said
    assert len(told(begun)) == pages
    begun.tell(after=2 * DAY)
    assert bool(begun.state.alerting.live) == (said[-1] is FIRED)


def test_one_alert_a_rule_lasts_until_the_last_of_it_is_resolved(begun: Any) -> None:
    begun.tell(alert(id="a1", severity=Sev.SEV2), alert(id="a2"), alert(id="b1", rule="Errors"))
    reasons = {one.notice.alert: one.notice.reason for one in begun.owed(Tell)}
    assert reasons[LATENCY].startswith("Azure Monitor: High latency fired (Sev1) on endpoint shop")
    assert ", and 1 more: P99" in reasons[LATENCY]
    begun.tell(alert(RESOLVED, id="a2"), alert(RESOLVED, id="b1", rule="Errors"), after=HOUR)
    begun.tell(after=2 * DAY)
    assert [one.id for one in begun.state.alerting.live] == [LATENCY]
    begun.tell(alert(RESOLVED, id="a1"))
    begun.tell(after=2 * DAY)
    assert begun.state.alerting.live == []


@pytest.mark.parametrize(
    ("fact", "lasts"),
    [
        (alert(stateless=True), DAY),
        (alert(severity=Sev.SEV2, stateless=True), DAY),
        (alert(), 30 * DAY),
    ],
)
def test_an_alert_that_nobody_resolves_ends_by_itself(
    begun: Any, fact: AzureAlerted, lasts: timedelta
) -> None:
    begun.tell(fact)
    begun.tell(after=lasts - HOUR)
    assert begun.state.alerting.azure["a1"].phase is FIRED
    assert begun.wake_at <= begun.now + HOUR
    begun.tell(after=HOUR)
    assert begun.said("azure_alert")[-1]["reason"] == azure_alerts.UNRESOLVED
    begun.tell(after=2 * DAY)
    assert begun.state.alerting.live == []


def test_a_time_ahead_of_ours_is_now(begun: Any) -> None:
    begun.tell(alert(at=begun.now + 9000 * DAY))
    assert begun.state.alerting.azure["a1"].fired == begun.now


def test_a_changed_policy_judges_what_fires_anew(begun: Any, resolve: Callable[..., Fleet]) -> None:
    def ruled(policy: str) -> None:
        fleet = resolve(("    trigger: {cool", f"    azure_alerts: {policy}\n    trigger: {{cool"))
        begun.watched = fleet.models["demand"]
        begun.tell(Configured(begun.watched.hash), after=HOUR)

    begun.tell(alert(severity=Sev.SEV3))
    assert told(begun) == []
    ruled("{page: [], ticket: [Sev3]}")
    assert told(begun) == [(LATENCY, "firing", "ticket")]
    ruled("{page: [], ticket: []}")
    begun.tell(after=2 * DAY)
    assert begun.state.alerting.live == []


def test_rules_and_alerts_that_a_sender_makes_up_are_bounded(begun: Any) -> None:
    for number in range(KEPT + 50):
        begun.tell(alert(id=f"a{number}", rule=f"rule {number}"), after=timedelta(minutes=1))
    azure = [key for key in begun.state.alerting.signals if key.startswith("azure-")]
    assert len(azure) == azure_alerts.MOST + 1
    assert azure_alerts.OTHERS in azure
    assert len(begun.state.alerting.azure) == KEPT
    begun.tell(after=2 * DAY)
    firing = {one.key for one in begun.state.alerting.live}
    assert firing == {azure_alerts.OTHERS}, "an alert ends when its last event is forgotten"


def test_an_alert_that_fires_often_is_one_happening(begun: Any) -> None:
    begun.tell(Noted("DeploymentCompleted", "endpoints/shop"))
    for number in range(30):
        begun.tell(alert(id=f"a{number}", severity=Sev.SEV4), after=timedelta(minutes=5))
        begun.tell(alert(RESOLVED, Sev.SEV4, id=f"a{number}"), after=timedelta(minutes=5))
    whats = [one.what for one in begun.state.happened]
    assert whats[-2:] == [
        "DeploymentCompleted endpoints/shop",
        "Azure alert High latency (Sev4, endpoint shop-demand)",
    ]
    assert begun.state.happened[-1].at == begun.now - timedelta(minutes=5)


def test_a_state_of_before_knows_of_no_alerts(begun: Any) -> None:
    stored = codec.plain(begun.state)
    assert stored["alerting"].pop("azure") == {}
    assert codec.typed(Model, stored) == begun.state
