"""POST /api/commands with values nobody means: 400 with a reason, or taken in; never a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

from hosts import face
from tests.unit.fleet.desk import Desk

PLAIN: dict[str, Any] = {
    "verb": "freeze", "target": "demand", "by": "g", "reason": "r", "id": "c1",
    "until": "2024-03-09T00:00:00Z",
}  # fmt: skip
VERBS = (
    "retrain", "cancel", "freeze", "unfreeze", "approve", "rollback", "reference", "report", "ack",
    "silence", "unsilence", "resume",
)  # fmt: skip
MOMENTS: tuple[Any, ...] = (
    "9999-12-31T23:59:59.999999-23:59", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59",
    "9001-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
    "2024-02-30T00:00:00Z", "2024-03-09T00:00:00+99:99", "2024-03-09T00:00:00", "tomorrow", "",
    1e308, -1e308, 10**30, -1, 0, True, [], {}, "1709942400", "P1D", "NaN", "2024-03-09",
)  # fmt: skip
TEXTS: tuple[Any, ...] = (
    "", "x" * 100_000, "\x00", "a\x00b", "a\nb", "\x1b[31m", "\u202eabc", "🎉" * 700, 7, None, [],
    {}, True, "'; DROP TABLE rows; --", "../../etc/passwd", "<script>alert(1)</script>", "%s%n{0}",
    "\ufffe", "ß" * 2001,
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (-1, 1.5, 1e308, 10**40, "7", True, [], "x", 2**63, 2**64)
DAYS: tuple[Any, ...] = (
    "0000-00-00", "9999-12-31", "0001-01-01", "2024-02-30", "20240304", "2024-W10-1", "now",
    "2024-03-04T00:00:00Z", "x" * 5000, "\x00", 7, [], "10000-01-01",
)  # fmt: skip


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes commands in here before the answer."""
    monkeypatch.setattr(face, "PATIENCE", 0.0)


def sent(desk: Desk, body: Any) -> int:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = func.HttpRequest("POST", "/api/commands", headers={}, body=content)
    answer = face.command(lambda: desk.service, request)
    told = json.loads(answer.get_body())
    assert answer.status_code in (200, 202, 400, 404, 409), told
    if answer.status_code in (400, 404):
        assert told["error"]
        assert "\n" not in told["error"]
        assert len(told["error"]) < 3000
    desk.settle()
    for name in desk.store.partitions():
        assert desk.service.loop.head(name).halted == ""
    return answer.status_code


def hostile() -> Iterator[tuple[str, Any]]:
    for name, values in (
        ("until", MOMENTS), ("reason", TEXTS), ("by", TEXTS), ("target", TEXTS), ("id", TEXTS),
        ("verb", TEXTS), ("data", TEXTS), ("kind", TEXTS), ("segment", TEXTS),
        ("first", DAYS), ("last", DAYS), ("expect", NUMBERS),
    ):  # fmt: skip
        for value in values:
            yield name, value


@pytest.mark.parametrize("verb", VERBS)
def test_any_value_of_any_field_is_answered(desk: Desk, hasty: None, verb: str) -> None:
    for number, (name, value) in enumerate(hostile()):
        body = {**PLAIN, "verb": verb, "id": f"c{number}", name: value}
        if verb != "freeze" and name != "until":
            del body["until"]
        sent(desk, body)


@pytest.mark.parametrize("verb", ["freeze", "silence", "retrain"])
@pytest.mark.parametrize("until", [*MOMENTS[:16], *MOMENTS[17:19]], ids=str)
def test_a_moment_out_of_bounds_is_400(desk: Desk, hasty: None, verb: str, until: Any) -> None:
    assert sent(desk, {**PLAIN, "verb": verb, "until": until}) == 400


@pytest.mark.parametrize("field", ["reason", "by", "data", "target", "id", "first", "last"])
def test_a_text_out_of_bounds_is_400(desk: Desk, hasty: None, field: str) -> None:
    body = {**PLAIN, "verb": "reference", "first": "2024-03-01", "last": "2024-03-02"}
    del body["until"]
    for text in ("x" * 100_000, "\x00", "a\x00b"):
        assert sent(desk, {**body, field: text}) == 400, text[:5]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"7", b'"freeze"', b"{", b"\xff\xfe", b'{"verb": "\\ud800"}',
        b'{"id": NaN}', b"[" * 100_000, b'{"verb":' * 2000, b'{"until": 1e999}', b"{}" * 2,
        b'{"verb":"retrain","id":"c","target":"\\udcff"}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_command_is_400(desk: Desk, hasty: None, body: bytes) -> None:
    assert sent(desk, body) == 400
