"""What becomes of a query where the service fails, is slow, or answers in part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import requests

from engine.errors import Broken, Refused, Unavailable
from fleet.counting import LogSource
from hosts.azure.cloud import Cloud
from hosts.azure.logs import analytics as module
from hosts.azure.logs.analytics import Analytics
from monitoring.drift.binning import CategoricalBins, NumericBins
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from tests.doubles.loganalytics import LogAnalytics, partial
from tests.doubles.loopback import Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = LogSource("workspace-id", "Features_CL", "delays")
RULER = Ruler({"x": NumericBins((10.0, 20.0))})
QUERY = "POST .*/query"


@pytest.fixture
def workspace(certificates: Authority) -> Iterator[LogAnalytics]:
    double = LogAnalytics(certificates, LoopbackCredential(), "workspace-id", NOON + 2 * HOUR)
    with double.service:
        double.add("Features_CL", minutes(60))
        yield double


@pytest.fixture
def client(workspace: LogAnalytics, certificates: Authority) -> Analytics:
    return Analytics(
        Cloud(workspace.credential, logs=workspace.service.url, trusted=str(certificates.bundle))
    )


def minutes(count: int) -> list[dict[str, Any]]:
    return [
        {
            "TimeGenerated": NOON + timedelta(minutes=n), "CorrelationId": f"{n:03d}",
            "RowIndex": 0, "Endpoint": "delays", "Features": {"x": n, "who": f"person {n}"},
        }
        for n in range(count)
    ]  # fmt: skip


def of(count: int) -> Any:
    return sketch(pa.table({"x": list(range(count))}), RULER)


def test_an_answer_in_part_is_never_taken_for_the_whole(
    client: Analytics, workspace: LogAnalytics
) -> None:
    """Half of it fails again, for a reason that passes: nothing is lost, nothing counted twice."""
    columns = [{"name": name, "type": "long"} for name in ("feature", "bin", "level", "n")]
    rows = [[-1, 0, "", 7], [0, 0, "", 7]]
    cut = {
        "tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}],
        "error": partial("a node went away"),
    }
    workspace.service.fail(QUERY, answer=Response(200, cut), times=2)
    assert client.count(SOURCE, RULER, NOON, NOON + HOUR) == of(60)
    assert len(workspace.service.requests(QUERY)) == 5


def test_an_answer_too_long_is_asked_for_in_pieces(
    client: Analytics, workspace: LogAnalytics
) -> None:
    workspace.most_rows = 40
    rows = client.rows(SOURCE, NOON, NOON + HOUR, ["x"])
    assert rows["x"].to_pylist() == list(range(60))
    redacted = Ruler({"who": CategoricalBins.of({"person 3": 1}, "salt")})
    assert client.count(SOURCE, redacted, NOON, NOON + HOUR).counts.tolist() == [1, 59, 0]


def test_as_many_rows_as_an_answer_holds_may_not_be_all(
    client: Analytics, workspace: LogAnalytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 30)
    assert client.rows(SOURCE, NOON, NOON + HOUR, ["x"]).num_rows == 60
    assert len(workspace.queries) > 2


def test_more_bytes_than_an_answer_holds(client: Analytics, workspace: LogAnalytics) -> None:
    workspace.most_bytes = 3_000
    assert client.rows(SOURCE, NOON, NOON + HOUR, ["x"]).num_rows == 60


def test_too_many_rows_in_a_second_are_refused(client: Analytics, workspace: LogAnalytics) -> None:
    workspace.add("Features_CL", [{**row, "TimeGenerated": NOON} for row in minutes(20)])
    workspace.most_rows = 10
    with pytest.raises(Refused, match=r"Features_CL: 1 s from 2026-03-01T12:00:00Z.*count them"):
        client.rows(SOURCE, NOON, NOON + timedelta(seconds=8), ["x"])


def test_a_part_that_never_becomes_whole_is_the_services_fault(
    client: Analytics, workspace: LogAnalytics
) -> None:
    body = {"tables": [{"name": "PrimaryResult", "columns": [], "rows": []}]}
    cut = Response(200, {**body, "error": partial("a node went away")})
    workspace.service.fail(QUERY, answer=cut, times=99)
    with pytest.raises(Unavailable, match="in part only: a node went away"):
        client.count(SOURCE, RULER, NOON, NOON + HOUR)


@pytest.mark.parametrize("status", [429, 503, 504])
def test_a_service_that_asks_for_a_pause_gets_one(
    client: Analytics, workspace: LogAnalytics, status: int
) -> None:
    busy = {"error": {"code": "ThrottledError", "message": "Too many requests"}}
    workspace.service.fail(QUERY, answer=Response(status, busy, {"Retry-After": "77"}))
    with pytest.raises(Unavailable, match="Features_CL: Too many requests") as raised:
        client.count(SOURCE, RULER, NOON, NOON + HOUR)
    assert raised.value.delay == timedelta(seconds=77)
    assert len(workspace.service.requests(QUERY)) == 1
    assert client.count(SOURCE, RULER, NOON, NOON + HOUR) == of(60)


def test_no_answer_is_unavailable(client: Analytics, workspace: LogAnalytics) -> None:
    workspace.service.fail(QUERY)
    with pytest.raises(Unavailable, match="workspace-id"):
        client.count(SOURCE, RULER, NOON, NOON + HOUR)
    workspace.service.fail(QUERY, answer=Response(500, b"<html>"))
    with pytest.raises(Unavailable):
        client.count(SOURCE, RULER, NOON, NOON + HOUR)


def test_an_expired_token_is_replaced(client: Analytics, workspace: LogAnalytics) -> None:
    assert client.count(SOURCE, RULER, NOON, NOON + HOUR) == of(60)
    workspace.credential.revoke()
    assert client.count(SOURCE, RULER, NOON, NOON + HOUR) == of(60)
    expected = f"{workspace.service.url}/.default"
    assert set(workspace.credential.asked) == {expected}


def test_a_token_that_is_never_good_names_the_role(
    client: Analytics, workspace: LogAnalytics
) -> None:
    denied = {"error": {"code": "InsufficientAccessError", "message": "no access"}}
    for status, times in ((401, 2), (403, 1)):
        workspace.service.fail(QUERY, answer=Response(status, denied), times=times)
        with pytest.raises(Unavailable, match=r"no access \(is the role assigned") as raised:
            client.count(SOURCE, RULER, NOON, NOON + HOUR)
        assert raised.value.delay == timedelta(minutes=5)


def test_what_is_not_there_is_refused(client: Analytics, workspace: LogAnalytics) -> None:
    with pytest.raises(Refused, match=r"Nowhere_CL: .*Nowhere_CL.*docs/log-analytics.md"):
        client.count(LogSource("workspace-id", "Nowhere_CL", "e"), RULER, NOON, NOON + HOUR)
    with pytest.raises(Refused, match=r"other-id.*could not be found"):
        client.count(LogSource("other-id", "Features_CL", "e"), RULER, NOON, NOON + HOUR)


def test_a_query_that_is_no_kql_is_our_fault(client: Analytics) -> None:
    with pytest.raises(Broken, match="Syntax Error"):
        client.ask(SOURCE, "Features_CL | wherex", None)


def test_the_service_is_given_less_time_than_we_wait(
    client: Analytics, workspace: LogAnalytics
) -> None:
    client.count(SOURCE, RULER, NOON, NOON + HOUR)
    (request,) = workspace.service.requests(QUERY)
    assert request.headers["prefer"] == "wait=180"
    start, end = json.loads(request.body)["timespan"].split("/")
    assert datetime.fromisoformat(start) == NOON
    assert datetime.fromisoformat(end) == NOON + HOUR


class TestWatermark:
    def test_rows_before_the_newest_arrival_less_the_longest_lag(
        self, client: Analytics, workspace: LogAnalytics
    ) -> None:
        late = [{**minutes(1)[0], "TimeGenerated": NOON}]
        workspace.clock = NOON + 3 * HOUR
        workspace.add("Features_CL", late, arrived=NOON + timedelta(minutes=150))
        # The fixture's rows arrived two hours after noon, the first of them 120 minutes late.
        assert client.complete_until(SOURCE) == NOON

    def test_a_few_minutes_at_least(self, client: Analytics, workspace: LogAnalytics) -> None:
        workspace.clock = NOON + 96 * HOUR
        at = workspace.clock - timedelta(minutes=1)
        workspace.add("Features_CL", [{"TimeGenerated": at}], arrived=at)
        assert client.complete_until(SOURCE) == at - timedelta(minutes=5)

    def test_what_is_very_late_holds_up_nobody(
        self, client: Analytics, workspace: LogAnalytics
    ) -> None:
        workspace.clock = NOON + 96 * HOUR
        workspace.add("Features_CL", minutes(3))
        assert client.complete_until(SOURCE) == workspace.clock - timedelta(minutes=5)

    def test_silence_is_waited_for_only_so_long(
        self, client: Analytics, workspace: LogAnalytics
    ) -> None:
        workspace.clock = NOON + 2 * HOUR + timedelta(hours=3)
        assert client.complete_until(SOURCE) == NOON + timedelta(minutes=0)
        workspace.clock = NOON + 20 * HOUR
        assert client.complete_until(SOURCE) == NOON + 14 * HOUR
        workspace.clock = NOON + 96 * HOUR
        assert client.complete_until(SOURCE) == NOON + 90 * HOUR


@pytest.mark.parametrize(
    ("lost", "status", "code"),
    [
        ("authorization", 401, "AuthenticationFailed"),
        ("content-type", 415, "UnsupportedMediaTypeError"),
        ("query", 400, "BadArgumentError"),
    ],
)
def test_the_double_needs_what_the_service_needs(
    client: Analytics,
    workspace: LogAnalytics,
    certificates: Authority,
    lost: str,
    status: int,
    code: str,
) -> None:
    client.count(SOURCE, RULER, NOON, NOON + HOUR)
    (sent,) = workspace.service.requests(QUERY)
    headers = {n: v for n, v in sent.headers.items() if n not in (lost, "content-length", "host")}
    body = {name: value for name, value in sent.json().items() if name != lost}
    answer = requests.post(
        workspace.service.url + sent.path, json.dumps(body), headers=headers,
        verify=str(certificates.bundle), timeout=10,
    )  # fmt: skip
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
