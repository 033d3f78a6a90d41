"""A training job as a folder: the request, its state, and the output of its command.

job.json is the job, status.json its state, log.txt the command's output, out-N the files of attempt
N.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from engine.errors import Refused
from hosts.local.files import exclusive, replace_file
from hosts.local.models.registry import read_model
from retrain.ports import JobPhase, TrainingJob

LONGEST_REASON = 300
JOB = TypeAdapter(TrainingJob)
#: What a training command may hold in braces; `command` fills it in, `data` from the job's inputs.
PLACEHOLDERS = ("data", "from", "job", "out", "to", "version")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


class State(BaseModel):
    """The state of a job; `owner` and `child` mark the daemon that watches it and its command.

    A successful command leaves `running` with `trained` set, until a poll registers it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: datetime
    phase: JobPhase = JobPhase.running
    attempt: int = 0
    owner: str = ""
    child: str = ""
    trained: bool = False
    version: str | None = None
    reason: str = ""
    infrastructure: bool = False


def submitted(folder: Path) -> bool:
    """Tell whether a job was ever submitted here: its state is written last."""
    return (folder / "status.json").exists()


def create(folder: Path, job: TrainingJob, since: datetime) -> None:
    """Write a new job."""
    replace_file(folder / "job.json", JOB.dump_json(job, indent=1), durable=True)
    write_state(folder, State(since=since))


def read_job(folder: Path) -> TrainingJob:
    """Return the requested job."""
    return JOB.validate_json((folder / "job.json").read_bytes())


def read_state(folder: Path) -> State:
    """Return the state of the job."""
    return State.model_validate_json((folder / "status.json").read_bytes())


def write_state(folder: Path, state: State) -> None:
    """Write the state of the job atomically."""
    content = state.model_dump_json(indent=1).encode()
    replace_file(folder / "status.json", content, durable=True)


def command(job: TrainingJob, folder: Path, out: Path) -> list[str]:
    """Return the command with its placeholders filled; Refused where it is malformed."""
    known = {
        **job.inputs,
        "out": str(out),
        "version": job.id,
        "job": str(folder / "job.json"),
        "from": min(job.days, default=""),
        "to": max(job.days, default=""),
    }

    def fill(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise Refused(f"training command: {match[0]} is none of {', '.join(sorted(known))}")
        return known[match[1]]

    try:
        words = shlex.split(job.spec)
    except ValueError as error:
        raise Refused(f"training command: {error}") from None
    if not words:
        raise Refused("training command: it is empty")
    return [PLACEHOLDER.sub(fill, word) for word in words]


def outcome(folder: Path, state: State, code: int) -> State:
    """Return the state after an attempt whose command ended with `code` (minus a signal)."""
    if code < 0:
        reason = f"killed by signal {-code}, not by this trainer"
        return failed(state, reason, infrastructure=True)
    if code > 0:
        return failed(state, f"exit code {code}{_last_words(folder)}")
    try:
        found = read_model(folder / f"out-{state.attempt}")
    except Refused as error:
        return failed(state, str(error))
    if (found.name, found.version) != (model := read_job(folder).model, folder.name):
        named = f"{found.name} {found.version}"
        return failed(state, f"model.yaml names {named}, expected {model} {folder.name}")
    return state.model_copy(update={"trained": True})


def failed(state: State, reason: str, *, infrastructure: bool = False) -> State:
    """Return the state of a job that failed; `infrastructure` means that a new try makes sense."""
    failure = {"phase": JobPhase.failed, "reason": reason, "infrastructure": infrastructure}
    return state.model_copy(update=failure)


def _last_words(folder: Path) -> str:
    """Return the last line that the command printed, for a reason."""
    with open(folder / "log.txt", "rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
        lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    spoken = [line for line in lines if line]
    return f": {spoken[-1][:LONGEST_REASON]}" if spoken else ", and it printed nothing"


def locked(folder: Path) -> AbstractContextManager[None]:
    """Lock a job against other threads and processes."""
    return exclusive(folder / ".lock")
