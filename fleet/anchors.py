"""Anchors: how far every journal had come at an hour, kept where the store's writers cannot reach.

A journal proves by itself that nothing was changed without the key. Only a copy of its links that
lies elsewhere proves that nobody with the key wrote it again, and that nothing was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.errors import Refused
from engine.step import Delivery
from engine.store import HEAD, Store
from fleet.model.facts import Anchored
from fleet.partitions import FLEET

#: Partitions in one fact: some 30 KB, so that an event of it is taken by every topic.
PER_FACT = 200


@dataclass(frozen=True)
class Anchor:
    """The link that the record `seq` of a partition had at an hour."""

    hour: str
    partition: str
    seq: int
    link: str

    def __str__(self) -> str:
        return f"{self.partition} {self.seq} {self.link}"


def deliveries(store: Store, now: datetime) -> Iterator[Delivery]:
    """Yield the facts that hold the anchors of this hour; delivered again they change nothing."""
    hour = now.strftime("%Y-%m-%dT%H:00Z")
    found = (_anchor(store, hour, name) for name in store.partitions())
    texts = [str(anchor) for anchor in found if anchor is not None]
    for part, begin in enumerate(range(0, len(texts), PER_FACT)):
        anchors = tuple(texts[begin : begin + PER_FACT])
        yield Delivery(FLEET, f"anchors:{hour}:{part}", Anchored(hour, part, anchors, now))


def _anchor(store: Store, hour: str, partition: str) -> Anchor | None:
    head = store.get(partition, HEAD)
    if head is None or not int(head.props["seq"]):
        return None
    return Anchor(hour, partition, int(head.props["seq"]), head.text("hash"))


def parse(lines: Iterable[str], name: str) -> list[Anchor]:
    """Read kept anchors: JSON Lines as in anchors.jsonl, or the published events themselves.

    Events of other types, and blank lines, are passed over.

    Raises
    ------
    Refused
        A line is neither; it is named.
    """
    found: list[Anchor] = []
    for number, line in enumerate(lines, 1):
        try:
            found += _parsed(line) if line.strip() else []
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            told = "expected a line of anchors.jsonl or a Driftwarden.JournalAnchored event"
            raise Refused(f"{name}:{number}: no anchors ({told})") from error
    return found


def _parsed(line: str) -> Iterator[Anchor]:
    said = json.loads(line)
    if "anchors" not in said and not str(said["type"]).endswith("JournalAnchored"):
        return
    said = said.get("data", said)
    for text in said["anchors"]:
        partition, seq, link = text.rsplit(" ", 2)
        yield Anchor(str(said["hour"]), partition, int(seq), link)
