"""The user's job file, made into the job for one training: its name, inputs and tags."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import Refused
from retrain.ports import TrainingJob

if TYPE_CHECKING:
    from azure.ai.ml.entities import Job

#: The tags of a job, and of a version that names the job it comes from.
FOR_JOB = "driftwarden.job"
FOR_MODEL = "driftwarden.model"
ASKED = "driftwarden.asked"
PREFIX = "driftwarden."

#: "CLI (v2) command job YAML schema" (Microsoft Learn), and what the service takes as a job's id.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
SUFFIXES = (".yml", ".yaml")
#: Literal inputs may not be empty.
NONE = "none"


def job_name(job_id: str) -> str:
    """Return the name of the workspace's job: the id itself, or a hash of it where it has dots.

    >>> job_name("flights-run-1")
    'flights-run-1'
    """
    if NAME.fullmatch(job_id):
        return job_id
    return f"driftwarden-{sha256(job_id.encode()).hexdigest()[:16]}"


def asked(job: TrainingJob) -> str:
    """Return a hash of what is to be trained, on what days.

    Not of the inputs: another version of this app may write the same rows as other bytes.
    """
    said = json.dumps([job.model, job.spec, job.days, job.holdout_days])
    return sha256(said.encode()).hexdigest()[:16]


def check_same(job: TrainingJob, tags: dict[str, str]) -> None:
    """Refuse a job of this name that was not made for the same training."""
    if tags.get(ASKED) != asked(job):
        raise Refused(
            f"job {job.id}: the workspace has one of that name for another training; give the "
            "model another name, or the fleet another workspace"
        )


def prepared(folder: Path, job: TrainingJob, uri_of: Callable[[str], str]) -> Job:
    """Return the job of `job.spec`, filled in; Refused with one line where the file is wrong."""
    made: Any = _read(folder, job.spec)
    made.name = made.display_name = job_name(job.id)
    made.experiment_name = made.experiment_name or job.model
    made.tags = {**(made.tags or {}), **_tags(job)}
    _fill(made, job, uri_of)
    if hasattr(made, "set_limits") and made.limits is None:
        # Should nobody be left to cancel it.
        made.set_limits(timeout=int(job.time_limit.total_seconds()))
    result: Job = made
    return result


def _read(folder: Path, spec: str) -> Job:
    from azure.ai.ml import load_job
    from azure.ai.ml.exceptions import MlException

    # The library of the SDK's schemas, whose errors it lets through.
    from marshmallow.exceptions import ValidationError

    words = shlex.split(spec)
    if len(words) != 1 or not words[0].endswith(SUFFIXES):
        raise Refused(f"training {spec!r}: on Azure it names one job file, .yml or .yaml")
    path = folder / words[0]
    if not path.is_file():
        raise Refused(f"training: {words[0]}: no such file beside fleet.yaml")
    try:
        made: Job = load_job(path)
    except (MlException, ValidationError) as error:
        said = " ".join(re.sub(r"\\n|[\"{}]", " ", str(error)).split())
        raise Refused(f"training: {words[0]}: {said[:400]}") from error
    return made


def _tags(job: TrainingJob) -> dict[str, str]:
    named = {
        name if name.startswith(PREFIX) else PREFIX + name: value
        for name, value in job.tags.items()
    }
    return {**named, FOR_JOB: job.id, FOR_MODEL: job.model, ASKED: asked(job)}


def _fill(made: Any, job: TrainingJob, uri_of: Callable[[str], str]) -> None:
    """Set the inputs that the file declares."""
    if "data" not in made.inputs:
        raise Refused(f"training: {job.spec}: it has no input named data")
    made.inputs["data"].path = uri_of(job.inputs["data"])
    known = {
        "model": job.model,
        "version": job.id,
        "training_from": min(job.days, default=NONE),
        "training_to": max(job.days, default=NONE),
        "holdout_days": ",".join(job.holdout_days) or NONE,
    }
    for name, value in known.items():
        if name in made.inputs:
            setattr(made.inputs, name, value)
