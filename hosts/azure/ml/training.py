"""Trainings as jobs of the workspace: the user's job file, submitted once per job id."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import Refused
from hosts.azure.ml.arm_errors import Absent, translated
from hosts.azure.ml.jobfile import FOR_JOB, FOR_MODEL, check_same, prepared
from hosts.azure.ml.jobs import Jobs, phase_of, status_of
from hosts.azure.ml.workspace import Workspace
from retrain.ports import JobPhase, JobStatus, TrainingJob

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job, Model

MODELS = "models/versions/read"
LONGEST_REASON = 300

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
        self._jobs = Jobs(workspace)
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
            self._jobs.submit(job.id, made)
        except Refused:
            # A concurrent worker won: the service refuses a second job of the name.
            if not self._submitted(job):
                raise

    def poll(self, job_id: str, now: datetime) -> JobStatus:  # noqa: ARG002 (the port's)
        """Return the job's status; a name that the workspace does not know is silence."""
        found = self._jobs.find(job_id)
        if found is None:
            return JobStatus(JobPhase.unknown, reason=f"job {job_id}: not in the workspace")
        match phase := phase_of(found):
            case JobPhase.succeeded:
                return self._registered(job_id, found)
            case JobPhase.failed:
                return self._failed(job_id)
            case JobPhase.unknown:
                return JobStatus(phase, reason=f"job {job_id}: {status_of(found)}")
        return JobStatus(phase)

    def cancel(self, job_id: str) -> None:
        """Stop the job if it still runs; `poll` tells when it has stopped."""
        self._jobs.cancel(job_id)

    def _submitted(self, job: TrainingJob) -> bool:
        found = self._jobs.find(job.id)
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
        code, said = self._jobs.failure(job_id)
        reason = f"{code}: {said}"[:LONGEST_REASON]
        taken = code not in OURS or TAKEN.search(said) is not None
        return JobStatus(JobPhase.failed, reason=reason, infrastructure=taken)


def _made_by(model: Model, job_id: str, name: str) -> bool:
    made = (model.tags or {}).get(FOR_JOB)
    return job_id in (made, model.version) or name == model.job_name
