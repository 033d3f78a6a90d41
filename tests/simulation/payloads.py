"""Damaged payloads of every kind that comes from outside, each following from its number alone.

`python -m tests.simulation.payloads KIND FIRST LAST` decodes a stretch of them and prints one JSON
line: how many were taken, refused and ignored, and each fault.
"""

from __future__ import annotations

import faulthandler
import json
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.errors import Refused
from engine.inbox import insert
from engine.step import Delivery
from engine.store import HEAD, check
from engine.texts import storable
from fleet import envelope
from fleet.document import config
from fleet.events import delivery
from fleet.model.facts import FACTS
from fleet.model.records import Collection
from fleet.model.tasks import ReadLabels, ReadLog
from fleet.ports import World
from fleet.work import rows
from fleet.work.read.reading import read_labels, read_log
from fleet.work.refer import referencing
from hosts import messages
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from tests.simulation.damage import Json, damaged, respelled, written
from tests.unit.fleet.conftest import FLEET, STRIKE, in_memory
from tests.unit.fleet.desk import NOW, Desk
from tests.unit.fleet.test_events import CONTAINER, INPUTS, cloud, grid

ML = "Microsoft.MachineLearningServices"
ROOT = Path(__file__).parents[2]
#: How long one stretch of payloads may take, in seconds.
PATIENCE = 600
#: Lines in one file; each is a payload.
LINES = 40

#: The types of events that are taken, each with what it carries.
EVENTS: tuple[tuple[str, Json], ...] = (
    ("Microsoft.Storage.BlobCreated", {"contentLength": 10, "api": "FlushWithClose"}),
    ("Driftwarden.LabelsArrived", {"model": "demand", "blob": "labels/a.jsonl", "size": 7}),
    ("Driftwarden.RetrainRequested", {"model": "demand", "reason": "new prices"}),
    (f"{ML}.DatasetDriftDetected", {"Model": "demand"}),
    (f"{ML}.ModelRegistered", {"ModelName": "demand", "ModelVersion": "7", "ModelTags": {}}),
    (f"{ML}.ModelDeployed", {"ServiceName": "shop-demand", "ModelIds": "demand:7"}),
    (f"{ML}.RunCompleted", {"RunId": "demand-run-1", "RunTags": {"driftwarden.run": "r"}}),
    (f"{ML}.RunStatusChanged", {"RunId": "demand-run-1", "RunStatus": "Failed"}),
    ("Contoso.Lunch", {"soup": True}),
)


def ruled(world: World) -> str:
    """Return the name of a reference that knows the features of the lines."""
    known = pa.table({"x": [float(i) for i in range(100)], "kind": ["a", "b"] * 50})
    ruler = Ruler.of(known)
    counted = world.blobs.put(sketch(known, ruler).to_bytes())
    return referencing.put(world.blobs, world.blobs.put(ruler.to_bytes()), [counted])


class Events:
    """Events of both schemas through the decoder, the inbox and the step of their partition."""

    STEPPED = 20

    def __init__(self) -> None:
        self.fleet = config.load(FLEET, "fleet.yaml", lambda name: STRIKE).fleet
        self.desk = Desk(self.fleet, in_memory())
        self.desk.service.begin()
        self.desk.settle()
        self.heads = {name: self.desk.store.get(name, HEAD) for name in self.fleet.models}
        blob = f"{CONTAINER}{INPUTS}"
        self.known = [
            {**form(kind, data), "subject": blob if "Blob" in kind else "/s"}
            for kind, data in EVENTS
            for form in (grid, cloud)
        ]

    def __call__(self, number: int) -> str:
        """Ingest one event; a malformed one changes nothing but the fleet's journal."""
        chance = random.Random(f"event {number}")
        body = written(damaged(chance.choice(self.known), chance), chance)
        text = body.decode("utf-8", "surrogateescape")
        try:
            found = delivery(envelope.event(messages.parse(text, "event")), self.fleet)
        except Refused as error:
            storable(str(error))
            if number % self.STEPPED == 0:
                messages.ingest(self.desk.service, text)
                self.desk.settle()
                for name, before in self.heads.items():
                    assert self.desk.store.get(name, HEAD) == before, f"{name} was changed"
            return "refused"
        if not isinstance(found, Delivery):
            return "ignored"
        check(found.partition, [insert(FACTS, found, NOW)])
        if number % self.STEPPED == 0:
            state = self.desk.service.loop.head(found.partition).state
            domain = self.desk.service.loop.domain
            with suppress(Refused):
                domain.step(found.partition, state, [found.fact], NOW)
        return "taken"


