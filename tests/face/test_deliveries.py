"""Event Grid at its worst, on the real app: doubled, shuffled, batched, and some of it broken."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import function_app
from engine import inbox, journal
from engine.clock import SetClock
from engine.store import Row
from fleet.commands import Command
from fleet.refused import MAX_MESSAGE
from hosts import read_config
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.host import DUE_QUEUE, REFUSED_QUEUE, LocalHost

KEY = "a-function-key"
NOTIFY = {"aeg-event-type": "Notification", "content-type": "application/json"}
CONTAINER = "/blobServices/default/containers/logs/blobs/"
LEARNING = "Microsoft.MachineLearningServices."
BLOB = "Microsoft.Storage.BlobCreated"
RETRAIN = "Driftwarden.RetrainRequested"
COLLECTED = "modelDataCollector/demand/first/model_inputs/x.jsonl"
LARGEST_BATCH, DOUBLED, BROKEN = 500, 0.2, 0.02
ROWS, HOURS = 12, 20
Document = dict[str, Any]


def grid(name: Any, kind: Any, data: Any, subject: Any = "") -> Document:
    return {
        "id": name, "eventType": kind, "topic": "/subscriptions/s", "subject": subject,
        "eventTime": "2026-01-01T00:00:00.1234567Z", "dataVersion": "1", "data": data,
    }  # fmt: skip


def cloud(name: Any, kind: Any, data: Any, subject: Any = "") -> Document:
    return {
        "specversion": "1.0", "id": name, "type": kind, "source": "/subscriptions/s",
        "subject": subject, "time": "2026-01-01T00:00:00.1234567Z", "data": data,
    }  # fmt: skip


Schema = Callable[..., Document]
#: What can be wrong with an event `n` of either schema, and the reason that is told for it.
MALFORMED: list[tuple[Callable[[Schema, str], Any], str]] = [
    (lambda s, n: s(None, RETRAIN, {"n": n}), "event: 'id' is missing; every event carries one"),
    (lambda s, n: s(7, RETRAIN, {"n": n}), "event: 'id' is missing; every event carries one"),
    (lambda s, n: s("", RETRAIN, {"n": n}), "event: 'id' is missing; every event carries one"),
    (lambda s, n: s(f"{n}\n", RETRAIN, {}), "event: 'id' has control characters or half a "),
    (lambda s, n: s(f"{n}\ud800", RETRAIN, {}), "event: 'id' has control characters or half a "),
    (lambda s, n: s(n * 500, RETRAIN, {}), "event: 'id' has "),
    (lambda s, n: s(n, None, {}), "event {n}: 'eventType' (or CloudEvents 'type') is missing"),
    (lambda s, n: s(n, ["x"], {}), "event {n}: 'eventType' (or CloudEvents 'type') is missing"),
    (lambda s, n: s(n, "x" * 70_000, {}), "event {n}: the type has 70000 characters"),
    (lambda s, n: s(n, RETRAIN, [1]), "event {n}: 'data' is list, an object is expected"),
    (lambda s, n: s(n, RETRAIN, "text"), "event {n}: 'data' is str, an object is expected"),
    (lambda s, n: s(n, RETRAIN, 0), "event {n}: 'data' is int, an object is expected"),
    (lambda s, n: s(n, RETRAIN, {}, {"a": 1}), "event {n}: 'subject' is dict, text is expected"),
    (
        lambda s, n: {**s(n, RETRAIN, {}), "eventTime": "noon"},
        "event {n}: the time 'noon' is not an ",
    ),
    (
        lambda s, n: {**s(n, RETRAIN, {}), "eventTime": 5},
        "event {n}: the time 5 is not an ISO 8601 ",
    ),
    (lambda s, n: {**s(n, RETRAIN, {}), "eventTime": []}, "event {n}: data.model is missing"),
    (lambda s, n: s(n, RETRAIN, {"model": "nobody"}), "event {n}: model 'nobody' is not in fleet"),
    (
        lambda s, n: s(n, RETRAIN, {"model": "demand", "reason": {"a": 1}}),
        "event {n}: data.reason is dict, text is expected",
    ),
    (
        lambda s, n: s(n, RETRAIN, {"model": "demand", "reason": "z" * 200_000}),
        "event {n}: data.reason has 200000 characters, 2048 at most",
    ),
    (lambda s, n: s(n, BLOB, {"contentLength": 1}, "away"), "event {n}: subject 'away' names no "),
    (lambda s, n: s(n, BLOB, {}, CONTAINER + COLLECTED), "event {n}: data.contentlength is None"),
    (
        lambda s, n: s(n, BLOB, {"contentLength": "9"}, CONTAINER + COLLECTED),
        "event {n}: data.contentlength is '9', a byte count is expected",
    ),
    (
        lambda s, n: s(n, BLOB, {"contentLength": -9}, CONTAINER + COLLECTED),
        "event {n}: data.contentlength is -9, a byte count is expected",
    ),
    (
        lambda s, n: s(n, BLOB, {"contentLength": 10**40}, CONTAINER + COLLECTED),
        "event {n}: data.contentlength is 1000000000",
    ),
    (
        lambda s, n: s(n, f"{LEARNING}ModelRegistered", {"ModelName": "demand"}),
        "event {n}: data.modelversion is missing",
    ),
    (
        lambda s, n: s(
            n, f"{LEARNING}ModelRegistered", {"ModelName": "demand", "ModelVersion": f"{n}/b"}
        ),
        "version '{n}/b': use letters, digits",
    ),
    (
        lambda s, n: s(n, f"{LEARNING}RunCompleted", {"runId": n, "runTags": "a=b"}),
        "event {n}: 'runTags' is not an object",
    ),
    (lambda s, n: s(n, f"{LEARNING}RunStatusChanged", {}), "event {n}: data.runid is missing"),
    (lambda s, n: s(n, f"{LEARNING}ModelDeployed", {}), "event {n}: data.servicename is missing"),
]


@dataclass
class Sent:
    """What is on its way, and what has to come of it."""

    documents: list[Document] = field(default_factory=list)
    good: dict[str, str] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    expected: list[str] = field(default_factory=list)

    def add(self, document: Document, partition: str) -> None:
        """One good event, and whose inbox it belongs into."""
        self.documents.append(document)
        kind = document.get("eventType") or document["type"]
        if kind == BLOB:
            # Two events of one length of a file are one growth.
            path = document["subject"].removeprefix(CONTAINER)
            self.good[f"grew:{document['data']['contentLength']}:{path}"] = partition
            return
        unknown = "unrecognised:" if partition == "fleet" else ""
        self.good[f"{unknown}{kind}:{document['id']}:/subscriptions/s"] = partition


@dataclass
class Stage:
    """The app on SQLite, driven through its triggers."""

    host: LocalHost
    dispatcher: Dispatcher
    now: datetime

    def use(self) -> None:
        """Let the app serve this one: there may be several in one process."""
        function_app.use(self.host)

    def deliver(self, batch: list[Document]) -> None:
        body = json.dumps(batch).encode()
        assert self.dispatcher.event_grid("ingest", NOTIFY, body, KEY).status == 202

    def settle(self) -> None:
        while self.dispatcher.pump_queue(DUE_QUEUE, self.now):
            pass

    def said(self, partition: str, what: str) -> list[dict[str, Any]]:
        records = journal.read(self.host.store, partition)
        return [line for one in records for line in one.lines if line["what"] == what]

    def inbox(self, partition: str) -> Iterator[Row]:
        after = ""
        while page := self.host.store.scan(partition, inbox.IN, after=after):
            yield from page
            after = page[-1].key

    def messages(self) -> list[dict[str, Any]]:
        found = self.host.queues.peek(REFUSED_QUEUE, 10_000)
        assert all(len(message.body) <= MAX_MESSAGE for message in found)
        return [json.loads(message.body) for message in found]


def opened(folder: Path) -> Iterator[Stage]:
    """A model that knows its reference and may not train while the storm lasts."""
    now = datetime.now(UTC)
    clock = SetClock(now)
    host = LocalHost(read_config(folder / "fleet.yaml"), folder, clock, durable=False)
    stage = Stage(host, Dispatcher(function_app.app, host.queues, clock.now, key=KEY), now)
    try:
        stage.use()
        host.service.begin()
        end = now + timedelta(days=365)
        host.service.command(
            Command("freeze", "demand", "e.noether", "storm", f"freeze-{end.isoformat()}", end)
        )
        stage.settle()
        assert host.service.loop.head("demand").state.windows.reference
        yield stage
    finally:
        function_app._given.clear()
        host.close()


@pytest.fixture
def stage(tiny: Path) -> Iterator[Stage]:
    yield from opened(tiny)


@pytest.fixture(scope="module")
def shared(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One fleet for the small tests: each finds what it did by a name of its own."""
    folder = tmp_path_factory.mktemp("deliveries") / "fleet"
    shutil.copytree(prepared, folder)
    yield from opened(folder)


