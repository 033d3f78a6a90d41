"""One attempt at a job: its process, its end, and the record of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hosts import folders, private
from hosts.local.models.jobs import (
    command,
    failed,
    locked,
    outcome,
    read_job,
    read_state,
    write_state,
)
from hosts.local.models.processes import close_memory, plain_environment
from retrain.ports import JobPhase

Process = subprocess.Popen[bytes]


def launch(folder: Path, attempt: int) -> Process:
    """Start the command of a job, as a process group; Refused or OSError where that fails."""
    out = folder / f"out-{attempt}"
    with suppress(OSError):
        folders.remove(out)
    words = command(read_job(folder), folder, out)
    private.make_folder(out)
    close_memory()
    with private.opened(folder / "log.txt", "wb") as log:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
            umask=private.UMASK,
        )


def _environment() -> dict[str, str]:
    """Return a plain environment whose `python` is this interpreter."""
    plain = plain_environment()
    search = [str(Path(sys.executable).parent), plain.get("PATH", os.defpath)]
    return {"PYTHONHASHSEED": "0", **plain, "PATH": os.pathsep.join(search)}


def ended_late(process: Process, limit: timedelta) -> bool:
    """Wait for the command, and kill it after the limit; tell whether that was passed."""
    late = False
    try:
        process.wait(limit.total_seconds())
    except subprocess.TimeoutExpired:
        late = True
    # Also after a normal end: processes of its group may still run.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return late


def record(folder: Path, attempt: int, code: int, *, late: bool) -> None:
    """Write the outcome of an attempt, unless the job ended or began anew meanwhile."""
    with locked(folder):
        state = read_state(folder)
        if state.phase is JobPhase.running and state.owner and state.attempt == attempt:
            over = failed(state, f"its time limit of {read_job(folder).time_limit} passed")
            write_state(folder, over if late else outcome(folder, state, code))
