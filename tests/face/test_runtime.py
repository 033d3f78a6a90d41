"""The app under the Functions worker's own runtime library: indexed and invoked as in Azure."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import function_app
from engine import journal
from hosts import face, read_config
from hosts.local.host import DUE_QUEUE, LocalHost
from tests import packages
from tests.face import protos

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "functions-runtime"
OURS = {*packages.SHIPPED, "function_app", "cli"}


class Ahead:
    """The clock of this machine, moved forward by hand."""

    ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class Worker:
    """The runtime library with the app indexed, and a fleet that the app serves."""

    def __init__(self, runtime: ModuleType, host: LocalHost, clock: Ahead) -> None:
        self.runtime, self.host, self.clock = runtime, host, clock
        asked = SimpleNamespace(capabilities={}, function_app_directory=str(ROOT))
        # Names stay taken after an app was listed once, by whomever.
        function_app.app.functions_bindings = None
        started = self.ask("worker_init_request", protos.request(worker_init_request=asked))
        assert started.result.status == protos.Status.Success, vars(started.result)
        listed = self.ask("functions_metadata_request", protos.request())
        self.functions = {one.name: one for one in listed.function_metadata_results}

    def ask(self, verb: str, request: SimpleNamespace) -> Any:
        return asyncio.run(getattr(self.runtime, verb)(request))

    def trigger(self, name: str) -> dict[str, Any]:
        """The binding that starts the function, as the host reads it."""
        bindings = [json.loads(text) for text in self.functions[name].raw_bindings]
        (found,) = [one for one in bindings if one["type"].endswith("Trigger")]
        return cast(dict[str, Any], found)

    def invoke(self, name: str, data: protos.OneOf, **metadata: protos.OneOf) -> Any:
        one = self.functions[name]
        argument = self.trigger(name)["name"]
        request = protos.invocation(one.function_id, argument, data, **metadata)
        return self.ask("invocation_request", request)

    def rung(self) -> list[bytes]:
        """Take the doorbell's messages out of the queue."""
        messages = self.host.queues.get(DUE_QUEUE, self.clock.now(), 1000)
        for message in messages:
            assert self.host.queues.delete(message)
        return [message.body for message in messages]

    def lines(self, partition: str) -> list[dict[str, Any]]:
        records = journal.read(self.host.store, partition)
        return [line for record in records for line in record.lines]


def _runtime() -> ModuleType:
    if not FOLDER.is_dir():
        reason = "build/functions-runtime is not there; `make test` installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return import_module("azure_functions_runtime")


