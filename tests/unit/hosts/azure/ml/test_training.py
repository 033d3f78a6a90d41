from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Refused, Unavailable
from hosts.azure.ml.jobs import PHASES
from hosts.azure.ml.training import AzureTrainer
from retrain.ports import JobPhase, JobStatus, TrainingJob
from tests.doubles.azureml import AzureML
from tests.doubles.azureml_client import WorkspaceCredential, workspace
from tests.doubles.loopback import Response
from tests.doubles.tls import Authority

# azure-ai-ml is written for marshmallow 3, and marshmallow 3 tells of 4.
pytestmark = pytest.mark.filterwarnings("ignore::marshmallow.warnings.Marshmallow4Warning")

NOW = datetime(2013, 7, 1, tzinfo=UTC)
COMMAND = """\
type: command
command: python train.py --data ${{inputs.data}} --version ${{inputs.version}}
environment: azureml:training:1
compute: azureml:cpu
tags: {owner: flights-team}
inputs:
  data: {type: uri_file, path: azureml://datastores/d/paths/filled-in, mode: download}
  version: filled in
  model: filled in
  training_from: filled in
  training_to: filled in
  holdout_days: filled in
  trees: 300
"""
PIPELINE = """\
type: pipeline
experiment_name: nightly
settings: {default_compute: azureml:cpu}
inputs:
  data: {type: uri_folder, path: azureml://datastores/d/paths/filled-in}
  version: filled in
jobs:
  train:
    type: command
    command: python train.py --data ${{inputs.data}} --version ${{inputs.version}}
    environment: azureml:training:1
    inputs:
      data: ${{parent.inputs.data}}
      version: ${{parent.inputs.version}}
"""
PLAIN = "type: command\ncommand: x\nenvironment: azureml:e:1\n"
JOB = TrainingJob(
    id="flights-run-1",
    model="flights",
    spec="train.yml",
    days=("2013-06-02", "2013-06-01", "2013-06-04"),
    holdout_days=("2013-06-05", "2013-06-06"),
    inputs={"data": "sha256-of-rows"},
    time_limit=timedelta(hours=2),
    tags={"run": "flights-run-1", "trigger": "drift", "dataset_hash": "sha256-of-rows"},
)


@pytest.fixture
def service(certificates: Authority) -> Iterator[AzureML]:
    with AzureML(certificates, WorkspaceCredential()) as opened:
        opened.assets.add_compute("cpu")
        yield opened


@pytest.fixture
def trainer(service: AzureML, certificates: Authority, tmp_path: Path) -> AzureTrainer:
    (tmp_path / "train.yml").write_text(COMMAND)
    opened = workspace(service, certificates)
    return AzureTrainer(opened, tmp_path, lambda name: f"azureml://blobs/{name}")


def sent(service: AzureML) -> dict[str, Any]:
    (request,) = service.requests("PUT .*/jobs/")
    found: dict[str, Any] = request.json()["properties"]
    return found


def test_a_job_is_told_the_models_raw_name(
    service: AzureML, certificates: Authority, tmp_path: Path
) -> None:
    """So what it registers is found by that name; the job keeps the name it was asked under."""
    (tmp_path / "train.yml").write_text(COMMAND)
    raw = {"flights": "Raw_Flights"}.__getitem__
    opened = workspace(service, certificates)
    trainer = AzureTrainer(opened, tmp_path, lambda name: f"azureml://blobs/{name}", raw)
    trainer.submit(JOB)
    trainer.submit(JOB)
    body = sent(service)
    assert body["inputs"]["model"]["value"] == "Raw_Flights"
    assert body["tags"]["driftwarden.model"] == "Raw_Flights"
    (request,) = service.requests("PUT .*/jobs/")
    assert "/jobs/flights-run-1" in request.path


def test_a_command_job_is_filled_in(trainer: AzureTrainer, service: AzureML) -> None:
    trainer.submit(JOB)
    body = sent(service)
    assert body["inputs"] == {
        "data": {
            "jobInputType": "uri_file",
            "uri": "azureml://blobs/sha256-of-rows",
            "mode": "Download",
        },
        "version": {"jobInputType": "literal", "value": "flights-run-1"},
        "model": {"jobInputType": "literal", "value": "flights"},
        "training_from": {"jobInputType": "literal", "value": "2013-06-01"},
        "training_to": {"jobInputType": "literal", "value": "2013-06-04"},
        "holdout_days": {"jobInputType": "literal", "value": "2013-06-05,2013-06-06"},
        "trees": {"jobInputType": "literal", "value": "300"},
    }
    tags = body["tags"]
    assert len(tags.pop("driftwarden.asked")) == 16
    assert tags == {
        "owner": "flights-team",
        "driftwarden.run": "flights-run-1",
        "driftwarden.trigger": "drift",
        "driftwarden.dataset_hash": "sha256-of-rows",
        "driftwarden.job": "flights-run-1",
        "driftwarden.model": "flights",
    }
    assert body["limits"]["timeout"] == "PT2H"
    assert body["experimentName"] == "flights"


