"""An endpoint's traffic: counts from its log equal those of its lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from fleet.counting import LogSource
from hosts.azure.cloud import Cloud
from hosts.azure.logs.analytics import Analytics
from hosts.azure.logs.traffic import traffic_counts
from monitoring.intake.own import GUID
from tests.doubles.loganalytics import TABLES, LogAnalytics
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = LogSource("workspace-id", "Features_CL", "delays")


LINES = [
    # deployment, minutes after noon, status, milliseconds
    ("blue", 0, 200, 100), ("blue", 1, 200, 300), ("blue", 2, 424, 90), ("blue", 3, 429, 1),
    ("blue", 61, 500, 900), ("green", 2, 200, 251), ("green", 59, 408, 250), ("green", 60, 404, 10),
]  # fmt: skip


#: Requests of our own, by one of their ids.
OURS = [
    {"XMSClientRequestId": "driftwarden-0011223344556677889900aabbcc"},
    {"XRequestId": f"{GUID}677-8899-aabbccddeeff"},
    {"XMSClientRequestId": "Driftwarden-1", "XRequestId": "else"},
    {"XMSClientRequestId": "x", "XRequestId": GUID},
]


@pytest.fixture(params=["int", "string"])
def workspace(
    request: pytest.FixtureRequest, certificates: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LogAnalytics]:
    """The codes are int in the table's reference, and strings in Microsoft's sample queries."""
    code = int if request.param == "int" else str
    monkeypatch.setitem(TABLES["AmlOnlineEndpointTrafficLog"], "ResponseCode", request.param)
    double = LogAnalytics(certificates, LoopbackCredential(), "workspace-id", NOON + 2 * HOUR)
    with double.service:
        rows = [
            {
                "TimeGenerated": NOON + timedelta(minutes=minute), "EndpointName": endpoint,
                "DeploymentName": deployment, "ResponseCode": code(status), "TotalDurationMs": took,
                "XRequestId": "theirs", "XMSClientRequestId": "mine",
            }
            for endpoint in ("delays", "another")
            for deployment, minute, status, took in LINES
        ]  # fmt: skip
        unanswered = {**rows[0], "ResponseCode": None}
        ours = [{**rows[0], **ids} for ids in OURS]
        double.add("AmlOnlineEndpointTrafficLog", [*rows, unanswered, *ours])
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
