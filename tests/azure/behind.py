"""What stands behind the doubles in a replay: models that score, trainings that run, logs."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from azure.storage.blob import BlobServiceClient, ContainerClient

from commands.replay.driver import make_version, run_command
from commands.replay.scenario import Scenario, VersionPlan
from engine.clock import Clock
from hosts.azure.ml.jobfile import FOR_JOB
from hosts.azure.ml.registry import FEATURES, METRICS, TRAINING_FROM, TRAINING_TO
from hosts.azure.ml.scoring import EVALUATION
from hosts.local.models.registry import ModelFolders
from hosts.local.models.router import Endpoint, Router
from hosts.local.models.scorer import Scorers
from hosts.local.models.scoring import EVALUATION as EVALUATION_FILE
from retrain.ports import Traffic
from tests.doubles import scoring
from tests.doubles.azureml import AzureML

LOGS = "logs"


class Behind:
    """The world that an `AzureML` double and a storage account speak for.

    Parameters
    ----------
    folder : where versions and logs are kept until they are uploaded.
    root : where the scenario's commands run.
    mirror : percent of the requests that a shadow sees; `baseline` scores all of them.
    """

    def __init__(
        self,
        service: AzureML,
        blobs: BlobServiceClient,
        clock: Clock,
        scenario: Scenario,
        folder: Path,
        root: Path,
        *,
        mirror: int,
        baseline: str,
    ) -> None:
        self.service, self.clock, self.scenario = service, clock, scenario
        self.folder, self.root = folder, root
        self.container: ContainerClient = blobs.get_container_client(LOGS)
        self.container.create_container()
        self._blobs = blobs
        self.models = ModelFolders(folder / "models")
        self._scorers = Scorers()
        self._logs = folder / "logs"
        model, latency = scenario.model, scenario.replay.latency_ms
        self._router = Router(
            self.models, self._logs, folder / "traffic", self._scorers,
            {model: Endpoint((baseline,), mirror)}, lambda *_: latency,
        )  # fmt: skip
        self._since: dict[str, datetime] = {}
        self._splits = 0
        service.on_job, service.job_status = self._train, self._status
        service.on_traffic = self._split
        scoring.Scorers(service, {}).models = _Answers(self)  # type: ignore[assignment]

    def close(self) -> None:
        """Stop the scoring processes."""
        self._scorers.close()

    def open_endpoint(self, champion: str) -> None:
        """Put the endpoint there with the version that serves before anybody watches."""
        self.service.online.add(self.scenario.model, champion, model=self.scenario.model)

    def make(self, plan: VersionPlan) -> None:
        """Train a version outside the watcher and register it as somebody by hand would."""
        host: Any = SimpleNamespace(models=self.models, root=self.folder)
        make_version(host, self.scenario, self.root, plan)
        folder = self.models.folder(self.scenario.model, plan.name)
        tags = {}
        if (file := folder / EVALUATION_FILE).exists():
            path = f"evaluation/{plan.name}.parquet"
            self.upload(path, file.read_bytes())
            tags[EVALUATION] = f"az://{LOGS}/{path}"
        self._register(plan.name, tags)

    def upload(self, path: str, content: bytes) -> None:
        """Write a file where the logs are."""
        self.container.upload_blob(path, content, overwrite=True)

    def serve(self, model: str, rows: pa.Table, start: datetime) -> list[tuple[str, int]]:
        """Answer requests as the endpoint's split says; return what was logged."""
        written = self._router.serve(model, rows, start)
        for path, _ in written:
            self.upload(path, (self._logs / path).read_bytes())
        return written

    def answer(self, model: str, rows: pa.Table, start: datetime) -> dict[str, bytes]:
        """Answer likewise; return the files that a collector would log, which are not there yet."""
        written = self._router.serve(model, rows, start)
        return {path: (self._logs / path).read_bytes() for path, _ in written}

    def logs_in(self, container: str) -> ContainerClient:
        """The container where a collector writes, made where missing."""
        found = self._blobs.get_container_client(container or LOGS)
        if not found.exists():
            found.create_container()
        return found

    def score(self, version: str, rows: list[dict[str, Any]]) -> list[float]:
        """Score rows by one version, as its container would."""
        folder = self.models.folder(self.scenario.model, version)
        return self._scorers.scorer(folder).score(pa.Table.from_pylist(rows)).tolist()

    def _split(self, endpoint: str, weights: Mapping[str, int], mirror: Mapping[str, int]) -> None:
        live = {name: weight for name, weight in weights.items() if weight}
        if live:
            self._splits += 1
            split = Traffic(live, tuple(mirror))
            self._router.set_traffic(endpoint, split, f"split-{self._splits}")

    def _train(self, document: dict[str, Any]) -> None:
        """Run the job's own command here; it takes its declared time on the replay's clock."""
        name, asked = document["name"], document["properties"]
        data = self.folder / "jobs" / f"{name}.parquet"
        out = self.folder / "jobs" / name
        out.mkdir(parents=True)
        inputs = asked["inputs"]
        data.write_bytes(self._content(inputs["data"]["uri"]))
        filled = {
            "inputs.data": str(data),
            "inputs.version": inputs["version"]["value"],
            "outputs.model": str(out),
        }
        command = re.sub(r"\$\{\{(.+?)\}\}", lambda m: filled[m[1].strip()], asked["command"])
        run_command([sys.executable, *shlex.split(command)[1:]], self.root)
        self._since[name] = self.clock.now()

    def _content(self, uri: str) -> bytes:
        """Return a blob by the address that the job was given."""
        # The account's name is the first part of the path; the host may be a relay's.
        _, container, name = urlsplit(uri).path.strip("/").split("/", 2)
        return self._blobs.get_blob_client(container, name).download_blob().readall()

    def _status(self, name: str) -> dict[str, Any]:
        takes: timedelta = self.scenario.replay.training_takes
        if self.clock.now() < self._since[name] + takes:
            return {"status": "Running"}
        if name not in self.models.versions(self.scenario.model):
            self.models.register(self.folder / "jobs" / name)
            self._register(name, {FOR_JOB: name}, job=name)
        return {"status": "Completed"}

    def _register(self, version: str, tags: dict[str, str], job: str | None = None) -> None:
        card = self.models.card(self.scenario.model, version)
        properties = {
            FEATURES: json.dumps(card.features),
            METRICS: json.dumps(card.metrics),
            TRAINING_FROM: str(card.training_from),
            TRAINING_TO: str(card.training_to),
        }
        assets = self.service.assets
        assets.add_model(self.scenario.model, version, tags=tags, properties=properties, job=job)


class _Answers(Mapping[str, Any]):
    """By deployment, what its container does with rows; a deployment is named as its version."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind

    def __getitem__(self, deployment: str) -> Any:
        return lambda rows: self._behind.score(deployment, rows)

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0
