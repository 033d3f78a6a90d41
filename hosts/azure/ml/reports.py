"""Reports drawn by command jobs of the workspace, because Evidently is too large for the app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import pyarrow as pa

from engine.clock import Clock
from engine.errors import Refused, Unavailable
from hosts.azure.ml.arm_errors import translated
from hosts.azure.ml.jobs import Jobs, phase_of, status_of
from hosts.azure.ml.reportjob import REPORT, Files, command_job, datastore, page_of
from hosts.azure.ml.workspace import Workspace
from hosts.azure.storage.exchange import Exchange
from hosts.reports.prepared import Prepared, prepare
from hosts.reports.program import packed, program
from retrain.ports import JobPhase

DATASTORES = "datastores/write"
LONGEST_REASON = 300
#: A cluster starts a node in minutes; the first job of a workspace waits for its image, too.
LOOK_AFTER, LOOK_EVERY = timedelta(minutes=2), timedelta(minutes=10)
#: A job that waits longer for a node is given up.
WAITS = timedelta(hours=2)


class AzureReports:
    """Implements `fleet.ports.Reports`: a job a title.

    The app prepares the rows, so that a job sees nothing that its page does not show. They lie in a
    container of the app's own account, which the workspace knows as a datastore, and so does the
    page.

    Parameters
    ----------
    workspace : where the jobs run.
    files : the container; every environment has an account of its own, and so jobs of its own.
    clock : tells how long a job has been waiting.
    compute : the cluster; without one every report is refused.
    """

    def __init__(self, workspace: Workspace, files: Exchange, clock: Clock, compute: str) -> None:
        self._workspace = workspace
        self._jobs = Jobs(workspace)
        self._files = files
        self._clock = clock
        self._compute = compute

    def html(
        self,
        title: str,
        notes: Sequence[str],
        current: Iterable[pa.Table],
        reference: Iterable[pa.Table],
    ) -> bytes:
        """See `fleet.ports.Reports`; rows are read only when the job is submitted."""
        if not self._compute:
            raise Refused("reports.compute in fleet.yaml names no compute cluster")
        job = self._name(title)
        if self._jobs.find(job) is None:
            self._submit(job, prepare(title, notes, current, reference))
        return self._drawn(job)

    def _name(self, title: str) -> str:
        said = f"{self._files.account}/{self._files.container}/{title}"
        return f"{REPORT}-{sha256(said.encode()).hexdigest()[:32]}"

    def _submit(self, job: str, report: Prepared) -> None:
        self._files.open()
        window, reference = packed(report)
        files = Files(
            datastore(self._files.account),
            self._files.put(program()),
            self._files.put(window),
            self._files.put(reference),
        )
        self._attach()
        made = command_job(job, report.title, files, self._compute)
        try:
            self._jobs.submit(job, made)
        except Refused:
            # A concurrent worker won: the service refuses a second job of the name.
            if self._jobs.find(job) is None:
                raise

    def _attach(self) -> None:
        """Name the container to the workspace; a job may write to datastores alone."""
        from azure.ai.ml.entities import AzureBlobDatastore

        known = AzureBlobDatastore(
            name=datastore(self._files.account),
            account_name=self._files.account,
            container_name=self._files.container,
            description="Rows and pages of driftwarden's reports",
        )
        with translated(f"datastore {known.name}: write", DATASTORES):
            self._workspace.client.datastores.create_or_update(known)

    def _drawn(self, job: str) -> bytes:
        """Return the page of a job; Refused where it left none, Unavailable until it is over."""
        found = self._jobs.find(job)
        phase = JobPhase.unknown if found is None else phase_of(found)
        match phase:
            case JobPhase.succeeded:
                page = self._files.get(page_of(job))
                if page is None:
                    raise Refused(f"job {job}: completed, but wrote no page")
                return page
            case JobPhase.failed:
                raise Refused(f"job {job}: {': '.join(self._jobs.failure(job))}"[:LONGEST_REASON])
            case JobPhase.cancelled:
                raise Refused(f"job {job}: cancelled")
        status = "not in the workspace yet" if found is None else status_of(found)
        created = None if found is None else found.creation_context
        if created is not None and self._waits(created.created_at):
            self._jobs.cancel(job)
            raise Refused(f"job {job}: {status} after {WAITS.total_seconds() / 3600:g} hours")
        raise Unavailable(f"job {job}: {status}", LOOK_AFTER, LOOK_EVERY)

    def _waits(self, since: datetime | None) -> bool:
        return since is not None and self._clock.now() - since > WAITS
