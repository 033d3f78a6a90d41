"""Platform metrics: no error is taken for no requests, no empty minute for a zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from fleet.counting import LogSource
from hosts.azure.cloud import Cloud
from hosts.azure.logs.analytics import Analytics
from hosts.azure.logs.counting import AzureCounting
from hosts.azure.logs.metrics import Metrics
from hosts.azure.logs.platform import Platform, Resource
from tests.doubles.loganalytics import LogAnalytics
from tests.doubles.loopback import Response
from tests.doubles.metrics import KNOWN, MetricsService
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SPAN = (NOON, NOON + 2 * HOUR)
ENDPOINT = (
    "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices"
    "/workspaces/ws/onlineEndpoints/Delays"
)
BLUE, GREEN = f"{ENDPOINT}/deployments/blue", f"{ENDPOINT}/deployments/green"
BATCH = "POST .*getBatch"
CPU, CAPACITY = "CpuUtilizationPercentage", "DeploymentCapacity"
LIMITS = {"": 250.0}


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
def cloud(region: MetricsService, certificates: Authority) -> Cloud:
    return Cloud(region.credential, metrics=region.service.url, trusted=str(certificates.bundle))


@pytest.fixture
def platform(cloud: Cloud) -> Platform:
    known = {"Delays": Resource(ENDPOINT, "eastus")}
    lost = Resource(ENDPOINT.replace("Delays", "lost"), "eastus")
    return Platform(Metrics(cloud), lambda name: known.get(name, lost))


def totals(table: Any) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for row in table.to_pylist():
        requests, errors = found.get(row["deployment"], (0, 0))
        found[row["deployment"]] = (requests + row["requests"], errors + row["errors"])
    return found


def test_minutes_add_up_to_hours_without_latencies(platform: Platform) -> None:
    table = platform.traffic("Delays", *SPAN)
    assert totals(table) == {"blue": (55, 3), "green": (22, 2)}
    assert table["hour"].to_pylist() == [NOON, NOON, NOON + HOUR, NOON + HOUR]
    assert table.column_names == ["deployment", "hour", "requests", "errors"]


def test_an_hour_without_data_has_no_row(platform: Platform, region: MetricsService) -> None:
    later = NOON + timedelta(days=1)
    assert platform.traffic("Delays", later, later + HOUR).num_rows == 0
    region.put(ENDPOINT, "RequestsPerMinute", {later: 0.0}, deployment="blue", statusCode="200")
    assert totals(platform.traffic("Delays", later, later + HOUR)) == {"blue": (0, 0)}


def test_codes_of_the_model_are_added_and_not_averaged(
    platform: Platform, region: MetricsService
) -> None:
    at = NOON + timedelta(days=2)
    for code, number in (("200", 4.0), ("500", 2.0), ("", 3.0)):
        region.put(
            ENDPOINT, "RequestsPerMinute", {at: number},
            deployment="blue", statusCode="200", modelStatusCode=code,
        )  # fmt: skip
    assert totals(platform.traffic("Delays", at, at + HOUR)) == {"blue": (9, 0)}


def test_all_series_are_asked_for(platform: Platform, region: MetricsService) -> None:
    """Ten would come by default."""
    for n in range(30):
        region.add(ENDPOINT, f"canary-{n}", 200, [NOON])
    assert len(totals(platform.traffic("Delays", *SPAN))) == 32


@pytest.mark.parametrize("metric", [name for of in KNOWN.values() for name in of])
def test_an_error_of_one_metric_in_a_good_answer_is_an_error(
    platform: Platform, region: MetricsService, metric: str
) -> None:
    region.errors[metric] = "InternalServerError"
    with pytest.raises(Unavailable, match=f"of .*: {metric}: InternalServerError"):
        platform.vitals("Delays", *SPAN)


def series_of(point: Any) -> dict[str, Any]:
    names = [{"name": {"value": "deployment"}, "value": "blue"}]
    return {"metadatavalues": names, "data": [point]}


ODD: dict[str, Any] = {
    "no series": None,
    "text as a series": "x",
    "points as text": {"metadatavalues": [], "data": "x"},
    "dimensions as text": {"metadatavalues": "x", "data": []},
    "a dimension without a name": {"metadatavalues": [{"value": "blue"}], "data": []},
    "a point as text": series_of("x"),
    "a point without a time": series_of({"average": 3.0}),
    "a time that is none": series_of({"timeStamp": "noon", "average": 3.0}),
    "a value as text": series_of({"timeStamp": "2026-03-01T12:00:00Z", "average": "3"}),
    "a truth as value": series_of({"timeStamp": "2026-03-01T12:00:00Z", "average": True}),
}


def test_odd_series_and_points_are_left_out_and_told(
    platform: Platform, region: MetricsService, caplog: pytest.LogCaptureFixture
) -> None:
    region.odd = list(ODD.values())
    assert totals(platform.traffic("Delays", *SPAN)) == {"blue": (55, 3), "green": (22, 2)}
    told = f"metrics RequestsPerMinute of Delays: {len(ODD)} series or points cannot be read"
    assert told in caplog.text


def test_errors_of_the_service(platform: Platform, region: MetricsService) -> None:
    region.service.fail(BATCH, answer=Response(429, {"error": {}}, {"Retry-After": "9"}))
    with pytest.raises(Unavailable) as raised:
        platform.traffic("Delays", *SPAN)
    assert raised.value.delay == timedelta(seconds=9)
    region.service.fail(BATCH, answer=Response(403, {"error": {}}))
    with pytest.raises(Unavailable, match="role"):
        platform.traffic("Delays", *SPAN)
    region.service.fail(BATCH, answer=Response(400, {"error": {"message": "no such metric"}}))
    with pytest.raises(Refused, match="no such metric"):
        platform.traffic("Delays", *SPAN)
    region.credential.revoke()
    assert totals(platform.traffic("Delays", *SPAN))["blue"] == (55, 3)
    with pytest.raises(Refused, match=r"of lost: The resource .* was not found"):
        platform.traffic("lost", *SPAN)


def test_vitals_of_each_deployment(platform: Platform, region: MetricsService) -> None:
    for instance, used in (("a", 20.0), ("b", 95.0)):
        region.put(BLUE, CPU, {NOON: used, NOON + 9 * MINUTE: used / 2}, instanceId=instance)
    region.put(BLUE, CAPACITY, {NOON: 2.0})
    region.put(ENDPOINT, "RequestLatency_P99", {NOON: 80.0, NOON + HOUR: 310.5}, deployment="blue")
    dropped = "DataCollectionErrorsPerMinute"
    for kind in ("inputs", "outputs"):
        region.put(
            ENDPOINT, dropped, {NOON: 4.0, NOON + MINUTE: 0.0},
            deployment="green", reason="Throttled", type=kind,
        )  # fmt: skip
    blue, green = platform.vitals("Delays", *SPAN)
    assert (blue.deployment, blue.requests, blue.throttled) == ("blue", 55, 9)
    assert (blue.use, blue.instances, blue.p99) == ({"CPU": (95.0, 47.5)}, 2.0, 310.5)
    assert blue.dropped == {}
    assert (green.requests, green.throttled, green.use) == (22, 0, {})
    assert (green.dropped, green.instances, green.p99) == ({"Throttled": 8}, None, None)


def asked_for_requests(region: MetricsService) -> int:
    asked = [one.query["metricnames"] for one in region.service.requests(BATCH)]
    return asked.count("RequestsPerMinute")


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        (SPAN, 1),
        ((NOON + HOUR, NOON + 2 * HOUR), 1),
        ((NOON, NOON + HOUR), 1),
        ((NOON - HOUR, NOON + HOUR), 2),
        ((NOON + HOUR, NOON + 3 * HOUR), 2),
    ],
)
def test_requests_of_a_time_are_asked_for_once(
    cloud: Cloud, platform: Platform, region: MetricsService,
    part: tuple[datetime, datetime], asked: int,
) -> None:  # fmt: skip
    alone = Platform(Metrics(cloud), lambda _: Resource(ENDPOINT, "eastus")).vitals("Delays", *part)
    region.service.exchanges.clear()
    platform.traffic("Delays", *SPAN)
    assert platform.vitals("Delays", *part) == alone
    assert asked_for_requests(region) == asked
    assert platform.vitals("Delays", *part) == alone
    assert asked_for_requests(region) == asked + 1, "an answer is used once, and never when old"


def test_an_endpoint_without_requests_has_no_vitals(platform: Platform) -> None:
    assert platform.vitals("Delays", NOON - HOUR, NOON) == ()


# Beside a request log


@pytest.fixture
def log(certificates: Authority, cloud: Cloud) -> Iterator[LogAnalytics]:
    credential = cloud.credential
    assert isinstance(credential, LoopbackCredential)
    double = LogAnalytics(certificates, credential, "w", NOON + 2 * HOUR)
    with double.service:
        yield double


def counting(log: LogAnalytics, cloud: Cloud, platform: Platform, workspace: str) -> AzureCounting:
    reached = Cloud(cloud.credential, logs=log.service.url, trusted=cloud.trusted)
    return AzureCounting(Analytics(reached), workspace, platform)


SOURCE = LogSource("", "", "Delays")


def test_metrics_take_the_place_of_a_log_that_is_not_kept(
    log: LogAnalytics, cloud: Cloud, platform: Platform
) -> None:
    kept = counting(log, cloud, platform, "w")
    assert totals(kept.traffic(SOURCE, LIMITS, *SPAN))["blue"] == (55, 3)
    none = counting(log, cloud, platform, "")
    assert totals(none.traffic(SOURCE, LIMITS, *SPAN))["blue"] == (55, 3)
    log.service.fail(
        "POST .*query",
        answer=Response(400, {"error": {"innererror": {"code": "SemanticError", "message": "?"}}}),
    )
    assert totals(kept.traffic(SOURCE, LIMITS, *SPAN))["blue"] == (55, 3)
    line = {
        "TimeGenerated": NOON, "EndpointName": "delays", "DeploymentName": "blue",
        "ResponseCode": 200, "TotalDurationMs": 300,
    }  # fmt: skip
    log.add("AmlOnlineEndpointTrafficLog", [line])
    found = kept.traffic(SOURCE, LIMITS, *SPAN)
    assert (totals(found), found["over:"].to_pylist()) == ({"blue": (1, 0)}, [1])


def test_a_quiet_hour_of_a_log_is_quiet_where_the_metrics_have_no_data(
    log: LogAnalytics, cloud: Cloud, platform: Platform
) -> None:
    found = counting(log, cloud, platform, "w").traffic(SOURCE, LIMITS, NOON - HOUR, NOON)
    assert (found.num_rows, "over:" in found.column_names) == (0, True)


def test_a_failing_metric_is_not_a_quiet_hour(
    log: LogAnalytics, cloud: Cloud, platform: Platform, region: MetricsService
) -> None:
    region.errors["RequestsPerMinute"] = "Throttled"
    for workspace in ("w", ""):
        with pytest.raises(Unavailable, match="RequestsPerMinute: Throttled"):
            counting(log, cloud, platform, workspace).traffic(SOURCE, LIMITS, *SPAN)


def test_rows_need_a_workspace(log: LogAnalytics, cloud: Cloud, platform: Platform) -> None:
    with pytest.raises(Unavailable, match="DRIFTWARDEN_LOG_ANALYTICS_WORKSPACE_ID not set"):
        counting(log, cloud, platform, "").rows(LogSource("", "Features_CL", "e"), *SPAN, [])
