"""Alerts as Azure Monitor sends them, by kind, and its list of them on loopback.

Sources: Microsoft Learn, "Sample alert payloads" (left out is what no reader of the essentials
needs of the context); azure-rest-api-specs, alertsmanagement, 2019-03-01.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.doubles.loopback import BadRequest, Loopback, Request, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"
WORKSPACE = (
    f"{SUBSCRIPTION}/resourceGroups/rg-ml/providers/Microsoft.MachineLearningServices/workspaces/ML"
)
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/shop-demand"
#: Services write the ids of resources in lower case, or half of them.
LOWER = ENDPOINT.lower()
NAME = "7f3c1a52-0000-4000-8000-0000000000a1"

#: Fields of the essentials that differ from kind to kind, and the context.
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "metric": (
        {
            "alertRule": "High latency (P99)", "severity": "Sev1", "signalType": "Metric",
            "monitoringService": "Platform", "alertTargetIDs": [LOWER],
            "configurationItems": ["shop-demand"],
            "originAlertId": "11111111_rg-ml_microsoft.insights_metricAlerts_High latency_-117",
            "description": "P99 above 800 ms", "alertRuleID": f"{SUBSCRIPTION}/x/metricAlerts/High",
        },
        {
            "properties": None, "conditionType": "SingleResourceMultipleMetricCriteria",
            "condition": {
                "windowSize": "PT5M",
                "allOf": [
                    {
                        "metricName": "RequestLatency_P99", "operator": "GreaterThan",
                        "threshold": "800", "timeAggregation": "Average", "metricValue": 913.25,
                        "dimensions": [{"name": "deployment", "value": "v1"}],
                    }
                ],
            },
        },
    ),
    "log search": (
        {
            "alertRule": "errors-by-endpoint", "severity": "Sev2", "signalType": "Log",
            "monitoringService": "Log Alerts V2", "alertTargetIDs": [LOWER],
            "configurationItems": [LOWER], "originAlertId": "b9569717-0000-4000-8000-83a997729330",
            "description": "more than 5 % errors",
        },
        {
            "properties": {}, "conditionType": "LogQueryCriteria",
            "condition": {
                "windowSize": "PT1H",
                "allOf": [
                    {
                        "searchQuery": "AmlOnlineEndpointTrafficLog", "metricMeasureColumn": "n",
                        "operator": "GreaterThan", "threshold": "5", "metricValue": 11.3,
                        "dimensions": [{"name": "DeploymentName", "value": "v1"}],
                    }
                ],
                "windowStartTime": "2024-03-04T08:00:00Z", "windowEndTime": "2024-03-04T09:00:00Z",
            },
        },
    ),
    "activity log": (
        {
            "alertRule": "endpoint-changed", "severity": "Sev4", "signalType": "Activity Log",
            "monitoringService": "Activity Log - Administrative", "alertTargetIDs": [ENDPOINT],
            "configurationItems": ["shop-demand"],
            "originAlertId": "bba63182_1a2b", "description": "",
        },
        {
            "authorization": {"action": f"{WORKSPACE}/onlineEndpoints/write", "scope": ENDPOINT},
            "channels": "Operation", "caller": "ada@example.com", "level": "Informational",
            "operationName": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write",
            "status": "Succeeded", "subStatus": "",
        },
    ),
    "service health": (
        {
            "alertRule": "test-ServiceHealthAlertRule", "severity": "Sev4",
            "signalType": "ActivityLog", "monitoringService": "ServiceHealth",
            "alertTargetIDs": [SUBSCRIPTION], "configurationItems": None,
            "originAlertId": "12345678-0000-4000-8000-1234567890ab", "description": "ML degraded",
        },
        {
            "eventSource": 2, "level": 3,
            "operationName": "Microsoft.ServiceHealth/incident/action",
            "properties": {
                "title": "Azure Machine Learning degraded", "service": "Machine Learning Services",
                "region": "West Europe", "incidentType": "Incident", "trackingId": "TEST-TTT",
                "communication": "<p>We are looking into it.</p>", "stage": "Active",
            },
            "status": "Active",
        },
    ),
    "resource health": (
        {
            "alertRule": "workspace-unavailable", "severity": "Sev1", "signalType": "Activity Log",
            "monitoringService": "Resource Health", "alertTargetIDs": [WORKSPACE.lower()],
            "configurationItems": ["ml"], "originAlertId": "2d7f5f0e", "description": "",
        },
        {"properties": {"currentHealthStatus": "Unavailable", "cause": "PlatformInitiated"}},
    ),
    "prometheus": (
        {
            "alertRule": "SlowGroup/Endpoint is slow", "severity": "Sev0", "signalType": "Metric",
            "monitoringService": "Prometheus",
            "alertTargetIDs": [
                f"{SUBSCRIPTION.lower()}/resourcegroups/mon/providers/microsoft.monitor/accounts/p",
                f"{LOWER}/deployments/v1",
            ],
            "configurationItems": ["aks0001"], "originAlertId": "3b72be0b-4bcb-3713-ee7c",
            "description": "slow",
        },
        {
            "interval": "PT5M", "expression": "histogram_quantile(.99, rate(x[5m])) > 1",
            "expressionValue": "1.7", "for": "PT5M", "labels": {"alertname": "Endpoint is slow"},
            "annotations": {}, "ruleGroup": f"{SUBSCRIPTION}/x/prometheusRuleGroups/SlowGroup",
        },
    ),
}  # fmt: skip


def payload(kind: str = "metric", **changes: Any) -> dict[str, Any]:
    """Return an alert of a kind that fired; `changes` replace fields of its essentials."""
    essentials, context = copy.deepcopy(KINDS[kind])
    common = {
        "alertId": f"{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/{NAME}",
        "monitorCondition": "Fired", "firedDateTime": "2024-03-04T09:58:24.3713213Z",
        "essentialsVersion": "1.0", "alertContextVersion": "1.0",
    }  # fmt: skip
    told = {**common, **essentials, **changes}
    told = {name: value for name, value in told.items() if value is not Ellipsis}
    data = {"essentials": told, "alertContext": context, "customProperties": None}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def element(kind: str = "metric", **changes: Any) -> dict[str, Any]:
    """Return the same alert as the list of alerts has it."""
    told, _ = KINDS[kind]
    target = str(told["alertTargetIDs"][-1])
    essentials = {
        "severity": told["severity"], "signalType": told["signalType"], "alertState": "New",
        "monitorCondition": "Fired", "targetResource": target, "targetResourceName": "shop-demand",
        "monitorService": told["monitoringService"], "description": told["description"],
        "alertRule": f"{SUBSCRIPTION}/resourceGroups/rg-ml/providers/x/rules/{told['alertRule']}",
        "startDateTime": "2024-03-04T09:58:24.3713213Z",
        "lastModifiedDateTime": "2024-03-04T09:58:24.3713213Z", **changes,
    }  # fmt: skip
    return {
        "id": f"{target}/providers/Microsoft.AlertsManagement/alerts/{NAME.upper()}",
        "name": told["alertRule"],
        "type": "Microsoft.AlertsManagement/alerts",
        "properties": {"essentials": essentials},
    }


def resolved(kind: str = "metric", at: str = "2024-03-04T10:30:00.1234567Z") -> dict[str, Any]:
    """Return the same alert of a kind at its end."""
    return payload(kind, monitorCondition="Resolved", resolvedDateTime=at)


class AlertsManagement(Loopback):
    """The list of alerts of Resource Manager, in pages of `size`; `alerts` are its elements."""

    def __init__(self, authority: Authority, credential: LoopbackCredential) -> None:
        super().__init__(authority)
        self.credential = credential
        self.alerts: list[dict[str, Any]] = []
        self.size = 2
        path = r"(?P<scope>/subscriptions/[^/]+(/resourceGroups/[^/]+)?)/providers/"
        self.route("GET", path + "Microsoft.AlertsManagement/alerts", self._list)

    def _list(self, request: Request) -> Response:
        if request.headers.get("authorization") != self.credential.bearer:
            raise BadRequest("AuthenticationFailed", "Authentication failed.", 401)
        if request.query.get("api-version") != "2019-03-01":
            raise BadRequest("InvalidApiVersionParameter", "The api-version is not supported.")
        if not 1 <= int(request.query.get("pageCount", "25")) <= 250:
            raise BadRequest("BadRequest", "pageCount has to be between 1 and 250.")
        first = int(request.query.get("ctoken", "0"))
        body: dict[str, Any] = {"value": self.alerts[first : first + self.size]}
        if first + self.size < len(self.alerts):
            kept = "&".join(f"{key}={request.query[key]}" for key in ("api-version", "pageCount"))
            body["nextLink"] = f"{self.url}{request.path}?{kept}&ctoken={first + self.size}"
        return Response(200, body)
