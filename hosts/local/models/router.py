"""Split traffic over model versions by weight, score it in blocks and write the logs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from engine.errors import Refused
from fleet.document.logs import Logs
from hosts.local.files import replace_file
from hosts.local.models import collector
from hosts.local.models.collector import Block
from hosts.local.models.registry import ModelFolders
from hosts.local.models.scorer import Scorers
from hosts.local.models.splits import Splits
from retrain.ports import Traffic

BUCKETS = 100
SERVED = 200
MODEL_ERROR = 424

Duration = Callable[[str, str, str], float]


@dataclass(frozen=True)
class Arm:
    """The scores of one version for its rows of a block; NaN where it failed a row.

    Logs call it `deployment`.
    """

    model: str
    version: str
    deployment: str
    rows: list[int]
    scores: list[float]
    milliseconds: float


@dataclass(frozen=True)
class Endpoint:
    """The configuration of a model's endpoint beside its split.

    `baselines` score every row whatever the split is, `mirror` is the percent of the rows that
    shadows see. `logs` has the names of the endpoint and its deployments in logs; those of the
    model and its versions where absent.
    """

    baselines: tuple[str, ...] = ()
    mirror: int = BUCKETS
    logs: Logs | None = None


class Router:
    """Serves every model of one machine; implements the `Serving` port.

    Parameters
    ----------
    models : the folders of the versions.
    logs, splits : the folder that logs are written to, and that of the traffic files.
    endpoints : the configuration of endpoints, by model.
    duration : milliseconds declared for (model, version, correlation id); measured where absent.
    """

    def __init__(
        self,
        models: ModelFolders,
        logs: Path,
        splits: Path,
        scorers: Scorers,
        endpoints: Mapping[str, Endpoint] | None = None,
        duration: Duration | None = None,
    ) -> None:
        self._models = models
        self._logs = logs
        self._splits = Splits(splits)
        self._scorers = scorers
        self._endpoints = endpoints or {}
        self._duration = duration

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        """See `Splits`; Refused where a version isn't in the registry.

        A retreat asks for the version's folder alone, whatever is wrong in it.
        """
        live = [version for version, weight in traffic.weights.items() if weight]
        for version in (*live, *traffic.shadow):
            if not (traffic.retreat and self._models.folder(model, version).is_dir()):
                self._models.card(model, version)
        self._splits.set_traffic(model, traffic, key, replaces)

    def traffic(self, model: str) -> Traffic | None:
        """See `Splits`; versions with live traffic that the registry refuses are `unready`."""
        found = self._splits.traffic(model)
        if found is None:
            return None
        live = [version for version, weight in found.weights.items() if weight]
        wrong = [told for version in live if (told := self._wrong(model, version))]
        return replace(found, unready="; ".join(wrong))

    def serve(self, model: str, block: pa.Table, at: datetime) -> list[tuple[str, int]]:
        """Score a block of requests and log it; the files written are (path below logs, bytes).

        `block` has the columns correlationid, time and the features; `at` is its start. The live
        rows of a version are a stable hash of the correlation id against the weights. Inputs and
        traffic are logged for live rows, outputs for shadows and baselines too.
        """
        if not len(block):
            return []
        endpoint = self._endpoint(model)
        texts = collector.block_of(self._logs_of(model).endpoint, block, at)
        traffic = self._splits.traffic(model)
        if traffic is None:
            raise Refused(f"{model}: no version gets live traffic, set it to a first version")
        live = _live_rows(texts, traffic)
        mirrored = _mirrored_rows(texts, endpoint.mirror)
        wanted = {version: rows for version, rows in live.items() if rows}
        wanted |= {version: mirrored for version in sorted(traffic.shadow) if mirrored}
        baselines = sorted(endpoint.baselines)
        wanted |= {version: list(range(len(block))) for version in baselines}
        features = collector.features_of(block)
        arms = [self._score(model, version, features, rows) for version, rows in wanted.items()]
        return [
            self._write(path, content)
            for path, content in self._files(texts, live, arms)
            if content
        ]

    def _score(self, model: str, version: str, features: pa.Table, rows: list[int]) -> Arm:
        began = time.perf_counter()
        try:
            scorer = self._scorers.scorer(self._models.folder(model, version))
            table = _inputs(features, scorer.features)
            if len(rows) < len(table):
                table = table.take(rows)
            scores = scorer.score(table).tolist()
        except Refused:
            # A failure of the model is logged for its requests, as 424.
            scores = [float("nan")] * len(rows)
        took = (time.perf_counter() - began) * 1000
        return Arm(model, version, self._logs_of(model).deployment_of(version), rows, scores, took)

    def _wrong(self, model: str, version: str) -> str:
        """Return what is wrong with a version in the registry; empty for nothing."""
        try:
            self._models.card(model, version)
        except Refused as error:
            return str(error)
        return ""

    def _endpoint(self, model: str) -> Endpoint:
        return self._endpoints.get(model) or Endpoint()

    def _logs_of(self, model: str) -> Logs:
        return self._endpoint(model).logs or Logs(endpoint=model)

    def _files(
        self, block: Block, live: dict[str, list[int]], arms: list[Arm]
    ) -> Iterator[tuple[str, str]]:
        for arm in arms:
            folder = f"modelDataCollector/{block.endpoint}/{arm.deployment}"
            yield (
                block.path(f"{folder}/{collector.INPUTS}"),
                collector.input_lines(block, arm.deployment, live.get(arm.version, [])),
            )
            yield (
                block.path(f"{folder}/{collector.OUTPUTS}"),
                collector.output_lines(block, arm.deployment, arm.rows, arm.scores),
            )
        yield block.path(f"traffic/{block.endpoint}"), self._traffic_log(block, live, arms)

    def _traffic_log(self, block: Block, live: dict[str, list[int]], arms: list[Arm]) -> str:
        lines = {}
        for arm in arms:
            answered = dict(zip(arm.rows, arm.scores, strict=True))
            for row in live.get(arm.version, []):
                status = SERVED if math.isfinite(answered[row]) else MODEL_ERROR
                wall = self._milliseconds(block, arm, row)
                lines[row] = collector.traffic_line(block, row, arm.deployment, status, wall)
        return "".join(lines[row] for row in sorted(lines))

    def _milliseconds(self, block: Block, arm: Arm, row: int) -> float:
        if self._duration is None:
            return arm.milliseconds
        return self._duration(arm.model, arm.version, block.requests[row])

    def _write(self, path: str, content: str) -> tuple[str, int]:
        encoded = content.encode()
        replace_file(self._logs / path, encoded)
        return path, len(encoded)


def bucket(digest: str) -> int:
    """Return which of the hundred buckets a request's hash falls into."""
    return int(digest[:15], 16) % BUCKETS


def _mirrored_rows(block: Block, percent: int) -> list[int]:
    """Return the rows that shadows see; by other digits than `bucket`'s, to cover all arms."""
    return [row for row, d in enumerate(block.digests) if int(d[15:30], 16) % BUCKETS < percent]


def _live_rows(block: Block, traffic: Traffic) -> dict[str, list[int]]:
    """Return the rows by version; a change of weights moves as few rows as possible."""
    owners = [v for v in sorted(traffic.weights) for _ in range(traffic.weights[v])]
    rows: dict[str, list[int]] = {version: [] for version in sorted(traffic.weights)}
    for row, digest in enumerate(block.digests):
        rows[owners[bucket(digest)]].append(row)
    return rows


def _inputs(features: pa.Table, names: tuple[str, ...]) -> pa.Table:
    """Return the columns that a version declares; one missing in the requests is all null."""
    known = set(features.column_names)
    columns = [features[name] if name in known else pa.nulls(len(features)) for name in names]
    return pa.table(columns, names=list(names))
