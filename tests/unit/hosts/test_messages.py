"""Between the bindings and the verbs: events of both schemas, and messages of queues."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.errors import DriftwardenError, Refused, Unavailable
from hosts import messages


@dataclass
class Desk:
    """Keeps what it was handed."""

    taken: list[Any] = field(default_factory=list)
    parked: list[tuple[Any, str]] = field(default_factory=list)
    drained: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[Any, Exception] = field(default_factory=dict)

    def ingest(self, document: Any) -> None:
        if isinstance(document, dict) and document.get("id") in self.faults:
            raise self.faults[document["id"]]
        self.taken.append(document)

    def park(self, content: Any, reason: str) -> None:
        self.parked.append((content, reason))

    def drain(self, partition: str, trace: str) -> None:
        self.drained.append((partition, trace))


def test_an_event_is_taken_as_it_was_sent() -> None:
    desk = Desk()
    messages.ingest(desk, '{"id": "e1", "eventTime": "not a time", "odd": [1]}')  # type: ignore[arg-type]
    assert desk.taken == [{"id": "e1", "eventTime": "not a time", "odd": [1]}]


@pytest.mark.parametrize("body", ["", "{", "nonsense", '{"a": NaN}', "[" * 100_000])
def test_an_event_that_is_no_json_is_parked(body: str) -> None:
    desk = Desk()
    messages.ingest(desk, body)  # type: ignore[arg-type]
    assert desk.taken == []
    ((content, reason),) = desk.parked
    assert content == body
    assert reason.startswith("event is not JSON: ")


ONE = '{"id": "e1", "type": "T", "subject": "größe"}'


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        (ONE.encode(), ["e1"]),
        (f"[{ONE}, {ONE.replace('e1', 'e2')}]".encode(), ["e1", "e2"]),
        (base64.b64encode(ONE.encode()), ["e1"]),
        (base64.b64encode(f"[{ONE}]".encode()), ["e1"]),
        (base64.encodebytes(f"[{ONE}, {ONE}]".encode()), ["e1", "e1"]),
        (f" \n{ONE}\n".encode(), ["e1"]),
        (b"[]", []),
    ],
)
def test_a_message_holds_events_as_json_or_as_base64(body: bytes, ids: list[str]) -> None:
    desk = Desk()
    messages.ingest_message(desk, body)  # type: ignore[arg-type]
    assert [one["id"] for one in desk.taken] == ids
    assert all(one["subject"] == "größe" for one in desk.taken)
    assert desk.parked == []


@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff\xfe", b"{", base64.b64encode(b"{")])
def test_a_message_that_is_no_json_is_parked(body: bytes) -> None:
    desk = Desk()
    messages.ingest_message(desk, body)  # type: ignore[arg-type]
    assert desk.taken == []
    ((_, reason),) = desk.parked
    assert reason.startswith("queue message is not JSON")


def test_a_message_makes_its_partition_work() -> None:
    desk = Desk()
    messages.drain(desk, b'{"partition": "oncall:shop", "more": 1}')  # type: ignore[arg-type]
    assert (desk.drained, desk.parked) == ([("oncall:shop", "")], [])


@pytest.mark.parametrize("body", [b"no", b"\xff", b"{}", b'{"partition": "a/b"}', b"[" * 100_000])
def test_a_message_that_is_not_ours_is_parked(body: bytes) -> None:
    desk = Desk()
    messages.drain(desk, body)  # type: ignore[arg-type]
    assert desk.drained == []
    ((content, reason),) = desk.parked
    assert content == body.decode("utf-8", "backslashreplace")
    assert reason.startswith("queue message ")


def test_a_message_names_a_partition() -> None:
    bell = b'{"partition": "oncall:shop", "traceparent": "00-ab", "more": 1}'
    assert messages.doorbell(bell) == ("oncall:shop", "00-ab")
    assert messages.doorbell(b'{"partition": "churn"}') == ("churn", "")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no", "queue message is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff", "queue message is not JSON"),
        (b"[]", 'queue message names no partition; {"partition": "…"} is expected'),
        (b"{}", 'queue message names no partition; {"partition": "…"} is expected'),
        (b'{"partition": ""}', 'queue message names no partition; {"partition": "…"} is expected'),
        (b'{"partition": "A"}', 'queue message names no partition; {"partition": "…"} is expected'),
        (
            b'{"partition": "a/b"}',
            'queue message names no partition; {"partition": "…"} is expected',
        ),
        (b'{"partition": 3}', 'queue message names no partition; {"partition": "…"} is expected'),
    ],
)
def test_a_message_that_names_none_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        messages.doorbell(body)
    assert str(refused.value).startswith(reason)


ODD = {
    "NaN": '{"id": "odd", "data": {"contentLength": NaN}}',
    "infinite": '{"id": "odd", "data": {"contentLength": -Infinity}}',
    "a number alone": "NaN",
    "a list": "[Infinity]",
    "deep inside": '{"id": "odd", "data": {"a": [{"b": NaN}]}}',
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("encoded", [False, True])
def test_an_odd_event_of_an_array_is_parked_beside_ours(case: str, encoded: bool) -> None:
    desk, body = Desk(), f"[{ONE}, {ODD[case]}, {ONE}]".encode()
    messages.ingest_message(desk, base64.b64encode(body) if encoded else body)  # type: ignore[arg-type]
    assert [one["id"] for one in desk.taken] == ["e1", "e1"]
    ((content, reason),) = desk.parked
    assert content == ODD[case]
    assert reason.startswith("an element of the queue message is not JSON: ")


@pytest.mark.parametrize("fault", [Unavailable("the store is busy"), ZeroDivisionError("x")])
def test_an_event_that_fails_holds_up_none_behind_it(fault: Exception) -> None:
    desk = Desk(faults={"bad": fault})
    found = messages.batch(f'[{{"id": "bad"}}, {ONE}]'.encode(), "delivery")
    with pytest.raises(type(fault)):
        messages.ingest_batch(desk, found)  # type: ignore[arg-type]
    assert [one["id"] for one in desk.taken] == ["e1"]


def test_poison_that_fails_by_a_defect_is_parked() -> None:
    desk = Desk(faults={"bad": ZeroDivisionError("division by zero")})
    body = f'[{{"id": "bad"}}, {ONE}]'.encode()
    messages.ingest_poison(desk, body)  # type: ignore[arg-type]
    assert [one["id"] for one in desk.taken] == ["e1"]
    assert desk.parked == [(body.decode(), "ZeroDivisionError: division by zero")]


def test_poison_waits_while_the_store_does_not_answer() -> None:
    desk = Desk(faults={"e1": Unavailable("the store is busy")})
    with pytest.raises(DriftwardenError):
        messages.ingest_poison(desk, ONE.encode())  # type: ignore[arg-type]
    assert desk.parked == []
