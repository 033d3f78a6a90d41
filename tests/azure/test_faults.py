"""Every fault of the services around ends in the right state or a named alert.

A tiny fleet lives six days on Azure's host: it retrains, goes through gate, shadow and canary,
pages and publishes. Each run has one kind of fault, again and again; what came of it is held
against a run without any.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import function_app
from engine import journal
from engine.clock import SetClock
from hosts.local.replay import Replay
from hosts.local.scenario import happenings, read_scenario
from tests.azure.stage import AzureStage, staged
from tests.doubles import azurite
from tests.doubles.loopback import Loopback, Response
from tests.doubles.tls import Authority

pytestmark = pytest.mark.slow

TINY = Path(__file__).parents[1] / "resources/tiny"
JOB = """\
type: command
command: >-
  python train.py --data ${{inputs.data}} --out ${{outputs.model}} --version ${{inputs.version}}
inputs:
  data: {type: uri_file, path: azureml://datastores/d/paths/filled-in}
  version: filled in
outputs:
  model: {type: custom_model}
environment: azureml:training:1
compute: azureml:cpu
"""
DEPLOYMENT = """\
environment: azureml:scoring:1
instance_type: Standard_DS3_v2
instance_count: 1
"""
CHALLENGER = "demand-run-1"
THROTTLED = Response(429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "17"})
BUSY = Response(503, b"", {"Retry-After": "17", "x-ms-error-code": "ServerBusy"})
FAILED = Response(500, {"error": {"code": "InternalServerError", "message": "try again"}})
#: One of each kind of request: what a fault meets at every moment of the replay.
REQUESTS = ("GET .*", "PUT .*", "POST .*")
TABLE_REQUESTS = ("GET /devstoreaccount1/driftwarden", r"POST /devstoreaccount1/\$batch")
BLOB_REQUESTS = ("GET .*", "PUT .*")
QUEUE_REQUESTS = ("POST .*",)


@dataclass
class Run:
    """One life of the fleet and what came of it."""

    stage: AzureStage
    moments: list[datetime] = field(default_factory=list)

    @property
    def state(self) -> Any:
        """Where the model stands."""
        return self.stage.host.service.loop.head("demand").state

    def lines(self, what: str) -> list[dict[str, Any]]:
        """The journal's lines of one kind."""
        records = journal.read(self.stage.store, "demand")
        return [line for record in records for line in record.lines if line["what"] == what]

    def outcome(self) -> dict[str, Any]:
        """What has to be the same whatever went wrong on the way."""
        return {
            "champion": self.state.champion,
            "assessed": [(x["window"], x["rows"], x["verdict"]) for x in self.lines("assessed")],
            "joined": {x["window"]: x["labelled"] for x in self.lines("joined")},
            "runs": [(x["run"], x["phase"], x["version"]) for x in self.lines("run")],
            "gates": sorted((x["version"], x["verdict"]) for x in self.lines("gate")),
            "rollouts": [(x["challenger"], x["phase"]) for x in self.lines("rollout")],
            "pages": sorted(x["alert"] for x in self.lines("alert") if x["phase"] == "firing"),
        }

    def check_nothing_is_lost_or_doubled(self) -> None:
        """Hold the services' own records against the journal."""
        store, service = self.stage.store, self.stage.service
        for partition in store.partitions():
            journal.verify(store, partition)
            assert not store.scan(partition, "out:", pending=True), f"{partition} still owes"
            assert not store.scan(partition, "in:", pending=True)
        assert self.stage.host.refused.waiting() == 0
        jobs = service.requests("PUT .*/jobs/")
        assert {Path(job.path).name for job in jobs} == set(service.jobs.documents)
        sent = Counter(event["id"] for event in self.stage.topic.received)
        assert set(sent.values()) <= {1, 2}, "Event Grid's receivers know a repeat by its id"
        split = service.online.endpoints["demand"]["properties"]["traffic"]
        assert {k: v for k, v in split.items() if v} == {
            k: v for k, v in self.state.weights.items() if v
        }


Arm = Callable[[Run, datetime], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet as a fleet in Azure."""
    folder = tmp_path_factory.mktemp("tiny") / "fleet"
    shutil.copytree(TINY, folder)
    subprocess.run([sys.executable, "make.py", "data"], cwd=folder, check=True)
    (folder / "train.yml").write_text(JOB)
    (folder / "deployment.yml").write_text(DEPLOYMENT)
    fleet = yaml.safe_load((folder / "fleet.yaml").read_text())
    model = fleet["models"]["demand"]
    fleet |= {"store": "azure:", "receivers": {"duty": {"kind": "terminal"}}}
    model["training"] = {"job": "train.yml", "run": {"poll_every": "PT30M"}}
    model["serving"] |= {"deployment": "deployment.yml", "baseline": "first"}
    model["gate"] |= {"min_days": 2, "min_rows": 20}
    model["judge"] = {"min_expected_bad": 0.05, "guards": ["large_loss"], "margin": 3}
    model["rollout"] |= {"shadow": "P2D", "label_wait": "PT12H"}
    (folder / "fleet.yaml").write_text(yaml.safe_dump(fleet))
    return folder


def emptied() -> None:
    """Take everything out of Azurite that an earlier run left."""
    account = azurite.account()
    tables, blobs, queues = account.tables(), account.blobs(), account.queues()
    for table in list(tables.list_tables()):
        tables.delete_table(table.name)
    for container in list(blobs.list_containers()):
        blobs.delete_container(container.name)
    for queue in list(queues.list_queues()):
        queues.delete_queue(queue.name)
    account.close()


@pytest.fixture
def life(made: Path, tmp_path: Path, certificates: Authority) -> Callable[..., Any]:
    """Let the fleet live under a fault; what is yielded is open still."""

    @contextmanager
    def lived(arm: Arm = lambda run, at: None, *, relayed: bool = False) -> Iterator[Run]:
        emptied()
        folder = tmp_path / "fleet"
        shutil.copytree(made, folder)
        scenario = read_scenario(folder / "scenario.yaml")
        moments = happenings(scenario)
        clock = SetClock(moments[0][0] - timedelta(hours=1))
        with staged(
            function_app.app, folder / "fleet.yaml", scenario, clock, folder, certificates,
            mirror=50, relayed=relayed,
        ) as stage:  # fmt: skip
            first = next(plan for plan in scenario.versions if plan.register_at is None)
            stage.behind.make(first)
            stage.behind.open_endpoint(first.name)
            function_app.use(stage.host)
            stage.host.service.begin()
            run = Run(stage)

            def told(at: datetime) -> None:
                run.moments.append(at)
                arm(run, at)

            Replay(stage, clock, scenario, folder, moments).run(told)
            yield run
        shutil.rmtree(folder)

    return lived


UNDISTURBED: dict[str, Any] = {}


@pytest.fixture
def undisturbed(life: Callable[..., Any]) -> dict[str, Any]:
    """What comes of it when nothing goes wrong."""
    if not UNDISTURBED:
        with life() as run:
            run.check_nothing_is_lost_or_doubled()
            UNDISTURBED.update(run.outcome())
    assert (CHALLENGER, "canary") in UNDISTURBED["rollouts"]
    return UNDISTURBED


def again_and_again(
    services: Callable[[AzureStage], list[tuple[Loopback, tuple[str, ...]]]], **fault: Any
) -> Arm:
    """Break the first request of each kind at every moment."""

    def arm(run: Run, at: datetime) -> None:
        for service, requests in services(run.stage):
            service.faults.clear()
            for where in requests:
                service.fail(where, **fault)

    return arm


def around(stage: AzureStage) -> list[tuple[Loopback, tuple[str, ...]]]:
    return [(stage.service, REQUESTS), (stage.topic, REQUESTS), (stage.insights, REQUESTS)]


def storage(stage: AzureStage) -> list[tuple[Loopback, tuple[str, ...]]]:
    return [
        (stage.relays["Table"], TABLE_REQUESTS),
        (stage.relays["Blob"], BLOB_REQUESTS),
        (stage.relays["Queue"], QUEUE_REQUESTS),
    ]


FAULTS: dict[str, tuple[Arm, bool]] = {
    "services throttle (429, Retry-After)": (again_and_again(around, answer=THROTTLED), False),
    "services fail (500)": (again_and_again(around, answer=FAILED), False),
    "services hang up before they act": (again_and_again(around), False),
    "services act and the answer is lost": (again_and_again(around, after=True), False),
    "storage throttles (503, Retry-After)": (again_and_again(storage, answer=BUSY), True),
    "storage acts and the answer is lost": (again_and_again(storage, after=True), True),
    "tokens expire": (lambda run, at: run.stage.service.credential.revoke(), False),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_fault_changes_nothing(
    name: str, life: Callable[..., Any], undisturbed: dict[str, Any], outcomes: dict[str, str]
) -> None:
    arm, relayed = FAULTS[name]
    with life(arm, relayed=relayed) as run:
        for service, _ in [*around(run.stage), *(storage(run.stage) if relayed else [])]:
            service.faults.clear()
        run.check_nothing_is_lost_or_doubled()
        assert run.outcome() == undisturbed
        postponed = len(run.lines("refused"))
        assert postponed == 0
    outcomes[name] = "as without it: same verdicts, run, gate, rollout, pages; nothing doubled"
