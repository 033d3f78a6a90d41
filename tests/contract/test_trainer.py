"""One suite, every trainer: what a run relies on, whoever carries the training out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from engine.clock import SetClock
from hosts.azure.ml.registry import AzureRegistry
from hosts.azure.ml.training import AzureTrainer
from hosts.local.models.registry import ModelFolders
from hosts.local.models.trainer import LocalTrainer
from retrain.ports import JobPhase, JobStatus, Registry, Trainer, TrainingJob
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

NOW = datetime(2013, 7, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TRAIN = """\
import pathlib, sys, time
out, version, how = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with (out.parent.parent / "started").open("a") as started:
    started.write(version + "\\n")
if how == "bad":
    sys.exit("the rows make no sense")
if how == "slow":
    time.sleep(120)
(out / "model.yaml").write_text(
    f"name: flights\\nversion: {version}\\nfeatures: [a]\\nentry: scoring:score\\n"
    "training_window: {from: 2013-06-01, to: 2013-06-04}\\n"
)
"""
JOB_FILE = """\
type: command
command: python train.py --data ${{inputs.data}} --version ${{inputs.version}}
environment: azureml:training:1
compute: azureml:cpu
tags: {how: %s}
inputs:
  data: {type: uri_file, path: azureml://datastores/d/paths/filled-in}
  version: filled in
"""


class Place(Protocol):
    """A trainer, the registry it registers with, and its world."""

    @property
    def trainer(self) -> Trainer: ...

    @property
    def registry(self) -> Registry: ...

    def spec(self, how: str) -> str:
        """Return the spec of a training that is good, bad or slow."""

    def started(self) -> list[str]:
        """Return the ids of the jobs that were started, each time they were."""


class Local:
    def __init__(self, folder: Path) -> None:
        self.registry = ModelFolders(folder / "models")
        self.folder = folder
        self.trainer = LocalTrainer(folder / "jobs", self.registry, SetClock(NOW))
        (folder / "train.py").write_text(TRAIN)

    def spec(self, how: str) -> str:
        return f"{sys.executable} {self.folder / 'train.py'} {{out}} {{version}} {how}"

    def started(self) -> list[str]:
        told = self.folder / "jobs" / "started"
        return told.read_text().split() if told.exists() else []


class Azure:
    def __init__(self, folder: Path, service: AzureML, authority: Authority) -> None:
        opened = workspace(service, authority)
        self.registry = AzureRegistry(opened)
        self.trainer = AzureTrainer(opened, folder, lambda name: f"azureml://blobs/{name}")
        self.folder = folder
        self.service = service
        self.jobs: list[str] = []
        service.on_job = self.run
        service.assets.add_compute("cpu")

    def spec(self, how: str) -> str:
        (self.folder / f"{how}.yml").write_text(JOB_FILE % how)
        return f"{how}.yml"

    def started(self) -> list[str]:
        return self.jobs

    def run(self, document: dict[str, Any]) -> None:
        asked, name = document["properties"], document["name"]
        self.jobs.append(name)
        how = asked["tags"]["how"]
        if how == "good":
            self.service.assets.add_model("flights", asked["inputs"]["version"]["value"])
            self.service.jobs.set(name, "Completed")
        elif how == "bad":
            error = {"code": "UserError", "message": "the rows make no sense"}
            self.service.jobs.set(name, "Failed", error)
        else:
            self.service.jobs.set(name, "Running")


@pytest.fixture(params=["local", "azure"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, certificates: Authority
) -> Iterator[Place]:
    if request.param == "local":
        opened = Local(tmp_path)
        yield opened
        opened.trainer.close()
    else:
        with AzureML(certificates, WorkspaceCredential()) as service:
            yield Azure(tmp_path, service, certificates)


def job(spec: str, name: str = "flights-run-1") -> TrainingJob:
    days = ("2013-06-01", "2013-06-02", "2013-06-04")
    tags = {"run": name, "trigger": "drift"}
    return TrainingJob(name, "flights", spec, days, (), {"data": "rows"}, timedelta(hours=1), tags)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ended(place: Place, name: str = "flights-run-1") -> JobStatus:
    until(lambda: place.trainer.poll(name, LATER).phase is not JobPhase.running)
    return place.trainer.poll(name, LATER)


def test_a_good_training_registers_its_version_once(place: Place) -> None:
    asked = job(place.spec("good"))
    for _ in range(3):
        place.trainer.submit(asked)
    status = ended(place)
    assert status == JobStatus(JobPhase.succeeded, "flights-run-1")
    assert place.registry.versions("flights") == ("flights-run-1",)
    place.trainer.submit(asked)
    assert ended(place) == status
    assert place.started() == ["flights-run-1"]


def test_a_bad_training_fails_with_its_own_words(place: Place) -> None:
    place.trainer.submit(job(place.spec("bad")))
    status = ended(place)
    assert status.phase is JobPhase.failed
    assert "the rows make no sense" in status.reason
    assert not status.infrastructure
    assert place.registry.versions("flights") == ()


def test_a_running_job_is_cancelled_as_often_as_one_likes(place: Place) -> None:
    place.trainer.submit(job(place.spec("slow")))
    until(lambda: bool(place.started()))
    assert place.trainer.poll("flights-run-1", LATER).phase is JobPhase.running
    for _ in range(2):
        place.trainer.cancel("flights-run-1")
        assert ended(place).phase is JobPhase.cancelled
    place.trainer.submit(job(place.spec("slow")))
    assert ended(place).phase is JobPhase.cancelled
    assert place.started() == ["flights-run-1"]


def test_cancelling_what_is_over_changes_nothing(place: Place) -> None:
    place.trainer.submit(job(place.spec("good")))
    before = ended(place)
    place.trainer.cancel("flights-run-1")
    assert ended(place) == before


def test_nobody_knows_what_was_never_submitted(place: Place) -> None:
    place.trainer.cancel("flights-run-9")
    assert place.trainer.poll("flights-run-9", LATER).phase is JobPhase.unknown


def test_jobs_of_different_names_are_different_jobs(place: Place) -> None:
    place.trainer.submit(job(place.spec("bad")))
    place.trainer.submit(job(place.spec("good"), "flights-run-2"))
    assert ended(place).phase is JobPhase.failed
    assert ended(place, "flights-run-2").version == "flights-run-2"
    assert sorted(place.started()) == ["flights-run-1", "flights-run-2"]
