"""Jobs of the workspace by name: submitted, found, cancelled, and why one failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hosts.azure.ml.arm_errors import Absent, translated
from hosts.azure.ml.jobfile import job_name
from hosts.azure.ml.workspace import Workspace
from retrain.ports import JobPhase

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

READ, WRITE, CANCEL = "jobs/read", "jobs/write", "jobs/cancel/action"

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


class Jobs:
    """The jobs of a workspace; every method takes the id that `job_name` makes a name of."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def find(self, job_id: str) -> Job | None:
        """Return the job; None where the workspace does not know the name."""
        try:
            with translated(f"job {job_id}: read", READ):
                found: Job = self._workspace.client.jobs.get(job_name(job_id))
                return found
        except Absent:
            return None

    def submit(self, job_id: str, made: Job) -> None:
        """Start a job; Refused where one of that name differs."""
        with translated(f"job {job_id}: submit", WRITE):
            self._workspace.client.jobs.create_or_update(made)

    def cancel(self, job_id: str) -> None:
        """Stop the job if it still runs."""
        found = self.find(job_id)
        if found is None or phase_of(found) not in (JobPhase.running, JobPhase.unknown):
            return
        with translated(f"job {job_id}: cancel", CANCEL):
            # The result is not polled: a poller would leave a thread behind.
            self._workspace.client.jobs.begin_cancel(job_name(job_id), polling=False)

    def failure(self, job_id: str) -> tuple[str, str]:
        """Return the code and the message of a failed job's error."""
        with translated(f"job {job_id}: its error", READ):
            # Only the run history has the error, and it has no public operation.
            details = self._workspace.client.jobs._runs_operations.get_run_details(job_name(job_id))
        return _told(details.error)


def status_of(job: Job) -> str:
    """Return a job's status as the service says it."""
    return str(getattr(job.status, "value", job.status))


def phase_of(job: Job) -> JobPhase:
    """Return a job's phase; `unknown` for a status that is not known here."""
    return PHASES.get(status_of(job), JobPhase.unknown)


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