@pytest.fixture(scope="module")
def worker(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for all tests here, on a fleet of its own; nothing but the tests drives it."""
    runtime = _runtime()
    tiny = tmp_path_factory.mktemp("worker") / "fleet"
    shutil.copytree(prepared, tiny)
    clock = Ahead()
    host = LocalHost(read_config(tiny / "fleet.yaml"), tiny, clock)
    function_app.use(host)
    host.service.begin()
    runtime.start_threadpool_executor()
    try:
        yield Worker(runtime, host, clock)
    finally:
        runtime.stop_threadpool_executor()
        function_app._given.clear()
        host.close()


def work(worker: Worker) -> int:
    """Hand every waiting doorbell message to `work`, as the host would; return how many."""
    bodies = worker.rung()
    for body in bodies:
        answer = worker.invoke(
            "work", protos.OneOf(bytes=body), DequeueCount=protos.OneOf(json="1")
        )
        assert answer.result.status == protos.Status.Success, vars(answer.result)
    return len(bodies)


def timer(worker: Worker, name: str) -> list[str]:
    """Let a timer go off; return the partitions that it rang for."""
    answer = worker.invoke(name, protos.as_json({"IsPastDue": False}))
    assert answer.result.status == protos.Status.Success, vars(answer.result)
    return [json.loads(body)["partition"] for body in worker.rung()]


def test_every_function_is_found(worker: Worker) -> None:
    function_app.app.functions_bindings = None
    expected = {one.get_function_name() for one in function_app.app.get_functions()}
    assert worker.functions.keys() == expected
    kinds = {worker.trigger(name)["type"] for name in worker.functions}
    assert kinds == {"eventGridTrigger", "queueTrigger", "timerTrigger", "httpTrigger"}
    assert worker.trigger("work")["queueName"] == DUE_QUEUE
    assert worker.trigger("work")["connection"] == "AzureWebJobsStorage"


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "subject": "menu", "data": {}, **fields}


EITHER_SCHEMA = {
    "event-grid": event("a", eventType="Contoso.Lunch", topic="/t", dataVersion="1"),
    "cloud-events": event("b", specversion="1.0", type="Contoso.Supper", source="/t"),
}


@pytest.mark.parametrize("schema", EITHER_SCHEMA)
def test_an_event_of_either_schema_is_taken_in(worker: Worker, schema: str) -> None:
    body = EITHER_SCHEMA[schema]
    answer = worker.invoke("ingest", protos.as_json(body))
    assert answer.result.status == protos.Status.Success, vars(answer.result)
    assert work(worker)
    kinds = [line["type"] for line in worker.lines("fleet") if line["what"] == "unknown"]
    assert (body.get("eventType") or body["type"]) in kinds


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "PATIENCE", 0.1)


def command(worker: Worker, verb: str, reason: str, **fields: str) -> None:
    asked = {"verb": verb, "target": "demand", "reason": reason, "id": reason, **fields}
    body = json.dumps(asked).encode()
    answer = worker.invoke("commands", protos.http("POST", "/api/commands", body))
    # The worker runs one function at a time here: nobody takes the command in meanwhile.
    assert json.loads(answer.return_value.http.body.bytes)["outcome"] == "waiting"


def told(worker: Worker) -> list[str]:
    lines = [line for line in worker.lines("demand") if line["what"] == "command"]
    return [line["reason"] for line in lines]


def test_a_command_is_taken(worker: Worker) -> None:
    end = datetime.now(UTC) + timedelta(hours=12)
    command(worker, "freeze", "by http", until=end.isoformat())
    assert work(worker)
    assert "by http" in told(worker)


def test_timers_ring(worker: Worker) -> None:
    """Each minute's for what is due, each day's for everybody: a message may have been lost."""
    end = datetime.now(UTC) + timedelta(days=1)
    command(worker, "freeze", "launch", until=end.isoformat())
    assert work(worker)
    end += timedelta(hours=1)
    command(worker, "freeze", "nobody rang", until=end.isoformat())
    assert worker.rung()
    assert timer(worker, "tick") == []
    assert "demand" in timer(worker, "digest")
    worker.host.service.sweep()
    assert work(worker)
    assert "nobody rang" in told(worker)
    # The freeze holds the training back until it ends.
    assert timer(worker, "tick") == []
    worker.clock.ahead = end - datetime.now(UTC)
    assert timer(worker, "tick") == ["demand"]


def test_a_queue_message_that_names_no_partition_is_parked(worker: Worker) -> None:
    answer = worker.invoke("work", protos.OneOf(bytes=b"{}"))
    assert answer.result.status == protos.Status.Success, vars(answer.result)
    assert work(worker)
    parked = [line["reason"] for line in worker.lines("fleet") if line["what"] == "parked"]
    assert any("names no partition" in reason for reason in parked)


def test_http_answers(worker: Worker) -> None:
    answer = worker.invoke("healthz", protos.http("GET", "/healthz"))
    response = answer.return_value.http
    assert (answer.result.status, response.status_code) == (protos.Status.Success, "200")
    assert json.loads(response.body.bytes)["status"] == "ok"
    answer = worker.invoke("model_page", protos.http("GET", "/models/demand", model="demand"))
    assert b"demand" in answer.return_value.http.body.bytes


def installed_with(names: list[str]) -> set[str]:
    """Distributions that requirements.txt leads to, as far as they are installed here."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        wanted = [Requirement(line) for line in needs]
        waiting += [one.name for one in wanted if one.marker is None or one.marker.evaluate()]
    return found


def test_no_package_hides_one_of_ours() -> None:
    """The worker puts the app's folder last on sys.path: an installed module would come first."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [Requirement(line).name for line in lines if line and not line.startswith("#")]
    found = installed_with(pinned)
    assert {"azure-ai-ml", "azure-storage-blob", "azure-monitor-opentelemetry"} <= found
    provided = metadata.packages_distributions()
    hidden = {name: set(provided.get(name, ())) - {"driftwarden"} for name in OURS}
    assert {name: by for name, by in hidden.items() if by} == {}
    assert top_level(ROOT) == OURS


def top_level(root: Path) -> set[str]:
    """What the app's own folder offers to import at the top, examples and tests left out."""
    packages = {path.parent.name for path in root.glob("*/__init__.py")} - {"examples"}
    return packages | {path.stem for path in root.glob("*.py")}