class Lines:
    """Files of lines, each second one damaged: no intact line is lost, and each other is told."""

    def __init__(self) -> None:
        self.fleet = config.load(FLEET, "fleet.yaml", lambda name: STRIKE).fleet
        self.watched = self.fleet.models["demand"]

    def __call__(self, number: int) -> str:
        """Read one file of one kind of lines."""
        chance = random.Random(f"lines {number}")
        world = in_memory()
        kind = list(Collection)[number % len(Collection)]
        whole = [f"intact-{i}" for i in range(0, LINES, 2)]
        lines = []
        for i in range(LINES):
            known = _line(kind, f"intact-{i}" if i % 2 == 0 else f"damaged-{i}")
            lines.append(json.dumps(known).encode() if i % 2 == 0 else _spoilt(known, chance))
        content = b"".join(line.replace(b"\n", b" ") + b"\n" for line in lines)
        world.logs["f"] = content
        names, bad, end = self._read(world, kind, len(content))
        assert end == len(content), f"read up to {end} of {len(content)}"
        lost = set(whole) - names
        assert not lost, f"{len(lost)} intact lines were lost, {min(lost)} first"
        return "refused" if bad else "taken"

    def _read(self, world: World, kind: Collection, size: int) -> tuple[set[str], int, int]:
        if kind is Collection.labels:
            read = read_labels(world, self.watched, ReadLabels("f", 0, size, {}, ""))
            FACTS.encode(read)
            return _ids(world, [read.rows] if read.rows else []), read.bad, read.end
        found = read_log(world, self.watched, ReadLog("f", 0, size, kind, "v1", ruled(world)))
        FACTS.encode(found)
        return _ids(world, [batch.rows for batch in found.batches]), found.bad, found.end


def _ids(world: World, names: list[str]) -> set[str]:
    return {
        who for name in names for who in rows.get(world.blobs, name)["correlationid"].to_pylist()
    }


def _line(kind: Collection, name: str) -> Json:
    at = "2024-03-04T09:00:00+00:00"
    match kind:
        case Collection.labels:
            return {"correlationid": name, "index": 0, "label": 1.0, "time": at}
        case Collection.traffic:
            return {
                "correlationid": name, "time": at, "deployment": "v1", "status": 200,
                "duration_ms": 5.0,
            }  # fmt: skip
    data = {"x": 0.5, "kind": "a"} if kind is Collection.inputs else {"score": 0.5}
    return {
        "specversion": "1.0", "id": name, "time": at, "correlationid": name, "data": [data],
        "datacontenttype": "application/json", "source": "/endpoints/shop-demand/v1",
    }  # fmt: skip


def _spoilt(known: Json, chance: random.Random) -> bytes:
    content = written(damaged(known, chance), chance)
    # A line that was made another's is another payload.
    return content.replace(b"intact", b"damaged")


class Documents:
    """fleet.yaml, its calendar and its objectives: read, and the calendar looked at."""

    def __init__(self) -> None:
        folder = ROOT / "examples/flights"
        self.files = {
            name: (folder / name).read_text()
            for name in ("fleet.yaml", "events-2013.ics", "objectives.openslo.yaml")
        }

    def __call__(self, number: int) -> str:
        """Read the three with one of them damaged."""
        chance = random.Random(f"document {number}")
        name = list(self.files)[number % len(self.files)]
        files = {**self.files, name: respelled(self.files[name], chance)}
        try:
            found = config.load(files["fleet.yaml"], "fleet.yaml", lambda one: _file(files, one))
            for watched in found.fleet.models.values():
                for day in (date(2013, 3, 1), date(2026, 12, 24)):
                    watched.calendar.events_on(day)
        except Refused as error:
            storable(str(error))
            return "refused"
        return "taken"


def _file(files: dict[str, str], name: str) -> str:
    if name not in files:
        raise Refused(f"{name}: no such file")
    return files[name]


KINDS: dict[str, Callable[[], Callable[[int], str]]] = {
    "events": Events, "lines": Lines, "documents": Documents,
}  # fmt: skip

#: Damaged payloads under one number.
DAMAGED = {"events": 1, "lines": LINES // 2, "documents": 1}


def tried(kind: str, first: int, last: int) -> dict[str, Any]:
    """Decode a stretch of payloads: counts by outcome, and each fault with its number."""
    target, found, faults = KINDS[kind](), Counter[str](), []
    for number in range(first, last):
        try:
            found[target(number)] += 1
        except Exception:  # noqa: BLE001 - every kind of failure is one that is told
            faults.append(f"{kind} {number}: {traceback.format_exc(limit=-3)}")
    return {"outcomes": dict(found), "faults": faults}


if __name__ == "__main__":
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    print(json.dumps(tried(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
