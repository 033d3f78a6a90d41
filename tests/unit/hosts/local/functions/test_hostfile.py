from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import Refused
from hosts.local.functions.hostfile import HostFile, parse_host_file, parse_time_span


def test_defaults_are_the_functions_hosts() -> None:
    assert parse_host_file('{"version": "2.0"}') == HostFile("api", 16, 5, timedelta(0))


def test_settings_are_read() -> None:
    text = """{"version": "2.0", "telemetryMode": "OpenTelemetry", "extensions": {
        "http": {"routePrefix": ""},
        "queues": {"batchSize": 4, "maxDequeueCount": 3, "visibilityTimeout": "00:01:30"}}}"""
    assert parse_host_file(text) == HostFile("", 4, 3, timedelta(seconds=90))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"extensions": []}',
        '{"extensions": {"http": {"routePrefix": 3}}}',
        '{"extensions": {"queues": {"batchSize": 0}}}',
        '{"extensions": {"queues": {"batchSize": 33}}}',
        '{"extensions": {"queues": {"maxDequeueCount": true}}}',
        '{"extensions": {"queues": {"visibilityTimeout": 30}}}',
        '{"extensions": {"queues": {"visibilityTimeout": "soon"}}}',
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(Refused):
        parse_host_file(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:01", 1), ("01:02", 3720), ("2.03:04:05", 183_845)]
)
def test_time_spans(text: str, seconds: int) -> None:
    assert parse_time_span(text) == timedelta(seconds=seconds)
