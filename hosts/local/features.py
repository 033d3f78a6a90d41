"""The parts of fleet.yaml that this machine cannot fulfil, and the files that a training needs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet.document.policies import Watched
from fleet.document.text import Path as Place
from hosts.local.models.jobs import PLACEHOLDER, PLACEHOLDERS

INTERPRETER = re.compile(r"python[0-9.]*")
COMMAND: Place = ("training", "command")


def lacks(models: Mapping[str, Watched]) -> Iterator[tuple[Place, str]]:
    """Yield the fields that one machine cannot fulfil, with the reason."""
    for name, watched in models.items():
        for path, reason in _lacks(watched):
            yield ("models", name, *path), reason


def _lacks(watched: Watched) -> Iterator[tuple[Place, str]]:
    training = watched.policy.training
    if training is not None and training.job is not None:
        yield ("training", "job"), "needs Azure ML; the local host needs training.command"
    if watched.policy.logs.table is not None or watched.policy.logs.traffic:
        yield ("logs",), "tables need Log Analytics; the local host reads files"
    if watched.policy.logs.container is not None:
        yield ("logs", "container"), "the local host has one folder of logs, no containers"
    if watched.policy.serving.kind == "batch":
        yield ("serving", "kind"), "batch endpoints need Azure; use online"
    if training is not None and training.command is not None:
        yield from ((COMMAND, reason) for reason in _placeholders(training.command))


def _placeholders(words: tuple[str, ...]) -> Iterator[str]:
    if not words or not words[0].strip():
        yield "it is empty; give a program and its arguments"
        return
    found = [name for word in words for name in PLACEHOLDER.findall(word)]
    for name in sorted({*found} - {*PLACEHOLDERS}):
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        yield f"{{{name}}} is none of {known}"
    if "out" not in found:
        yield "{out} is missing: the folder that the command writes the version to"


def missing(watched: Watched, beside: Path) -> Iterator[tuple[Place, str]]:
    """Yield the files that a model's training needs and that are not there."""
    training = watched.policy.training
    words = training.command if training is not None else None
    if not words or not words[0].strip():
        return
    program = words[0]
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    if shutil.which(program, path=search) is None:
        yield COMMAND, f"{program}: no such program in PATH"
    elif INTERPRETER.fullmatch(Path(program).name):
        reason = _script(list(words[1:]), beside)
        if reason is not None:
            yield COMMAND, reason


def _script(words: list[str], beside: Path) -> str | None:
    """Return why the script or module that Python is to run is not there."""
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[2:] if words[0] in ("-W", "-X") else words[1:]
    if not words or words[0] == "-c" or "{" in words[0]:
        return None
    # The command runs in the folder in which `serve` is started.
    if words[0] == "-m":
        top = words[1].partition(".")[0] if len(words) > 1 else ""
        if top and (Path(top).is_dir() or Path(f"{top}.py").is_file()):
            return None
        found = importlib.util.find_spec(top) if top else None
        return None if found is not None else f"no module {top!r} in the present folder"
    if Path(words[0]).is_file():
        return None
    hint = f"; it lies in {beside}: run there" if (beside / words[0]).is_file() else ""
    return f"{words[0]}: no such file in the present folder, where the command runs{hint}"