@pytest.fixture
def any_stage(shared: Stage) -> Stage:
    shared.use()
    return shared


def served(stage: Stage, chance: random.Random) -> tuple[dict[str, int], dict[str, int]]:
    """Live traffic of two days, written to the end; return rows by day, and bytes by file."""
    rows: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    midnight = stage.now.replace(hour=0, minute=0, second=0, microsecond=0)
    for hour in range(HOURS):
        start = midnight - timedelta(days=2) + timedelta(hours=2 * hour, minutes=30)
        moments = [start + timedelta(minutes=i) for i in range(ROWS)]
        table = pa.table(
            {
                "correlationid": [f"r{hour}-{i}" for i in range(ROWS)],
                "time": pa.array(moments, pa.timestamp("us", "UTC")),
                "x": [chance.gauss(0, 1) for _ in range(ROWS)],
                "size": [chance.randrange(40) for _ in range(ROWS)],
                "kind": [chance.choice("ab") for _ in range(ROWS)],
            }
        )
        sizes.update(stage.host.router.serve("demand", table, start))
        rows.update({start.date().isoformat(): ROWS})
    return rows, sizes


def storm(number: int, sizes: dict[str, int], chance: random.Random) -> Sent:
    """`number` deliveries: a fifth of them twice, one in fifty malformed, in any order."""
    sent = Sent()
    distinct = round(number * (1 - DOUBLED))
    bad = round(distinct * BROKEN)
    for n in range(bad):
        make, reason = MALFORMED[n % len(MALFORMED)]
        schema = chance.choice((grid, cloud)) if "eventTime" not in reason else grid
        sent.documents.append(make(schema, f"bad-{n}"))
        sent.expected.append(reason.format(n=f"bad-{n}"))
    for path, size in sizes.items():
        schema = chance.choice((grid, cloud))
        data = {"api": "FlushWithClose", "contentLength": size, "eTag": "last"}
        sent.add(schema(f"last-{path}", BLOB, data, CONTAINER + path), "demand")
    while len(sent.documents) < distinct:
        n = len(sent.documents)
        schema = chance.choice((grid, cloud))
        match chance.choices("abcde", (50, 35, 8, 5, 2))[0]:
            case "a":
                path = chance.choice(list(sizes))
                data = {"contentLength": chance.randint(1, sizes[path]), "eTag": f"{n}"}
                sent.add(schema(f"grown-{n}", BLOB, data, CONTAINER + path), "demand")
            case "b":
                data = {"MODEL": "demand", "Reason": f"reason {n}"}
                sent.reasons[f"reason {n}"] += 1
                sent.add(schema(f"asked-{n}", RETRAIN, data), "demand")
            case "c":
                data = {"ServiceName": "demand", "ModelIds": "demand:1"}
                sent.add(
                    schema(f"deployed-{n}", f"{LEARNING}ModelDeployed", data, f"d{n}"), "demand"
                )
            case "d":
                data = {"runId": f"demand-run-{n}"}
                sent.add(schema(f"ran-{n}", f"{LEARNING}RunCompleted", data), "demand")
            case _:
                sent.add(schema(f"odd-{n}", f"Contoso.Kind{n % 5}", {}), "fleet")
    sent.documents += chance.choices(sent.documents, k=number - distinct)
    chance.shuffle(sent.documents)
    return sent


