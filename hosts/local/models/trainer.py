"""Run the user's training command once per job, as a process group, across kills and restarts.

An attempt whose daemon crashed is killed if it still runs, and repeated in a new folder.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from engine.clock import Clock
from engine.errors import Refused
from hosts import private
from hosts.local.disk import DiskFault
from hosts.local.models.attempts import Process, ended_late, launch, record
from hosts.local.models.jobs import (
    State,
    create,
    failed,
    locked,
    read_job,
    read_state,
    submitted,
    write_state,
)
from hosts.local.models.processes import kill_group, mark_of, runs
from hosts.local.models.registry import ModelFolders
from retrain.ports import JobPhase, JobStatus, TrainingJob
from retrain.registry import check_version

logger = logging.getLogger("driftwarden.host")

MAX_ATTEMPTS = 3
#: How long to wait before an outcome that the disk did not take is written again.
AGAIN_SECONDS = 5.0

Duration = Callable[[TrainingJob], timedelta]


class LocalTrainer:
    """Implements the `Trainer` port with subprocesses; a job's id becomes its version's name.

    The words of `TrainingJob.spec` may hold {out} (the model folder to write), {version}, {job}
    (the path of job.json, with all days), {from} and {to} (the first and the last day), and the
    name of each input, such as {data}.

    Parameters
    ----------
    jobs, models : the folder of the jobs, and the registry that finished versions go to.
    clock : the time at which a job is submitted.
    synchronous : whether submit returns only after the command has ended.
    duration : for a replay, the declared duration of a job: until then it polls as running.
    attempts : how often a job is restarted after its daemon crashed, before it fails.
    """

    def __init__(
        self,
        jobs: Path,
        models: ModelFolders,
        clock: Clock,
        *,
        synchronous: bool = False,
        duration: Duration | None = None,
        attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._jobs = jobs
        self._models = models
        self._clock = clock
        self._synchronous = synchronous
        self._duration = duration
        self._attempts = attempts
        self._owner = mark_of(os.getpid())
        self._watches: dict[Path, threading.Thread] = {}
        self._closing = threading.Event()

    def submit(self, job: TrainingJob) -> None:
        """Start the job, once per `job.id`; Refused where the id cannot name a version."""
        folder = self._folder(job.id)
        with locked(folder):
            if not submitted(folder):
                create(folder, job, self._clock.now())
        self._resume(folder)

    def poll(self, job_id: str, now: datetime) -> JobStatus:
        """Return the job's status at `now`; a finished job is registered after its duration."""
        folder = self._folder(job_id)
        if not submitted(folder):
            return JobStatus(JobPhase.unknown, reason=f"job {job_id}: never submitted here")
        self._resume(folder)
        with locked(folder):
            state = read_state(folder)
            declared = self._duration(read_job(folder)) if self._duration else timedelta(0)
            if state.phase is not JobPhase.cancelled and now < state.since + declared:
                return JobStatus(JobPhase.running)
            if state.trained and state.phase is JobPhase.running:
                state = self._register(folder, state)
        return JobStatus(state.phase, state.version, state.reason, state.infrastructure)

    def cancel(self, job_id: str) -> None:
        """Stop the job if it still runs."""
        folder = self._folder(job_id)
        if not submitted(folder):
            return
        with locked(folder):
            state = read_state(folder)
            if state.phase is JobPhase.running:
                write_state(folder, state.model_copy(update={"phase": JobPhase.cancelled}))
                kill_group(state.child)

    def close(self) -> None:
        """Kill the commands that this trainer watches; the next poll restarts them."""
        self._closing.set()
        while self._watches:
            folder, watch = self._watches.popitem()
            # What cannot be written now is told by the mark of the process that has ended.
            with suppress(DiskFault), locked(folder):
                state = read_state(folder)
                if state.phase is JobPhase.running and not state.trained:
                    update = {"owner": "", "attempt": state.attempt - 1}
                    try:
                        write_state(folder, state.model_copy(update=update))
                    finally:
                        kill_group(state.child)
            watch.join()

    def _folder(self, job_id: str) -> Path:
        return self._jobs / check_version(job_id)

    def _resume(self, folder: Path) -> None:
        """Start the next attempt unless the job ended or a live process watches it."""
        with locked(folder):
            state = read_state(folder)
            if state.phase is not JobPhase.running or state.trained or runs(state.owner):
                return
            kill_group(state.child)
            process = self._start(folder, state)
            attempt = state.attempt + 1
        if process is None:
            return
        if self._synchronous:
            self._watch(folder, process, attempt)
            return
        watch = threading.Thread(target=self._watch, args=(folder, process, attempt), daemon=True)
        self._watches[folder] = watch
        watch.start()

    def _start(self, folder: Path, before: State) -> Process | None:
        """Start an attempt and record it; None, also recorded, where it cannot be started."""
        if before.attempt >= self._attempts:
            reason = (
                f"started {self._attempts} times; the daemon stopped each time before the job ended"
            )
            write_state(folder, failed(before, reason, infrastructure=True))
            return None
        update = {"attempt": before.attempt + 1, "owner": self._owner, "child": ""}
        state = before.model_copy(update=update)
        # Recorded before the process starts: a lost process keeps its own folder.
        write_state(folder, state)
        try:
            process = launch(folder, state.attempt)
        except Refused as error:
            write_state(folder, failed(state, str(error)))
            return None
        except OSError as error:
            reason = f"training command: {error.filename}: {error.strerror}"
            write_state(folder, failed(state, reason))
            return None
        write_state(folder, state.model_copy(update={"child": mark_of(process.pid)}))
        return process

    def _watch(self, folder: Path, process: Process, attempt: int) -> None:
        """Record the outcome of an attempt when it ends; on a full disk, once that is possible."""
        late = ended_late(process, read_job(folder).time_limit)
        code = process.wait()
        while True:
            try:
                record(folder, attempt, code, late=late)
                return
            except DiskFault as fault:
                logger.warning("%s", fault)
                if self._closing.wait(AGAIN_SECONDS):
                    return

    def _register(self, folder: Path, state: State) -> State:
        out = folder / f"out-{state.attempt}"
        private.close_to_others(out)
        self._models.register(out, read_job(folder).tags)
        update = {"phase": JobPhase.succeeded, "version": folder.name}
        after = state.model_copy(update=update)
        write_state(folder, after)
        return after
