"""The parts of fleet.yaml that Azure cannot fulfil, and the files deployed with the app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet.document.policies import Watched
from fleet.document.text import Path as Place

#: "Perform safe rollout of new deployments for real-time inference" (Microsoft Learn).
MIRROR_LIMIT = 50


def lacks(models: Mapping[str, Watched]) -> Iterator[tuple[Place, str]]:
    """Yield the fields that Azure cannot fulfil, with the reason."""
    for name, watched in models.items():
        training, mirror = watched.policy.training, watched.policy.serving.mirror
        if training is not None and training.job is None:
            yield ("models", name, "training", "command"), "Azure takes a job file, training.job"
        if mirror is not None and mirror > MIRROR_LIMIT:
            yield ("models", name, "serving", "mirror"), f"{MIRROR_LIMIT} at most in Azure"


def missing(watched: Watched, beside: Path) -> Iterator[tuple[Place, str]]:
    """Yield the files that a model names and that do not lie beside fleet.yaml."""
    training, deployment = watched.policy.training, watched.policy.serving.deployment
    named: list[tuple[Place, str | None]] = [
        (("training", "job"), training.job if training is not None else None),
        (("serving", "deployment"), deployment),
    ]
    for path, file in named:
        if file is not None and not (beside / file).is_file():
            yield path, f"{file}: no such file beside fleet.yaml"