def unleash(stage: Stage, sent: Sent, chance: random.Random) -> None:
    """Deliver everything in batches of any size; now and then the app gets round to its work."""
    waiting = list(sent.documents)
    while waiting:
        size = chance.randint(1, LARGEST_BATCH)
        batch, waiting = waiting[:size], waiting[size:]
        stage.deliver(batch)
        if chance.random() < 0.3:
            stage.settle()
    stage.settle()


@pytest.mark.parametrize(
    ("number", "seed"), [(2_000, 1), pytest.param(10_000, 2, marks=pytest.mark.slow)]
)
def test_every_good_event_counts_once_and_every_bad_one_is_refused_once(
    stage: Stage, number: int, seed: int
) -> None:
    chance = random.Random(seed)
    rows, sizes = served(stage, chance)
    sent = storm(number, sizes, chance)
    assert len(sent.documents) == number
    unleash(stage, sent, chance)

    arrived = {
        partition: Counter(str(row.props["id"]) for row in stage.inbox(partition))
        for partition in ("demand", "fleet")
    }
    for name, partition in sent.good.items():
        assert arrived[partition][name] == 1, name
    taken = [row for partition in arrived for row in stage.inbox(partition)]
    assert not any(row.props["pending"] or row.props.get("refused") for row in taken)

    # In the journal: each request by its reason, each deployment by its subject.
    told = Counter(line["reason"] for line in stage.said("demand", "command"))
    assert {reason: told[reason] for reason in sent.reasons} == sent.reasons
    noted = Counter(line["subject"] for line in stage.said("demand", "noted"))
    assert set(noted.values()) == {1}
    assert noted.total() == sum("ModelDeployed" in name for name in sent.good)
    kinds = {name.split(":")[1] for name in sent.good if name.startswith("unrecognised:")}
    assert Counter(line["type"] for line in stage.said("fleet", "unknown")) == Counter(kinds)

    # In the state: every row of every file, however often and in what order it was announced.
    state = stage.host.service.loop.head("demand").state
    for day, count in rows.items():
        window = state.windows.open[day]
        assert sum(batch.count for batch in window.inputs) == count
        assert sum(batch.count for _, batch in window.outputs) == count
    assert {path: cursor.read for path, cursor in state.logs.blobs.items()} == sizes

    # On the queue: each malformed event once, with its reason; and in the fleet's journal.
    messages = stage.messages()
    reasons = sorted(message["reason"] for message in messages)
    assert len(reasons) == len(sent.expected)
    for told_reason, expected in zip(reasons, sorted(sent.expected), strict=True):
        assert told_reason.startswith(expected)
    assert sorted(line["reason"] for line in stage.said("fleet", "parked")) == reasons
    journal.verify(stage.host.store, "demand", stage.host.service.loop.seal)


