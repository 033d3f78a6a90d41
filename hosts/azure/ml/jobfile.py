"""The user's job file with the name, inputs and tags of one training."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
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

#: "CLI (v2) command job YAML schema" (Microsoft Learn), and the allowed ids of jobs.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
SUFFIXES = (".yml", ".yaml")
#: Literal inputs may not be empty.
NONE = "none"
LONGEST = 400


def job_name(job_id: str) -> str:
    """Return the name of the workspace's job: the id itself, or a hash of it where it has dots.

    >>> job_name("flights-run-1")
    'flights-run-1'
    """
    if NAME.fullmatch(job_id):
        return job_id
    return f"driftwarden-{sha256(job_id.encode()).hexdigest()[:16]}"


def asked(job: TrainingJob) -> str:
    """Return a hash of the requested training and its days.

    Inputs are left out: another version of this app may write the same rows as other bytes.
    """
    said = json.dumps([job.model, job.spec, job.days, job.holdout_days])
    return sha256(said.encode()).hexdigest()[:16]


def check_same(job: TrainingJob, tags: dict[str, str]) -> None:
    """Refuse a job of this name that belongs to a different training."""
    if tags.get(ASKED) != asked(job):
        raise Refused(
            f"job {job.id}: the workspace has one of that name for another training; give the "
            "model another name, or the fleet another workspace"
        )


def prepared(folder: Path, job: TrainingJob, uri_of: Callable[[str], str]) -> Job:
    """Return the job of `job.spec`, filled in; Refused with one line where the file is invalid."""
    path = _path(folder, job.spec)
    declared = _read(path, []).inputs
    if "data" not in declared:
        raise Refused(f"training: {path.name}: it has no input named data")
    made = _read(path, _inputs(job, declared, uri_of(job.inputs["data"])))
    made.name = made.display_name = job_name(job.id)
    made.experiment_name = made.experiment_name or job.model
    made.tags = {**(made.tags or {}), **_tags(job)}
    if hasattr(made, "set_limits") and made.limits is None:
        # A limit for the case that nobody cancels it.
        made.set_limits(timeout=int(job.time_limit.total_seconds()))
    result: Job = made
    return result


def _path(folder: Path, spec: str) -> Path:
    words = shlex.split(spec)
    if len(words) != 1 or not words[0].endswith(SUFFIXES):
        raise Refused(f"training {spec!r}: on Azure it names one job file, .yml or .yaml")
    path = folder / words[0]
    if not path.is_file():
        raise Refused(f"training: {words[0]}: no such file beside fleet.yaml")
    return path


def _read(path: Path, changes: list[dict[str, Any]]) -> Any:
    from azure.ai.ml import load_job
    from azure.ai.ml.exceptions import MlException

    # The SDK does not catch the errors of its schema library.
    from marshmallow.exceptions import ValidationError

    try:
        return load_job(path, params_override=changes)
    except (MlException, ValidationError) as error:
        said = " ".join(re.sub(r"\\n|[\"\\{}]", " ", str(error)).split())
        raise Refused(f"training: {path.name}: {said[:LONGEST]}") from error


def _inputs(job: TrainingJob, declared: Mapping[str, Any], uri: str) -> list[dict[str, Any]]:
    """Return the values of the inputs that the file declares; for `data`, its path."""
    known = {
        "data.path": uri,
        "model": job.model,
        "version": job.id,
        "training_from": min(job.days, default=NONE),
        "training_to": max(job.days, default=NONE),
        "holdout_days": ",".join(job.holdout_days) or NONE,
    }
    return [
        {f"inputs.{name}": value} for name, value in known.items() if name.split(".")[0] in declared
    ]


def _tags(job: TrainingJob) -> dict[str, str]:
    named = {
        name if name.startswith(PREFIX) else PREFIX + name: value
        for name, value in job.tags.items()
    }
    return {**named, FOR_JOB: job.id, FOR_MODEL: job.model, ASKED: asked(job)}
