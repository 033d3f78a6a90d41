"""What cannot be taken in: one delivery a content and reason, one message that always fits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.inbox import insert
from engine.store import check
from engine.texts import storable
from fleet.model.facts import FACTS, Parked
from fleet.refused import MAX_MESSAGE, delivery, message

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_a_message_holds_reason_moment_and_event() -> None:
    assert json.loads(message({"id": "e1", "data": [1]}, "no good", NOW)) == {
        "reason": "no good",
        "at": "2024-03-04T10:00:00.000000Z",
        "event": {"id": "e1", "data": [1]},
    }


def test_the_same_content_for_the_same_reason_is_one_delivery() -> None:
    first, second = (delivery("fleet", {"id": "e1", "a": a}, "why") for a in (1, 1))
    assert first == second
    assert first.fact == Parked("e1", "why")
    others = [delivery("fleet", {"id": "e1", "a": 2}, "why"), delivery("fleet", {"id": "e1"}, "no")]
    assert len({first.id, *(other.id for other in others)}) == 3


@pytest.mark.parametrize("letter", ["x", '"', "é", "\U0001f600", "\ud800"])
def test_a_text_that_is_cut_tells_its_length(letter: str) -> None:
    long = letter * 2_000
    fact = delivery("fleet", {"id": long}, long).fact
    told = json.loads(message({"id": "e1"}, long, NOW))["reason"]
    whole = 2_000 * len(storable(letter))
    assert all(text.endswith(f"… ({whole} characters)") for text in (fact.id, fact.reason, told))
    assert (len(fact.id), len(fact.reason), len(told)) == (200, 500, 500)


@pytest.mark.parametrize("letter", ["x", '"', "\\", "é", "\U0001f600", "\ud800", "\x00"])
@pytest.mark.parametrize("size", [100, 20_000, 60_000, 1_000_000])
def test_a_message_fits_whatever_is_in_it(letter: str, size: int) -> None:
    told = message({"id": "e1", "data": letter * size}, letter * size, NOW)
    assert len(told.encode()) <= MAX_MESSAGE
    found = json.loads(told)
    if size == 100:
        assert found["event"] == {"id": "e1", "data": letter * size}
    if size == 1_000_000:
        assert found["event"].startswith('{"data": "')
        assert found["event"].endswith("…")


def test_what_is_nested_too_deeply_is_told_all_the_same() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert json.loads(message(deep, "x", NOW))["event"] == "list, nested too deeply to be shown"
    assert delivery("fleet", deep, "x").partition == "fleet"


@pytest.mark.usefixtures("heavy")
@given(JSON | st.dictionaries(st.just("id"), JSON), st.text(st.characters()))
def test_whatever_comes_can_be_stored_and_told(content: Any, reason: str) -> None:
    found = delivery("fleet", content, reason)
    row = insert(FACTS, found, NOW)
    assert FACTS.decode(cast(bytes, row.props["body"])) == found.fact
    check(found.partition, [row])
    assert len(message(content, reason, NOW).encode()) <= MAX_MESSAGE