@pytest.mark.parametrize("schema", [grid, cloud])
@pytest.mark.parametrize(("make", "reason"), MALFORMED)
def test_a_malformed_event_leaves_its_batch_alone(
    any_stage: Stage, schema: Schema, make: Callable[[Schema, str], Any], reason: str
) -> None:
    name = f"odd-{schema.__name__}-{MALFORMED.index((make, reason))}"
    broken = make(schema, name)
    good = schema(f"with-{name}", RETRAIN, {"model": "demand", "reason": name})
    before = len(any_stage.messages())
    for _ in range(2):
        any_stage.deliver([broken, good])
        any_stage.settle()
    (message,) = any_stage.messages()[before:]
    assert message["reason"].startswith(reason.format(n=name))
    assert message["event"] == broken or isinstance(message["event"], str)
    told = [line["reason"] for line in any_stage.said("demand", "command")]
    assert told.count(name) == 1


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"partition": "a/b"}', '{"a": NaN}'])
def test_a_queue_message_that_is_not_ours_is_refused_and_not_retried(
    any_stage: Stage, body: str
) -> None:
    before = len(any_stage.messages())
    for _ in range(2):
        any_stage.host.queues.put(DUE_QUEUE, body, any_stage.now)
        any_stage.settle()
    (message,) = any_stage.messages()[before:]
    assert (message["event"], message["reason"][:14]) == (body, "queue message ")
    assert set(any_stage.host.queues.counts()) == {REFUSED_QUEUE}
