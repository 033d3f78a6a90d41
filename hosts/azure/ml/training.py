"""Trainings as jobs of the workspace: the user's job file, submitted once per job id."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import Refused
from hosts.azure.ml.arm_errors import Absent, translated
from hosts.azure.ml.jobfile import FOR_JOB, FOR_MODEL, check_same, job_name, prepared
from hosts.azure.ml.workspace import Workspace
from retrain.ports import JobPhase, JobStatus, TrainingJob

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job, Model

READ, WRITE, CANCEL = "jobs/read", "jobs/write", "jobs/cancel/action"
MODELS = "models/versions/read"
LONGEST_REASON = 300

#: `JobStatus` of azure-ai-ml's arm_ml_service, with the meaning that its docstrings give.
PHASES = {
    "NotStarted": JobPhase.running,
    "Starting": JobPhase.running,
    "Provisioning": JobPhase.running,
    "Preparing": JobPhase.running,
    "Queued": JobPhase.running,
    "Running": JobPhase.running,
    "Finalizing": JobPhase.running,
    "Paused": JobPhase.running,
    "Completed": JobPhase.succeeded,
    "Failed": JobPhase.failed,
    "CancelRequested": JobPhase.cancelled,
    "Canceled": JobPhase.cancelled,
    # No heartbeat: the job may return to any other status.
    "NotResponding": JobPhase.unknown,
    "Unknown": JobPhase.unknown,
}
#: `RootError.code` of azure-ai-ml's runhistory: the party at fault for a failure.
OURS = {"UserError", "ValidationError"}
#: A preempted node is reported as the user's error, too: Azure/MLOpsPython issue 346,
#: "UserError: AzureMLCompute job failed. PreemptionError: Nodes of this job got pre-empted".
#: Quotas and capacity: "Manage and increase quotas" and "Troubleshoot compute" (Microsoft Learn).
TAKEN = re.compile(r"(?i)pre-?empt|evicted|quota|insufficient capacity|node (was )?(lost|unusable)")


class AzureTrainer:
    """Implements the `Trainer` port.

    `TrainingJob.spec` names a command or pipeline job file beside fleet.yaml. Its inputs of these
    names are filled in: `data` (the data set), `model`, `version`, `training_from`, `training_to`
    and `holdout_days`. The job registers the model under `version`, or tags the version that it
    registers with `driftwarden.job`, or registers it as an output of its own.

    Parameters
    ----------
    workspace : where the jobs run.
    folder : where fleet.yaml lies.
    uri_of : the address of a blob for a job.
    name_of : the name of a model in the workspace, which a job receives and registers.
    """

    def __init__(
        self,
        workspace: Workspace,
        folder: Path,
        uri_of: Callable[[str], str],
        name_of: Callable[[str], str] = lambda model: model,
    ) -> None:
        self._workspace = workspace
        self._folder = folder
        self._uri_of = uri_of
        self._name_of = name_of

    def submit(self, job: TrainingJob) -> None:
        """Start the job, once per `job.id`; Refused where the name belongs to a different job."""
        job = replace(job, model=self._name_of(job.model))
        if self._submitted(job):
            return
        made = prepared(self._folder, job, self._uri_of)
        try:
            with translated(f"job {job.id}: submit", WRITE):
                self._workspace.client.jobs.create_or_update(made)
        except Refused:
            # A concurrent worker won: the service refuses a second job of the name.
            if not self._submitted(job):
                raise

    def poll(self, job_id: str, now: datetime) -> JobStatus:  # noqa: ARG002 (the port's)
        """Return the job's status; a name that the workspace does not know is silence."""
        found = self._find(job_id)
        if found is None:
            return JobStatus(JobPhase.unknown, reason=f"job {job_id}: not in the workspace")
        said = _status(found)
        match phase := PHASES.get(said, JobPhase.unknown):
            case JobPhase.succeeded:
                return self._registered(job_id, found)
            case JobPhase.failed:
                return self._failed(job_id)
            case JobPhase.unknown:
                return JobStatus(phase, reason=f"job {job_id}: {said}")
        return JobStatus(phase)

    def cancel(self, job_id: str) -> None:
        """Stop the job if it still runs; `poll` tells when it has stopped."""
        found = self._find(job_id)
        if found is None or PHASES.get(_status(found)) not in (JobPhase.running, JobPhase.unknown):
            return
        with translated(f"job {job_id}: cancel", CANCEL):
            # The result is not polled: a poller would leave a thread behind.
            self._workspace.client.jobs.begin_cancel(job_name(job_id), polling=False)

    def _find(self, job_id: str) -> Job | None:
        try:
            with translated(f"job {job_id}: read", READ):
                found: Job = self._workspace.client.jobs.get(job_name(job_id))
                return found
        except Absent:
            return None

    def _submitted(self, job: TrainingJob) -> bool:
        found = self._find(job.id)
        if found is None:
            return False
        check_same(job, dict(found.tags or {}))
        return True

    def _registered(self, job_id: str, found: Job) -> JobStatus:
        model = (found.tags or {}).get(FOR_MODEL, "")
        try:
            with translated(f"job {job_id}: its model {model}", MODELS):
                versions = list(self._workspace.client.models.list(model)) if model else []
        except Absent:
            versions = []
        made = [one for one in versions if _made_by(one, job_id, str(found.name))]
        if not made:
            reason = f"job {job_id}: registered no version of {model}"
            return JobStatus(JobPhase.failed, reason=reason)
        return JobStatus(JobPhase.succeeded, str(made[0].version))

    def _failed(self, job_id: str) -> JobStatus:
        with translated(f"job {job_id}: its error", READ):
            # Only the run history has the error, and it has no public operation.
            details = self._workspace.client.jobs._runs_operations.get_run_details(job_name(job_id))
        code, said = _told(details.error)
        reason = f"{code}: {said}"[:LONGEST_REASON]
        taken = code not in OURS or TAKEN.search(said) is not None
        return JobStatus(JobPhase.failed, reason=reason, infrastructure=taken)


def _status(job: Job) -> str:
    return str(getattr(job.status, "value", job.status))


def _made_by(model: Model, job_id: str, name: str) -> bool:
    made = (model.tags or {}).get(FOR_JOB)
    return job_id in (made, model.version) or name == model.job_name


def _told(error: Any) -> tuple[str, str]:
    """Return the code and the message of a run's error, both empty where it has none."""
    root = getattr(error, "error", None)
    if root is None:
        return "UserError", "the job failed and left no reason; see its logs"
    words = [str(root.message or "")]
    inner = root.inner_error
    while inner is not None:
        words.append(str(inner.code or ""))
        inner = inner.inner_error
    return str(root.code or "UserError"), " ".join(" ".join(words).split())
