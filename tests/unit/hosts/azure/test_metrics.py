"""An endpoint's traffic: counts from its log equal those of its lines, and from its metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from engine.errors import Refused, Unavailable
from fleet.counting import LogSource
from hosts.azure.analytics import Analytics
from hosts.azure.cloud import Cloud
from hosts.azure.metrics import Metrics, traffic_counts
from tests.doubles.loganalytics import LogAnalytics
from tests.doubles.loopback import Response
from tests.doubles.metrics import MetricsService
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = LogSource("workspace-id", "Features_CL", "delays")
ENDPOINT = (
    "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices"
    "/workspaces/ws/onlineEndpoints/delays"
)
BATCH = "POST .*getBatch"


@pytest.fixture
def region(certificates: Authority) -> Iterator[MetricsService]:
    double = MetricsService(certificates, LoopbackCredential())
    with double.service:
        for deployment, status, count in (
            ("blue", 200, 50), ("blue", 424, 3), ("blue", 429, 9), ("blue", 404, 2),
            ("green", 200, 20), ("green", 503, 1), ("green", 408, 1),
        ):  # fmt: skip
            at = [NOON + timedelta(minutes=7 * n % 120, seconds=n) for n in range(count)]
            double.add(ENDPOINT, deployment, status, at)
        yield double


@pytest.fixture
def metrics(region: MetricsService, certificates: Authority) -> Metrics:
    return Metrics(
        Cloud(region.credential, metrics=region.service.url, trusted=str(certificates.bundle))
    )


def totals(table: Any) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for row in table.to_pylist():
        requests, errors = found.get(row["deployment"], (0, 0))
        found[row["deployment"]] = (requests + row["requests"], errors + row["errors"])
    return found


def test_minutes_add_up_to_hours(metrics: Metrics) -> None:
    table = metrics.request_counts(ENDPOINT, NOON, NOON + 2 * HOUR)
    assert totals(table) == {"blue": (55, 3), "green": (22, 2)}
    assert table.num_rows == 4
    assert table["hour"].to_pylist() == [NOON, NOON, NOON + HOUR, NOON + HOUR]


def test_only_the_asked_minutes(metrics: Metrics) -> None:
    table = metrics.request_counts(ENDPOINT, NOON, NOON + timedelta(minutes=1))
    assert totals(table) == {"blue": (3, 1), "green": (3, 2)}


def test_all_series_are_asked_for(metrics: Metrics, region: MetricsService) -> None:
    """Ten would come by default."""
    for n in range(30):
        region.add(ENDPOINT, f"canary-{n}", 200, [NOON])
    assert len(totals(metrics.request_counts(ENDPOINT, NOON, NOON + HOUR))) == 32


def test_errors_of_the_metrics_service(metrics: Metrics, region: MetricsService) -> None:
    region.service.fail(BATCH, answer=Response(429, {"error": {}}, {"Retry-After": "9"}))
    with pytest.raises(Unavailable) as raised:
        metrics.request_counts(ENDPOINT, NOON, NOON + HOUR)
    assert raised.value.delay == timedelta(seconds=9)
    region.credential.revoke()
    assert metrics.request_counts(ENDPOINT, NOON, NOON + HOUR).num_rows == 2
    with pytest.raises(Refused, match=r"metrics of nothing: The resource .* not found"):
        metrics.request_counts(ENDPOINT.replace("delays", "nothing"), NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("lost", "status"),
    [("authorization", 401), ("api-version", 400), ("metricnames", 400),
     ("metricnamespace", 400), ("resourceids", 400)],
)  # fmt: skip
def test_the_double_needs_what_the_service_needs(
    metrics: Metrics, region: MetricsService, certificates: Authority, lost: str, status: int
) -> None:
    metrics.request_counts(ENDPOINT, NOON, NOON + HOUR)
    (sent,) = region.service.requests(BATCH)
    headers = {n: v for n, v in sent.headers.items() if n not in (lost, "content-length", "host")}
    answer = requests.post(
        region.service.url + sent.path, headers=headers, timeout=10,
        verify=str(certificates.bundle),
        params={name: value for name, value in sent.query.items() if name != lost},
        json={name: value for name, value in sent.json().items() if name != lost},
    )  # fmt: skip
    assert answer.status_code == status
    assert answer.json()["error"]["code"]


LINES = [
    # deployment, minutes after noon, status, milliseconds
    ("blue", 0, 200, 100), ("blue", 1, 200, 300), ("blue", 2, 424, 90), ("blue", 3, 429, 1),
    ("blue", 61, 500, 900), ("green", 2, 200, 251), ("green", 59, 408, 250), ("green", 60, 404, 10),
]  # fmt: skip


@pytest.fixture
def workspace(certificates: Authority) -> Iterator[LogAnalytics]:
    double = LogAnalytics(certificates, LoopbackCredential(), "workspace-id", NOON + 2 * HOUR)
    with double.service:
        rows = [
            {
                "TimeGenerated": NOON + timedelta(minutes=minute), "EndpointName": endpoint,
                "DeploymentName": deployment, "ResponseCode": status, "TotalDurationMs": took,
            }
            for endpoint in ("delays", "another")
            for deployment, minute, status, took in LINES
        ]  # fmt: skip
        unanswered = {**rows[0], "ResponseCode": None}
        double.add("AmlOnlineEndpointTrafficLog", [*rows, unanswered])
        yield double


@pytest.fixture
def client(workspace: LogAnalytics, certificates: Authority) -> Analytics:
    return Analytics(
        Cloud(workspace.credential, logs=workspace.service.url, trusted=str(certificates.bundle))
    )


def test_traffic_is_counted_as_its_lines_are(client: Analytics) -> None:
    limits = {"": 250.0, "fast": 99.5}
    table = traffic_counts(client, SOURCE, limits, NOON, NOON + 2 * HOUR)
    assert table.column_names == ["deployment", "hour", "requests", "errors", "over:", "over:fast"]
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("blue", NOON, 3, 1, 1, 2),
        ("green", NOON, 2, 1, 1, 2),
        ("blue", NOON + HOUR, 1, 1, 1, 1),
        ("green", NOON + HOUR, 1, 0, 0, 0),
    ]


def test_traffic_of_one_deployment_and_of_none(client: Analytics) -> None:
    one = LogSource("workspace-id", "Features_CL", "delays", "green")
    assert traffic_counts(client, one, {}, NOON, NOON + 2 * HOUR)["requests"].to_pylist() == [2, 1]
    none = LogSource("workspace-id", "Features_CL", "nobody")
    assert traffic_counts(client, none, {"": 1}, NOON, NOON + HOUR).num_rows == 0


def test_traffic_answered_in_part_is_added_up(client: Analytics, workspace: LogAnalytics) -> None:
    whole = traffic_counts(client, SOURCE, {"": 250}, NOON, NOON + 2 * HOUR)
    workspace.most_rows = 2
    assert traffic_counts(client, SOURCE, {"": 250}, NOON, NOON + 2 * HOUR).equals(whole)
