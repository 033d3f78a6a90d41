"""The list of Azure Monitor's alerts: every page, and what becomes of it where that goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.alerts import AzureAlerts
from hosts.azure.cloud import Cloud
from hosts.azure.settings import Settings
from tests.doubles.azure_alerts import AlertsManagement, element
from tests.doubles.loopback import Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

SETTINGS = Settings("sub-1", "rg-ml", "ml", "https://topic", "logs")
LIST = "GET .*/alerts"


@pytest.fixture
def service(certificates: Authority, outside: None) -> Iterator[AlertsManagement]:
    with AlertsManagement(certificates, LoopbackCredential()) as double:
        double.alerts = [element(severity=f"Sev{number}") for number in range(5)]
        yield double


@pytest.fixture
def alerts(service: AlertsManagement, certificates: Authority) -> Iterator[AzureAlerts]:
    metadata = {"resource_manager": f"{service.url}/"}
    cloud = Cloud(service.credential, metadata=metadata, trusted=str(certificates.bundle))
    opened = AzureAlerts(cloud, SETTINGS)
    yield opened
    opened.close()


def test_every_page_of_the_resource_group_is_read(
    service: AlertsManagement, alerts: AzureAlerts
) -> None:
    assert list(alerts.listed()) == service.alerts
    asked = service.requests()
    assert {one.path for one in asked} == {
        "/subscriptions/sub-1/resourceGroups/rg-ml/providers/Microsoft.AlertsManagement/alerts"
    }
    assert len(asked) == 3
    assert asked[0].query["timeRange"] == "30d"


def test_an_expired_token_is_renewed(service: AlertsManagement, alerts: AzureAlerts) -> None:
    list(alerts.listed())
    service.credential.revoke()
    with pytest.raises(Unavailable, match="token was rejected"):
        list(alerts.listed())
    assert list(alerts.listed()) == service.alerts


FORBIDDEN = (
    "The client does not have authorization to perform action "
    "'Microsoft.AlertsManagement/alerts/read' over scope '/subscriptions/sub-1'."
)


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (
            Response(403, {"error": {"code": "AuthorizationFailed", "message": FORBIDDEN}}),
            Refused,
            "needs Microsoft.AlertsManagement/alerts/read",
        ),
        (Response(403, {}), Refused, "role Monitoring Reader"),
        (Response(429, {}, {"Retry-After": "17"}), Unavailable, "alerts of /subscriptions/sub-1"),
        (Response(503, {}), Unavailable, "alerts of /subscriptions/sub-1"),
        (Response(404, {"error": {"code": "ResourceGroupNotFound"}}), Refused, "rg-ml"),
        (Response(200, b"<html>"), Unavailable, "the answer is no list"),
        (Response(200, {"value": None}), Unavailable, "the answer is no list"),
        (Response(200, [1]), Unavailable, "the answer is no list"),
        (
            Response(200, {"value": [], "nextLink": "https://elsewhere.example/x"}),
            Refused,
            "the next page is on elsewhere.example",
        ),
    ],
)
def test_what_is_no_list(
    service: AlertsManagement,
    alerts: AzureAlerts,
    answer: Response,
    error: type[Exception],
    reason: str,
) -> None:
    service.fail(LIST, answer=answer)
    with pytest.raises(error, match=reason) as raised:
        list(alerts.listed())
    assert len(str(raised.value).splitlines()) == 1
    assert "loopback-1" not in str(raised.value)


def test_a_list_without_end_is_left_in_time(
    service: AlertsManagement, alerts: AzureAlerts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hosts.azure.alerts.PAGES", 2)
    found: list[Any] = list(alerts.listed())
    assert found == service.alerts[:4]


def test_a_dropped_connection_is_tried_later(
    service: AlertsManagement, alerts: AzureAlerts
) -> None:
    service.fail(LIST)
    with pytest.raises(Unavailable):
        list(alerts.listed())
