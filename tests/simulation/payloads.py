"""Damaged payloads of every kind that comes from outside, each following from its number alone.

`python -m tests.simulation.payloads KIND FIRST LAST` decodes a stretch of them and prints one JSON
line: how many were taken, refused and ignored, and each fault.
"""

from __future__ import annotations

import copy
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
from hosts import face
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from tests.unit.fleet.conftest import FLEET, STRIKE, in_memory
from tests.unit.fleet.desk import NOW, Desk
from tests.unit.fleet.test_events import CONTAINER, INPUTS, cloud, grid

ML = "Microsoft.MachineLearningServices"
ROOT = Path(__file__).parents[2]
#: How long one stretch of payloads may take, in seconds.
PATIENCE = 600
#: Lines in one file; each is a payload.
LINES = 40

Json = Any
TEXTS = (
    "", " ", "x", "x" * 3_000, "\ud800", "\x00", "a\nb", "../../etc/passwd", "/etc/passwd",
    "NaN", "Infinity", "-0", "1e999", "true", "null", "9999-12-31T23:59:59.999999+14:00",
    "0001-01-01T00:00:00Z", "2024-02-30", "2024-03-04T25:00:00Z", "2024-03-04 10:00", "1709546400",
    "\u202e\u2066abc", "\U0001f600", "<script>alert(1)</script>", "{{7*7}}", "${x}", "=cmd|' '!A0",
    "demand", "fraud", "v1", "model_inputs", "Driftwarden.RetrainRequested", "halted:demand",
)  # fmt: skip
NUMBERS = (
    0, -0.0, -1, 1, 0.5, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
REST: tuple[Json, ...] = (None, True, False, [], {}, [[]], {"a": {}}, [1, "a", None], {"": ""})


def odd(chance: random.Random) -> Json:
    """Return one odd value."""
    kind = chance.randrange(8)
    if kind == 0:
        nested: Json = 1
        for _ in range(chance.choice((3, 50, 3_000))):
            nested = [nested] if chance.random() < 0.5 else {"a": nested}
        return nested
    return copy.deepcopy(chance.choice((TEXTS, NUMBERS, REST)[kind % 3]))


def damaged(document: Json, chance: random.Random) -> Json:
    """Return a JSON document with one to three places changed."""
    found = copy.deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        parent, key = _place(found, chance)
        if parent is None:
            return odd(chance)
        action = chance.randrange(5)
        if action == 0:
            del parent[key]
        elif action == 1 and isinstance(parent, dict):
            parent[chance.choice((key.upper(), key[:-1], f"{key} ", "", "\ud800"))] = parent[key]
        elif action == 2 and isinstance(parent, list):
            parent.extend([parent[key]] * chance.choice((1, 30)))
        else:
            parent[key] = odd(chance)
    return found


def _place(found: Json, chance: random.Random) -> tuple[Any, Any]:
    """Return a container and one of its keys, any as deep as another; (None, None) where none."""
    places: list[tuple[Any, Any]] = []
    stack = [found]
    while stack:
        one = stack.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if one else []
        places += [(one, key) for key in keys]
        stack += [one[key] for key in keys if isinstance(one[key], dict | list)]
        if len(places) > 200:
            break
    return chance.choice(places) if places else (None, None)


def written(document: Json, chance: random.Random) -> bytes:
    """Write a document as JSON, in one of four with bytes that are wrong, too."""
    try:
        text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
    except RecursionError:
        text = "[" * 100_000
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    if chance.random() < 0.25:
        spoil(content, chance)
    return bytes(content)


def spoil(content: bytearray, chance: random.Random) -> None:
    """Change some bytes: flip, cut, drop, double, or fill with what separates things."""
    for _ in range(chance.randint(1, 3)):
        if not content:
            return
        at, size = chance.randrange(len(content)), chance.randint(1, 40)
        match chance.randrange(5):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                del content[at:]
            case 2:
                del content[at : at + size]
            case 3:
                content[at:at] = content[at : at + size]
            case _:
                filler = chance.choice((b"\0", b"\xff", b'"', b",", b"\n", b":", b"{", b"[", b"-"))
                content[at : at + size] = filler * size


def respelled(text: str, chance: random.Random) -> str:
    """Return a document of lines with one to four of them changed, as a person or a tool might."""
    lines = text.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        head, colon, _ = line.partition(":")
        value = chance.choice((*TEXTS, *map(str, NUMBERS), "[]", "{}", "[a, b]", "&a *a", "P1D"))
        match chance.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, line)
            case 2:
                lines[at] = "  " + line
            case 3:
                lines[at] = line[chance.randint(0, 2) :]
            case 4:
                lines[at] = line[: chance.randint(0, len(line))]
            case _:
                lines[at] = f"{head}{colon or ':'} {value}"
        if not lines:
            lines = [""]
    return "\n".join(lines)


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
            found = delivery(envelope.event(face.parse(text, "event")), self.fleet)
        except Refused as error:
            storable(str(error))
            if number % self.STEPPED == 0:
                face.ingest(self.desk.service, text)
                self.desk.settle()
                for name, before in self.heads.items():
                    assert self.desk.store.get(name, HEAD) == before, f"{name} was changed"
            return "refused"
        if found is None:
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
        world.logs["f"] = content  # type: ignore[index]
        names, bad, end = self._read(world, kind, len(content))
        assert end == len(content), f"read up to {end} of {len(content)}"
        lost = set(whole) - names
        assert not lost, f"{len(lost)} intact lines were lost, {min(lost)} first"
        return "refused" if bad else "taken"

    def _read(self, world: World, kind: Collection, size: int) -> tuple[set[str], int, int]:
        if kind is Collection.labels:
            read = read_labels(world, ReadLabels("f", 0, size, {}, ""))
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
