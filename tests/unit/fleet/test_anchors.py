"""Anchors: taken once an hour, published, kept beside the store, and read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from engine.store import HEAD
from fleet import anchors
from fleet.anchors import Anchor, parse
from fleet.model.facts import Anchored, Declined
from fleet.partitions import FLEET
from fleet.published import document
from tests.unit.fleet.desk import NOW, Desk

LINE = {"key": "k", "hour": "2024-03-04T10:00Z", "anchors": ["demand 7 aa", "oncall:shop 2 bb"]}
FOUND = [
    Anchor("2024-03-04T10:00Z", "demand", 7, "aa"),
    Anchor("2024-03-04T10:00Z", "oncall:shop", 2, "bb"),
]


def told(desk: Desk, what: str) -> list[tuple[object, ...]]:
    asked = desk.world.publisher.asked  # type: ignore[attr-defined]
    return [tuple(words) for name, *words in asked if name == what]


def published(desk: Desk) -> list[tuple[object, ...]]:
    return [words for words in told(desk, "publish") if words[1] == "JournalAnchored"]


def test_an_hour_is_anchored_once(desk: Desk) -> None:
    head = desk.store.get("demand", HEAD)
    assert head is not None
    for minutes in (0, 20, 59):
        desk.clock.moment = NOW + timedelta(minutes=minutes)
        desk.service.anchor()
        desk.settle()
    ((key, hour, kept),) = told(desk, "anchors")
    assert (key, hour) == ("anchors:2024-03-04T10:00Z:0", "2024-03-04T10:00Z")
    assert f"demand {int(head.props['seq'])} {head.text('hash')}" in list(kept)  # type: ignore[call-overload]
    ((_, kind, subject, fields, at),) = (
        w for w in told(desk, "publish") if "Anchored" in str(w[1])
    )
    assert (kind, subject, at) == ("JournalAnchored", FLEET, NOW)
    assert fields == {"hour": hour, "part": 0, "anchors": kept}
    desk.clock.moment = NOW + timedelta(hours=1)
    desk.service.anchor()
    desk.settle()
    assert len(told(desk, "anchors")) == 2


def test_an_event_names_its_source_and_hour() -> None:
    fields = {"hour": "2024-03-04T10:00Z", "part": 0, "anchors": ("demand 7 aa",)}
    event = document("fleet:k", "JournalAnchored", FLEET, fields, NOW)
    assert event["type"] == "Driftwarden.JournalAnchored"
    assert event["source"] == "/driftwarden/fleet"
    assert event["subject"] == "hours/2024-03-04T10:00Z"
    assert parse([json.dumps(event)], "f") == FOUND[:1]


def test_a_large_fleet_is_told_in_parts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.notify()
    monkeypatch.setattr(anchors, "PER_FACT", 1)
    desk.service.anchor()
    desk.settle()
    kept = [word for _, _, lines in told(desk, "anchors") for word in lines]  # type: ignore[attr-defined]
    assert {text.split()[0] for text in kept} == {"demand", "fraud", "oncall:shop"}
    assert len(told(desk, "anchors")) == 3


def test_a_refused_event_is_a_line_of_the_fleets_journal(desk: Desk) -> None:
    found = Declined("publish", "anchored:2024-03-04T10:00Z:0", "the topic takes none")
    step = desk.service.loop.domain.step(FLEET, desk.service.loop.head(FLEET).state, [found], NOW)
    (line,) = step.lines
    assert (line["what"], line["reason"]) == ("refused", "the topic takes none")


def test_a_receiver_that_is_down_gets_the_same_anchors_later(desk: Desk) -> None:
    outside: Any = desk.world.publisher
    outside.publish, outside.keep = failing(outside.publish), failing(outside.keep)
    (delivery,) = anchors.deliveries(desk.store, NOW)
    desk.service.anchor()
    desk.settle()
    assert told(desk, "anchors") == published(desk) == []
    desk.notify()
    desk.clock.moment = NOW + timedelta(minutes=30)
    desk.service.anchor()
    desk.service.tick()
    desk.settle()
    ((_, hour, kept),) = told(desk, "anchors")
    assert (hour, kept) == (delivery.fact.hour, delivery.fact.anchors)
    assert len(published(desk)) == 1


def failing(call: Callable[..., None]) -> Callable[..., None]:
    """Answer the first call with "try later"."""
    tries: list[int] = []

    def tried(*words: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise Unavailable("down")
        call(*words)

    return tried


def test_nothing_is_anchored_before_anything_began(desk: Desk) -> None:
    assert list(anchors.deliveries(type(desk.store)(), NOW)) == []
    (delivery,) = anchors.deliveries(desk.store, NOW)
    assert isinstance(delivery.fact, Anchored)


READ = {
    "anchors.jsonl": [json.dumps(LINE)],
    "an event": [json.dumps({"type": "Driftwarden.JournalAnchored", "data": LINE})],
    "blank lines": ["", json.dumps(LINE), "  "],
    "other events": [json.dumps({"type": "Driftwarden.drift.stable"}), json.dumps(LINE)],
    "a name with blanks": [json.dumps({**LINE, "anchors": ["demand 7 aa"]}), json.dumps(
        {**LINE, "anchors": ["oncall:shop 2 bb"]})],
}  # fmt: skip


@pytest.mark.parametrize("lines", READ.values(), ids=READ)
def test_kept_anchors_are_read(lines: list[str]) -> None:
    assert parse(lines, "f") == FOUND


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", '"text"', '{"anchors": 7}', '{"anchors": ["demand"]}', "null",
     '{"anchors": ["demand x aa"], "hour": "h"}', '{"type": "JournalAnchored"}', "{}"],
)  # fmt: skip
def test_what_holds_no_anchors_is_named(line: str) -> None:
    with pytest.raises(Refused, match=r"kept\.jsonl:2: no anchors"):
        parse([json.dumps(LINE), line], "kept.jsonl")
