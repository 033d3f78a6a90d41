"""Alerts of Azure Monitor: whom each kind concerns, what is nobody's, and what is no alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import Refused
from engine.step import Delivery
from fleet import azure_alerts
from fleet.azure_resources import Resources
from fleet.document.policies import Fleet
from fleet.model.facts import AzureAlerted
from monitoring.alerts.azure import AzureAlert, Phase, Sev
from tests.doubles.azure_alerts import (
    ENDPOINT,
    LOWER,
    NAME,
    SUBSCRIPTION,
    WORKSPACE,
    element,
    payload,
    resolved,
)

FIRED = datetime(2024, 3, 4, 9, 58, 24, 371321, tzinfo=UTC)
OTHER = SUBSCRIPTION.replace("1", "2")


@pytest.fixture
def ours(fleet: Fleet) -> Resources:
    return Resources(fleet, WORKSPACE)


def told(document: Any, ours: Resources) -> dict[str, AzureAlerted]:
    return {one.partition: one.fact for one in azure_alerts.notified(document, ours)}


@pytest.mark.parametrize(
    ("kind", "models", "severity", "target", "stateless"),
    [
        ("metric", ["demand"], "Sev1", "endpoint shop-demand", False),
        ("log search", ["demand"], "Sev2", "endpoint shop-demand", False),
        ("activity log", ["demand"], "Sev4", "endpoint shop-demand", True),
        ("service health", ["demand", "fraud"], "Sev4", "the subscription", True),
        ("resource health", ["demand", "fraud"], "Sev1", "workspace ml", True),
        ("prometheus", ["demand"], "Sev0", "deployment v1 of endpoint shop-demand", False),
    ],
)
def test_every_kind_of_alert_reaches_the_models_that_it_is_about(
    ours: Resources, kind: str, models: list[str], severity: str, target: str, stateless: bool
) -> None:
    facts = told(payload(kind), ours)
    assert list(facts) == models
    for fact in facts.values():
        assert (fact.severity, fact.phase, fact.target) == (severity, "Fired", target)
        assert (fact.at, fact.id, fact.stateless) == (FIRED, NAME, stateless)
    again = {one.partition: one.fact for one in azure_alerts.listed(element(kind), ours)}
    assert again == facts, "the list tells the same"


def test_an_end_has_its_own_time_and_delivery(ours: Resources) -> None:
    (begin,) = azure_alerts.notified(payload(), ours)
    (end,) = azure_alerts.notified(resolved(), ours)
    assert begin.id == f"azure-alert:Fired:{NAME}" != end.id
    assert isinstance(end.fact, AzureAlerted)
    assert end.fact.at == datetime(2024, 3, 4, 10, 30, 0, 123456, tzinfo=UTC)


def targets(*ids: str) -> dict[str, Any]:
    return {"alertTargetIDs": list(ids), "configurationItems": []}


LOGS = f"{SUBSCRIPTION}/resourceGroups/rg-ml/providers"
#: Targets of Driftwarden's own watchdog are among them: its alerts never come back as facts.
NOBODYS = {
    "the app's own telemetry": targets(f"{LOGS}/microsoft.insights/components/driftwarden"),
    "the app's own log workspace": targets(f"{LOGS}/Microsoft.OperationalInsights/workspaces/ML"),
    "the app itself": targets(f"{LOGS}/Microsoft.Web/sites/driftwarden"),
    "the app's own rule": targets(f"{LOGS}/microsoft.insights/scheduledqueryrules/driftwarden"),
    "another endpoint": targets(ENDPOINT + "-2"),
    "an endpoint of another workspace": targets(ENDPOINT.replace("/ML/", "/ML2/")),
    "an endpoint of another subscription": targets(ENDPOINT.replace(SUBSCRIPTION, OTHER)),
    "a job of the workspace": targets(f"{WORKSPACE}/jobs/shop-demand"),
    "below a deployment": targets(f"{ENDPOINT}/deployments/v1/x/y"),
    "the subscription, but not its health": targets(SUBSCRIPTION),
    "a machine": targets(f"{LOGS}/Microsoft.Compute/virtualMachines/wcus-r2-gen2"),
    "no id": targets("shop-demand", "onlineEndpoints/shop-demand"),
    "nothing": {"alertTargetIDs": None, "configurationItems": None},
    "no field": {"alertTargetIDs": ..., "configurationItems": ...},
    "a cost alert": {
        "alertTargetIDs": None, "alertRule": None, "severity": None, "monitorCondition": None,
        "signalType": None, "monitoringService": "CostAlerts", "configurationItems": ["budgets"],
    },
}  # fmt: skip


@pytest.mark.parametrize("case", NOBODYS)
def test_an_alert_on_resources_of_others_is_nobodys(ours: Resources, case: str) -> None:
    assert told(payload(**NOBODYS[case]), ours) == {}


def test_health_of_another_subscription_is_nobodys(ours: Resources) -> None:
    assert told(payload("service health", **targets(OTHER)), ours) == {}


OURS = {
    "as Azure writes it": targets(ENDPOINT),
    "in lower case": targets(LOWER),
    "in upper case": targets(ENDPOINT.upper()),
    "with a slash": targets(ENDPOINT + "/"),
    "a deployment": targets(f"{LOWER}/deployments/V1"),
    "a batch endpoint": targets(LOWER.replace("online", "batch")),
    "among others": targets(f"{LOGS}/Microsoft.Web/sites/x", ENDPOINT, LOWER),
    "a configuration item": {"alertTargetIDs": [], "configurationItems": ["x", ENDPOINT]},
}  # fmt: skip


@pytest.mark.parametrize("case", OURS)
def test_ids_are_compared_whatever_their_case(ours: Resources, case: str) -> None:
    assert list(told(payload(**OURS[case]), ours)) == ["demand"]


def test_without_a_known_workspace_an_endpoint_of_any_is_ours(fleet: Fleet) -> None:
    anywhere = targets(ENDPOINT.replace("/ML/", "/elsewhere/"))
    assert list(told(payload(**anywhere), Resources(fleet))) == ["demand"]
    assert list(told(payload("service health"), Resources(fleet))) == ["demand", "fraud"]


def essentials(value: Any) -> dict[str, Any]:
    return {"schemaId": azure_alerts.SCHEMA, "data": {"essentials": value}}


REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([payload()], "azure alert is list"),
    "nothing": (None, "azure alert is NoneType"),
    "another schema": ({**payload(), "schemaId": "AzureMonitorMetricAlert"}, "enable the common"),
    "no schema": ({"data": {"context": {}}}, "schemaId is 'None'"),
    "an event": ({"id": "1", "eventType": "x"}, "enable the common alert schema"),
    "no data": ({"schemaId": azure_alerts.SCHEMA}, "data is NoneType, an object"),
    "data as a list": ({"schemaId": azure_alerts.SCHEMA, "data": [1]}, "data is list"),
    "no essentials": ({"schemaId": azure_alerts.SCHEMA, "data": {}}, "data.essentials is NoneType"),
    "essentials as text": (essentials("x"), "data.essentials is str"),
    "no id": (payload(alertId=None), "alertid is missing"),
    "an empty id": (payload(alertId="//"), "alertid is missing"),
    "no rule": (payload(alertRule=7), "alertrule is missing"),
    "no condition": (payload(monitorCondition=...), "monitorcondition is missing"),
    "another condition": (payload(monitorCondition="Fried"), "'Fried'; Fired, Resolved are known"),
    "another severity": (payload(severity="Sev9"), "'Sev9'; Sev0, Sev1"),
    "a number as severity": (payload(severity=1), "severity is missing"),
    "no time": (payload(firedDateTime="yesterday"), "'yesterday' is not an ISO 8601"),
    "a number as time": (payload(firedDateTime=1709546304), "is not an ISO 8601"),
    "a time beyond UTC": (payload(firedDateTime="9999-12-31T23:59:59-14:00"), "not an ISO 8601"),
    "text as targets": (payload(alertTargetIDs=LOWER), "alerttargetids is str, a list is expected"),
    "numbers as targets": (payload(**{**targets(), "alertTargetIDs": [1]}), "a target is int"),
    "ten thousand targets": (payload(alertTargetIDs=[LOWER] * 10_000), "1000 at most"),
    "an endless target": (payload(**targets("/" + "x" * 9999)), "10000 characters"),
    "control characters": (payload(alertRule="a\x1b[2J"), "control characters"),
    "half a pair": (payload(**targets("/\ud800", "/\udfff")), "surrogate"),
    "an object as description": (payload(description={"a": 1}), "description is dict"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_alert_is_refused_in_one_line(ours: Resources, case: str) -> None:
    document, reason = REFUSED[case]
    with pytest.raises(Refused) as refused:
        azure_alerts.notified(document, ours)
    assert reason in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


ODD: dict[str, Any] = {
    "a number": 7,
    "nothing": None,
    "an object": {"id": LOWER},
    "a list of ours": [LOWER],
    "control characters": "/a\x1b[2J",
    "half a pair": "/\ud800",
    "an endless text": "/" + "x" * 9999,
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("field", ["alertTargetIDs", "configurationItems"])
def test_an_odd_target_beside_ours_is_counted(ours: Resources, case: str, field: str) -> None:
    document = payload(**{**targets(ENDPOINT), field: [ODD[case], ENDPOINT, ODD[case]]})
    counted: list[int] = []
    (found,) = azure_alerts.notified(document, ours, counted.append)
    assert (found.partition, counted) == ("demand", [2])
    azure_alerts.notified(payload(), ours, counted.append)
    assert counted == [2], "nothing odd is not counted"


def test_keys_and_words_are_read_whatever_their_case(ours: Resources) -> None:
    shouted = {key.upper(): value for key, value in payload()["data"]["essentials"].items()}
    shouted |= {"SEVERITY": "SEV1", "MONITORCONDITION": "FIRED"}
    document = {"SchemaId": "AZUREMONITORCOMMONALERTSCHEMA", "Data": {"Essentials": shouted}}
    assert told(document, ours) == told(payload(), ours)


def test_a_description_is_one_bounded_line(ours: Resources) -> None:
    fact = told(payload(description="a\r\n\x1b[2Jb \u202e" + "x" * 9000), ours)["demand"]
    assert fact.description.startswith("a \\x1b[2Jb \\u202exxx")
    assert len(fact.description) <= azure_alerts.DESCRIBED


@pytest.mark.parametrize(
    ("changes", "phase"),
    [
        ({}, "Fired"),
        ({"alertState": "Acknowledged"}, "Fired"),
        ({"alertState": "Closed"}, "Resolved"),
        ({"monitorCondition": "Resolved"}, "Resolved"),
        ({"monitorConditionResolvedDateTime": "2024-03-04T10:00:00Z"}, "Fired"),
    ],
)
def test_an_alert_that_was_closed_by_hand_has_ended(
    ours: Resources, changes: dict[str, str], phase: str
) -> None:
    (found,) = azure_alerts.listed(element(**changes), ours)
    assert isinstance(found.fact, AzureAlerted)
    assert found.fact.phase == phase


def known(phase: Phase) -> dict[str, AzureAlert]:
    return {NAME: AzureAlert("r", Sev.SEV1, phase, "endpoint shop-demand", "", FIRED)}


@pytest.mark.parametrize(
    ("document", "before", "later", "news"),
    [
        (element(), {}, timedelta(0), True),
        (element(), {}, timedelta(days=20), True),
        (element(), known(Phase.FIRED), timedelta(0), False),
        (element(), known(Phase.RESOLVED), timedelta(0), False),
        (element(monitorCondition="Resolved"), {}, timedelta(0), False),
        (element(monitorCondition="Resolved"), known(Phase.FIRED), timedelta(0), True),
        (element(monitorCondition="Resolved"), known(Phase.RESOLVED), timedelta(0), False),
        (element(alertState="Closed"), known(Phase.FIRED), timedelta(0), True),
        (element("activity log"), {}, timedelta(hours=2), True),
        (element("activity log"), {}, timedelta(days=2), False),
    ],
)
def test_only_what_was_missed_is_delivered(
    ours: Resources,
    document: Any,
    before: dict[str, AzureAlert],
    later: timedelta,
    news: bool,
) -> None:
    found: list[Delivery] = azure_alerts.listed(document, ours)
    assert len(list(azure_alerts.missed(found, lambda _: before, FIRED + later))) == news