def test_a_pipeline_job_is_filled_in(
    trainer: AzureTrainer, service: AzureML, tmp_path: Path
) -> None:
    (tmp_path / "train.yml").write_text(PIPELINE)
    trainer.submit(JOB)
    trainer.submit(JOB)
    body = sent(service)
    assert body["inputs"] == {
        "data": {"jobInputType": "uri_folder", "uri": "azureml://blobs/sha256-of-rows"},
        "version": {"jobInputType": "literal", "value": "flights-run-1"},
    }
    assert body["experimentName"] == "nightly"
    assert trainer.poll("flights-run-1", NOW).phase is JobPhase.running


def test_the_files_own_time_limit_stays(
    trainer: AzureTrainer, service: AzureML, tmp_path: Path
) -> None:
    (tmp_path / "train.yml").write_text(COMMAND + "limits: {timeout: 600}\n")
    trainer.submit(replace(JOB, holdout_days=()))
    assert sent(service)["limits"]["timeout"] == "PT10M"
    assert sent(service)["inputs"]["holdout_days"]["value"] == "none"


def test_a_lost_answer_is_found_done(trainer: AzureTrainer, service: AzureML) -> None:
    service.fail("PUT .*/jobs/", after=True)
    with pytest.raises(Unavailable, match="flights-run-1: submit"):
        trainer.submit(JOB)
    trainer.submit(JOB)
    assert len(service.requests("PUT .*/jobs/")) == 1
    assert list(service.jobs.documents) == ["flights-run-1"]


def test_whoever_comes_second_finds_it_done(trainer: AzureTrainer, service: AzureML) -> None:
    trainer.submit(JOB)
    # The other worker wrote the same rows as other bytes, and asked before the first had put.
    service.fail("GET .*/jobs/flights-run-1", answer=Response(404, {"error": {"code": "x"}}))
    trainer.submit(replace(JOB, inputs={"data": "other-bytes"}))
    last = service.exchanges[-2]
    assert (last.request.method, last.response and last.response.status) == ("PUT", 400)
    assert len(service.jobs.documents) == 1


