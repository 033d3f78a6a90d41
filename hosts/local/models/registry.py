"""Model versions as folders `models/{name}/{version}/`, each described by its model.yaml."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from engine.errors import Refused
from hosts import private
from hosts.local import leftovers
from hosts.local.files import exclusive, replace_file
from retrain.ports import ModelCard
from retrain.registry import VERSION, Stage, check_name, check_version, move

MODEL_FILE = "model.yaml"
TAGS_FILE = "tags.json"

Name = Annotated[str, Field(pattern=f"^{VERSION.pattern}$")]


class TrainingWindow(BaseModel):
    """The days that the training rows come from, both inclusive."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date = Field(alias="from")
    last: date = Field(alias="to")


class ModelFile(BaseModel):
    """The content of model.yaml: enough to load and to call the version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    version: Name
    features: tuple[str, ...] = Field(min_length=1)
    entry: str = Field(pattern=r"^\w+(\.\w+)*:\w+$", description="module:function")
    training_window: TrainingWindow
    metrics: dict[str, FiniteFloat] = {}
    importance: dict[str, FiniteFloat] = {}


class Record(BaseModel):
    """The content of tags.json beside model.yaml: the version's tags and stage after training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: int = 0
    stage: Stage = Stage.candidate
    tags: dict[str, str] = {}


def read_model(folder: Path) -> ModelFile:
    """Return a version's model.yaml; Refused with one line where it is absent or invalid."""
    # Not the whole path: the reason is written to the journal, which must not depend on the
    # machine.
    where = "/".join((*folder.parts[-2:], MODEL_FILE))
    try:
        # Every scalar is read as text: a version "7" or "2013-07-01" is a name.
        found: Any = yaml.load((folder / MODEL_FILE).read_bytes(), yaml.BaseLoader)
        return ModelFile.model_validate(found)
    except OSError:
        raise Refused(f"{where}: not found, a model version needs one") from None
    except yaml.YAMLError as error:
        raise Refused(f"{where}: not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise Refused(f"{where}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"]) or "document"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {problem['msg']}{more}"


class ModelFolders:
    """The registry of one machine: a folder per version, tags and stage beside its model.yaml."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, model: str, version: str) -> Path:
        """Return the folder of a version, which need not exist."""
        return self._root / check_name(model) / check_version(version)

    def card(self, model: str, version: str) -> ModelCard:
        """The card of one version; Refused when there is none."""
        folder = self._known(model, version)
        found, record = read_model(folder), _record(folder)
        return ModelCard(
            name=model,
            version=version,
            features=found.features,
            training_from=found.training_window.first.isoformat(),
            training_to=found.training_window.last.isoformat(),
            metrics=found.metrics,
            importance=found.importance,
            tags=record.tags,
            stage=record.stage,
        )

    def tag(self, model: str, version: str, tags: dict[str, str], stage: Stage) -> None:
        """Add `tags` to the version and put it into `stage`; repeating changes nothing."""
        with self._locked(model):
            folder = self._known(model, version)
            before = _record(folder)
            after = before.model_copy(
                update={"tags": before.tags | tags, "stage": move(before.stage, stage)}
            )
            if after != before:
                _write(folder, after)

    def versions(self, model: str) -> tuple[str, ...]:
        """Return all versions of the model, oldest first; those copied by hand come first.

        So do those whose tags.json cannot be read: `card` and `tag` say why.
        """
        found = (self._root / check_name(model)).glob(f"[!.]*/{MODEL_FILE}")
        folders = [path.parent for path in found]
        return tuple(f.name for f in sorted(folders, key=lambda f: (_order(f), f.name)))

    def register(self, source: Path, tags: dict[str, str] | None = None) -> tuple[str, str]:
        """Copy a version's folder into the registry atomically.

        Returns the model and version of its model.yaml. A version that exists already is not
        changed. Raises Refused where model.yaml is invalid.
        """
        found = read_model(source)
        target = self.folder(found.name, found.version)
        with self._locked(found.name):
            if not target.exists():
                others = (target.parent / version for version in self.versions(found.name))
                order = 1 + max((_order(folder) for folder in others), default=0)
                _place(source, target, Record(order=order, tags=tags or {}))
        return found.name, found.version

    def _known(self, model: str, version: str) -> Path:
        folder = self.folder(model, version)
        if not (folder / MODEL_FILE).is_file():
            raise Refused(f"{model} {version}: not in the registry")
        found = read_model(folder)
        if (found.name, found.version) != (model, version):
            raise Refused(
                f"{model}/{version}/{MODEL_FILE}: names itself {found.name} {found.version}"
            )
        return folder

    def _locked(self, model: str) -> AbstractContextManager[None]:
        return exclusive(self._root / check_name(model) / ".lock")


def _place(source: Path, target: Path, record: Record) -> None:
    made = tempfile.TemporaryDirectory(leftovers.SUFFIX, leftovers.prefix(), target.parent)
    with made as scratch:
        staged = Path(scratch) / target.name
        try:
            shutil.copytree(source, staged, ignore=shutil.ignore_patterns("__pycache__"))
        except RecursionError:
            raise Refused(f"{target.name}: folders nested too deeply to be registered") from None
        _write(staged, record)
        private.close_to_others(staged)
        os.rename(staged, target)


def _order(folder: Path) -> int:
    try:
        return _record(folder).order
    except Refused:
        return 0


def _record(folder: Path) -> Record:
    try:
        return Record.model_validate_json((folder / TAGS_FILE).read_bytes())
    except FileNotFoundError:
        return Record()
    except ValidationError as error:
        where = "/".join((*folder.parts[-2:], TAGS_FILE))
        raise Refused(f"{where}: {_first(error)}") from None


def _write(folder: Path, record: Record) -> None:
    content = json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True)
    replace_file(folder / TAGS_FILE, content.encode(), durable=True)
