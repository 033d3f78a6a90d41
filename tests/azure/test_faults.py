"""Every fault of the services around ends in the right state or a named alert.

A tiny fleet lives six days on Azure's host: it retrains, goes through gate, shadow and canary,
pages and publishes. Each run has one kind of fault, again and again; what came of it is held
against a run without any.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

import function_app
from commands.replay.replay import Replay
from commands.replay.scenario import happenings, read_scenario
from engine import journal
from engine.clock import SetClock
from fleet.counting import LogSource
from hosts.azure.cloud import Cloud
from hosts.azure.logs.analytics import Analytics
from hosts.azure.logs.counting import AzureCounting
from hosts.azure.logs.metrics import Metrics
from hosts.azure.logs.platform import Platform, Resource
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import sketch
from tests.azure.growing import Announced, Growing, Queued
from tests.azure.stage import AzureStage, staged
from tests.doubles import azurite
from tests.doubles.loganalytics import LogAnalytics, partial
from tests.doubles.loopback import Loopback, Response
from tests.doubles.tls import Authority
from tests.doubles.tokens import LoopbackCredential

pytestmark = pytest.mark.slow

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
            journal.verify(store, partition, self.stage.host.service.loop.seal)
            assert not store.scan(partition, "out:", pending=True), f"{partition} still owes"
            assert not store.scan(partition, "in:", pending=True)
        assert self.stage.host.queues.refused.waiting() == 0
        jobs = service.requests("PUT .*/jobs/")
        assert {Path(job.path).name for job in jobs} == set(service.jobs.documents)
        sent = Counter(event["id"] for event in self.stage.topic.received)
        assert set(sent.values()) <= {1, 2}, "Event Grid's receivers know a repeat by its id"
        split = service.online.endpoints["demand"]["properties"]["traffic"]
        assert {k: v for k, v in split.items() if v} == {
            k: v for k, v in self.state.traffic.weights.items() if v
        }


Arm = Callable[[Run, datetime], None]


@pytest.fixture(scope="module")
def moved(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny fleet as a fleet in Azure."""
    folder = shutil.copytree(made, tmp_path_factory.mktemp("tiny") / "fleet")
    (folder / "train.yml").write_text(JOB)
    (folder / "deployment.yml").write_text(DEPLOYMENT)
    fleet = yaml.safe_load((folder / "fleet.yaml").read_text())
    model = fleet["models"]["demand"]
    fleet |= {"store": "azure:", "receivers": {"duty": {"kind": "terminal"}}}
    model["training"] = {"job": "train.yml", "run": {"poll_every": "PT1H"}}
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
def life(moved: Path, tmp_path: Path, certificates: Authority) -> Callable[..., Any]:
    """Let the fleet live under a fault; what is yielded is open still."""

    @contextmanager
    def lived(
        arm: Arm = lambda run, at: None, *, relayed: bool = False,
        kind: type[AzureStage] = AzureStage, logs: dict[str, Any] | None = None,
    ) -> Iterator[Run]:  # fmt: skip
        emptied()
        folder = tmp_path / "fleet"
        shutil.copytree(moved, folder)
        fleet = yaml.safe_load((folder / "fleet.yaml").read_text())
        fleet["models"]["demand"]["logs"] |= logs or {}
        (folder / "fleet.yaml").write_text(yaml.safe_dump(fleet))
        scenario = read_scenario(folder / "scenario.yaml")
        moments = happenings(scenario)
        clock = SetClock(moments[0][0] - timedelta(hours=1))
        with staged(
            function_app.app, folder / "fleet.yaml", scenario, clock, folder, certificates,
            mirror=50, relayed=relayed, kind=kind,
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


#: Between two faults of a life so many moments pass; the last day has none, so that it ends.
EVERY = 12
CALM = datetime(2024, 3, 6, 12, tzinfo=UTC)


def in_turn(
    services: Callable[[AzureStage], list[tuple[Loopback, tuple[str, ...]]]],
    kinds: dict[str, dict[str, Any]],
) -> Arm:
    """Break the first request of each kind every few moments, each time in another way."""

    def arm(run: Run, at: datetime) -> None:
        if len(run.moments) % EVERY or at > CALM:
            return
        fault = list(kinds.values())[len(run.moments) // EVERY % len(kinds)]
        for service, requests in services(run.stage):
            service.faults.clear()
            if "revoke" in fault:
                run.stage.service.credential.revoke()
                continue
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


SERVICES: dict[str, dict[str, Any]] = {
    "429 with Retry-After: Azure ML, Event Grid, Insights": {"answer": THROTTLED},
    "500: Azure ML, Event Grid, Insights": {"answer": FAILED},
    "no answer, nothing done: Azure ML, Event Grid, Insights": {},
    "done, the answer lost: Azure ML, Event Grid, Insights": {"after": True},
    "every token expired": {"revoke": True},
}
STORAGE: dict[str, dict[str, Any]] = {
    "503 with Retry-After: Tables, Blob, queues": {"answer": BUSY},
    "500: Tables, Blob, queues": {"answer": FAILED},
    "no answer, nothing done: Tables, Blob, queues": {},
    "done, the answer lost: Tables, Blob, queues": {"after": True},
}
SAME = "the same verdicts, run, gate, rollout and pages; nothing lost, nothing doubled"


@pytest.mark.parametrize(
    ("kinds", "services", "relayed"),
    [(SERVICES, around, False), (STORAGE, storage, True)],
    ids=["services", "storage"],
)
def test_a_passing_fault_changes_nothing(
    kinds: dict[str, dict[str, Any]],
    services: Any,
    relayed: bool,
    life: Callable[..., Any],
    undisturbed: dict[str, Any],
    outcomes: dict[str, str],
) -> None:
    with life(in_turn(services, kinds), relayed=relayed) as run:
        met = {
            id(fault)
            for service, _ in services(run.stage)
            for fault in service.faults
            if fault.times == 0
        }
        assert met or kinds is SERVICES
        for service, _ in services(run.stage):
            service.faults.clear()
        run.check_nothing_is_lost_or_doubled()
        assert run.outcome() == undisturbed
        assert not run.lines("refused")
    outcomes.update(dict.fromkeys(kinds, SAME))


@pytest.mark.parametrize(
    ("kind", "logs"),
    [
        (Growing, {"events": False}), (Announced, {}), (Queued, {}),
        (Growing, {"events": False, "path": "mdc/a", "container": "theirs"}),
    ],
    ids=["polled", "announced", "queued", "elsewhere"],
)  # fmt: skip
def test_append_blobs_that_grow_are_read_whoever_tells_of_them(
    kind: type[Growing],
    logs: dict[str, Any],
    life: Callable[..., Any],
    undisturbed: dict[str, Any],
    outcomes: dict[str, str],
) -> None:
    with life(kind=kind, logs=logs) as run:
        run.check_nothing_is_lost_or_doubled()
        assert run.outcome() == undisturbed
        assert not run.lines("refused")
        assert run.stage.grown > 20
        assert run.stage.host.queues.poison_due.waiting() == 0
        assert run.stage.host.queues.poison_events.waiting() == 0
        fleet = journal.read(run.stage.store, "fleet")
        assert not [line for record in fleet for line in record.lines if line["what"] == "parked"]
    outcomes[f"append blobs, {kind.__name__.lower()}"] = SAME


def in_canary(run: Run) -> bool:
    active = run.state.promotion.rollout
    return active is not None and active.challenger == CHALLENGER and active.phase == "canary"


@dataclass
class Once:
    """Something that is done the first time that a canary is met, and undone some moments later."""

    do: Callable[[Run], None]
    undo: Callable[[Run], None] = lambda run: None
    after: int = 8
    seen: int = 0

    def __call__(self, run: Run, at: datetime) -> None:
        self.seen += bool(self.seen) or in_canary(run)
        if self.seen == 1:
            self.do(run)
        if self.seen == self.after:
            self.undo(run)


def fired(run: Run, key: str) -> list[dict[str, Any]]:
    return [x for x in run.lines("alert") if x["phase"] == "firing" and x["alert"].startswith(key)]


def test_somebody_elses_split_in_a_canary_is_held_and_told(
    life: Callable[..., Any], outcomes: dict[str, str]
) -> None:
    def moved(run: Run) -> None:
        run.stage.service.online.split("demand", {"first": 20, CHALLENGER: 80}, {})

    def given_back(run: Run) -> None:
        assert run.state.promotion.rollout.phase == "canary"
        (alert,) = fired(run, "traffic")
        assert alert["severity"] == "page"
        held = run.stage.service.online.endpoints["demand"]["properties"]["traffic"]
        assert held == {"first": 20, CHALLENGER: 80}
        run.stage.service.online.split("demand", {"first": 50, CHALLENGER: 50}, {})

    with life(Once(moved, given_back, after=14)) as run:
        assert run.lines("foreign")
        assert run.lines("restored")
        assert run.state.promotion.rollout.phase != "canary"
        run.check_nothing_is_lost_or_doubled()
    outcomes["somebody else splits the traffic in a canary"] = (
        "paged (traffic-1), promotion waits, evidence left out; goes on when given back"
    )


def test_a_deployment_deleted_under_us_is_told_and_never_promoted(
    life: Callable[..., Any], outcomes: dict[str, str]
) -> None:
    def deleted(run: Run) -> None:
        online = run.stage.service.online
        online.split("demand", {"first": 100}, {})
        del online.deployments["demand", CHALLENGER]

    with life(Once(deleted)) as run:
        assert fired(run, "traffic")
        assert (CHALLENGER, "promoted") not in run.outcome()["rollouts"]
        assert run.state.champion == "first"
        run.check_nothing_is_lost_or_doubled()
    outcomes["a deployment is deleted under us"] = (
        "paged (traffic-1); the champion serves, the rollout ends without promotion"
    )


def test_an_operation_that_never_finishes_stays_owed_until_it_does(
    life: Callable[..., Any], undisturbed: dict[str, Any], outcomes: dict[str, str]
) -> None:
    owed: list[int] = []

    def stuck(run: Run, at: datetime) -> None:
        active, service = run.state.promotion.rollout, run.stage.service
        if not owed and (active is None or active.challenger != CHALLENGER):
            return
        if not owed:
            # From here on, in the shadow: the next split is that of the canary.
            service.polls, service.poll_after = None, 0.01
        waiting = run.stage.store.scan("demand", "out:", pending=True)
        owed.append(sum(":traffic" in row.key for row in waiting))
        if service.polls is None and sum(owed) == 6:
            service.polls = 0
            service.finish()

    with life(stuck) as run:
        assert max(owed) == 1, "the one split is owed, not one a try"
        run.check_nothing_is_lost_or_doubled()
        assert run.state.champion == undisturbed["champion"]
        assert run.outcome()["runs"] == undisturbed["runs"]
    outcomes["an operation of Azure ML does not finish"] = (
        "owed (driftwarden.effects.oldest grows), asked again, set once when it ends"
    )


def test_a_partial_answer_is_never_taken_for_a_whole_one(
    certificates: Authority, outcomes: dict[str, str]
) -> None:
    workspace, noon = "11111111-2222-3333-4444-555555555555", datetime(2026, 3, 1, 12, tzinfo=UTC)
    double = LogAnalytics(certificates, LoopbackCredential(), workspace, noon + timedelta(days=1))
    table = pa.table({"x": np.random.default_rng(3).normal(size=400)})
    ruler = Ruler.of(table)
    rows = [
        {
            "TimeGenerated": noon + timedelta(minutes=number), "CorrelationId": f"r{number}",
            "RowIndex": 0, "Endpoint": "demand", "Deployment": "first", "Features": {"x": value},
        }
        for number, value in enumerate(table["x"].to_pylist())
    ]  # fmt: skip
    with double.service:
        double.add("Features_CL", rows)
        cloud = Cloud(double.credential, logs=double.service.url, trusted=str(certificates.bundle))
        platform = Platform(Metrics(cloud), lambda name: Resource(name, "eastus"))
        counting = AzureCounting(Analytics(cloud), workspace, platform)
        cut = Response(200, {"tables": [], "error": partial("a node went away")})
        double.service.fail("POST .*", answer=cut, times=3)
        source = LogSource("", "Features_CL", "demand", "first")
        counted = counting.count(source, ruler, noon, noon + timedelta(hours=7))
    assert counted.to_bytes() == sketch(table, ruler).to_bytes()
    outcomes["Log Analytics answers in part"] = "asked again by halves; the counts are those of all"