def test_two_workers_at_once_make_one_job(trainer: AzureTrainer, service: AzureML) -> None:
    begun = []
    service.on_job = lambda document: begun.append(document["name"])
    workers = [threading.Thread(target=trainer.submit, args=(JOB,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert begun == ["flights-run-1"]


def test_a_name_that_ran_something_else_is_refused(trainer: AzureTrainer, service: AzureML) -> None:
    trainer.submit(JOB)
    with pytest.raises(Refused, match="one of that name for another training"):
        trainer.submit(replace(JOB, days=("2013-07-01",)))
    assert len(service.requests("PUT .*/jobs/")) == 1


@pytest.mark.parametrize(
    ("spec", "content", "reason"),
    [
        ("python train.py", "", "it names one job file"),
        ("absent.yml", None, "absent.yml: no such file"),
        ("bad.yml", "command: [", "bad.yml: .*expected the node content"),
        ("bad.yml", "type: command\ncomand: x\n", "bad.yml: .*comand.*Unknown field"),
        ("bad.yml", PLAIN, "no input named data"),
        ("bad.yml", PLAIN + "inputs: {data: text}\n", "bad.yml: .*data"),
    ],
)
def test_a_wrong_job_file_is_refused_in_one_line(
    trainer: AzureTrainer, tmp_path: Path, spec: str, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "bad.yml").write_text(content)
    with pytest.raises(Refused, match=f"training.*{reason}") as caught:
        trainer.submit(replace(JOB, spec=spec))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 450


@pytest.mark.usefixtures("heavy")
def test_every_status_of_the_service_is_known() -> None:
    from azure.ai.ml._restclient.arm_ml_service.models import JobStatus as Theirs

    assert {status.value for status in Theirs} == set(PHASES)


@pytest.mark.parametrize("said", sorted(set(PHASES) - {"Completed", "Failed"}))
def test_a_status_is_a_phase(trainer: AzureTrainer, service: AzureML, said: str) -> None:
    trainer.submit(JOB)
    service.jobs.set("flights-run-1", said)
    assert trainer.poll("flights-run-1", NOW).phase is PHASES[said]


@pytest.mark.parametrize(
    ("error", "infrastructure"),
    [
        ({"code": "UserError", "message": "Execution failed: exit code 1"}, False),
        ({"code": "ValidationError", "message": "no such column"}, False),
        ({"code": "ServiceError", "message": "InternalServerError"}, True),
        ({"code": "TransientError", "message": "storage"}, True),
        ({"code": "UserError", "message": "PreemptionError: Nodes got pre-empted."}, True),
        ({"code": "UserError", "message": "x", "innerError": {"code": "QuotaExceeded"}}, True),
        (None, False),
    ],
)  # fmt: skip
def test_whose_fault_a_failure_is(
    trainer: AzureTrainer, service: AzureML, error: dict[str, Any] | None, infrastructure: bool
) -> None:
    trainer.submit(JOB)
    service.jobs.set("flights-run-1", "Failed", error)
    status = trainer.poll("flights-run-1", NOW)
    assert status.phase is JobPhase.failed
    assert status.infrastructure is infrastructure
    assert (error or {"message": "left no reason"})["message"] in status.reason


def test_a_version_is_found_however_it_was_registered(
    trainer: AzureTrainer, service: AzureML
) -> None:
    ways: dict[str, dict[str, Any]] = {
        "named": {"version": "flights-run-1"},
        "tagged": {"version": "7", "tags": {"driftwarden.job": "flights-run-1"}},
        "output": {"version": "8", "job": "flights-run-1"},
    }
    for how in ways.values():
        trainer.submit(JOB)
        service.assets.add_model("flights", "6", tags={"driftwarden.job": "flights-run-0"})
        service.assets.add_model("flights", **how)
        service.jobs.set("flights-run-1", "Completed")
        expected = JobStatus(JobPhase.succeeded, how["version"])
        assert trainer.poll("flights-run-1", NOW) == expected
        service.assets.models.clear()
        service.jobs.documents.clear()


def test_a_training_without_a_version_has_failed(trainer: AzureTrainer, service: AzureML) -> None:
    trainer.submit(JOB)
    service.assets.add_model("flights", "6")
    service.jobs.set("flights-run-1", "Completed")
    status = trainer.poll("flights-run-1", NOW)
    assert (status.phase, status.infrastructure) == (JobPhase.failed, False)
    assert "registered no version of flights" in status.reason


def test_a_deleted_job_is_silence(trainer: AzureTrainer, service: AzureML) -> None:
    trainer.submit(JOB)
    service.jobs.documents.clear()
    assert trainer.poll("flights-run-1", NOW).phase is JobPhase.unknown
    trainer.cancel("flights-run-1")


def test_a_cancelling_that_never_finishes_holds_nobody_up(
    trainer: AzureTrainer, service: AzureML
) -> None:
    trainer.submit(JOB)
    service.polls = None
    before = threading.active_count()
    trainer.cancel("flights-run-1")
    trainer.cancel("flights-run-1")
    assert len(service.requests("POST .*/cancel")) == 1
    assert trainer.poll("flights-run-1", NOW).phase is JobPhase.cancelled
    service.finish()
    assert trainer.poll("flights-run-1", NOW).phase is JobPhase.cancelled
    assert threading.active_count() <= before + 1


@pytest.mark.parametrize(
    "where", ["GET .*/jobs/", "PUT .*/jobs/", "GET .*/models/", "GET .*/runs/"]
)
@pytest.mark.parametrize("status", [429, 500])
def test_whatever_request_fails_the_whole_can_be_repeated(
    trainer: AzureTrainer, service: AzureML, where: str, status: int
) -> None:

    def register(document: dict[str, Any]) -> None:
        service.assets.add_model("flights", document["name"])

    service.on_job = register
    service.fail(where, answer=Response(status, {"error": {"code": "x", "message": "y"}}))
    caught = 0

    def insist(action: Any) -> Any:
        nonlocal caught
        while True:
            try:
                return action()
            except Unavailable:
                caught += 1

    insist(lambda: trainer.submit(JOB))
    service.jobs.set("flights-run-1", "Completed" if "models" in where else "Failed")
    ended = insist(lambda: trainer.poll("flights-run-1", NOW))
    assert ended.phase is (JobPhase.succeeded if "models" in where else JobPhase.failed)
    assert caught == 1
    assert len(service.jobs.documents) == 1
