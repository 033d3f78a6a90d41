"""Score rows by one version outside the live traffic, through its endpoint's scoring address."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import Refused
from hosts.azure.ml.deployments import Deployments
from hosts.azure.ml.scoring_client import Asked, ScoringClient, shown
from retrain.ports import Registry

EVALUATION = "driftwarden.evaluation"
ROWS = 1000
#: "Managed online endpoints: payload size" (Microsoft Learn, quotas page) is 1.5 MB.
PAYLOAD = 1_000_000


class AzureScoring:
    """Implements `fleet.ports.Scoring` by requests that are pinned to one deployment.

    Parameters
    ----------
    client : sends the blocks.
    registry : knows the features of a version, and the address of its evaluation rows.
    read_table : reads the table at an address.
    """

    def __init__(
        self,
        client: ScoringClient,
        deployments: Deployments,
        registry: Registry,
        endpoint_of: Callable[[str], str],
        read_table: Callable[[str], pa.Table],
    ) -> None:
        self._client = client
        self._deployments = deployments
        self._registry = registry
        self._endpoint_of = endpoint_of
        self._read_table = read_table

    def score(self, model: str, version: str, rows: pa.Table) -> npt.NDArray[np.float64]:
        """See `fleet.ports.Scoring`; a feature that the rows lack is all null.

        Unavailable while the version's deployment is being made, or the endpoint has no capacity.
        """
        if not rows.num_rows:
            return np.empty(0)
        features = self._registry.card(model, version).features or tuple(rows.column_names)
        deployment = self._deployments.ready(model, version)
        what, endpoint = f"{model} {version}", self._endpoint_of(model)
        scores: list[float] = []
        for count, body in _blocks(rows, features):
            asked = Asked(what, endpoint, deployment, count, body)
            scores += _scores(asked, self._client.send(asked))
        return np.array(scores, dtype=np.float64)

    def evaluation(self, model: str, version: str) -> pa.Table | None:
        """See `fleet.ports.Scoring`: the table at the address in the version's tag."""
        address = self._registry.card(model, version).tags.get(EVALUATION)
        return None if address is None else self._read_table(address)


def _blocks(rows: pa.Table, features: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Cut rows into requests, small enough for an endpoint."""
    for start in range(0, rows.num_rows, ROWS):
        yield from _cut(rows.slice(start, ROWS), features)


def _cut(rows: pa.Table, features: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    body = _body(rows, features)
    if len(body) <= PAYLOAD or rows.num_rows == 1:
        yield rows.num_rows, body
        return
    half = rows.num_rows // 2
    yield from _cut(rows.slice(0, half), features)
    yield from _cut(rows.slice(half), features)


def _body(rows: pa.Table, features: Sequence[str]) -> bytes:
    """Write rows as an MLflow deployment takes them.

    Source: "Deploy MLflow models to online endpoints: payload with input_data" (Microsoft Learn);
    custom scoring scripts get the same.
    """
    known = set(rows.column_names)
    nothing = [None] * rows.num_rows
    columns = [rows[name].to_pylist() if name in known else nothing for name in features]
    table = [[_plain(value) for value in row] for row in zip(*columns, strict=True)]
    split = {"columns": list(features), "index": list(range(rows.num_rows)), "data": table}
    return json.dumps({"input_data": split}, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def _scores(asked: Asked, content: bytes) -> list[float]:
    try:
        found = json.loads(content)
    except ValueError:
        raise Refused(f"{asked.what} answered {shown(content)}, not JSON") from None
    found = found.get("score") if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise Refused(f"{asked.what} answered {shown(content)}, not a list of scores")
    if len(found) != asked.rows:
        raise Refused(f"{asked.what} answered {len(found)} scores for {asked.rows} rows")
    for score in found:
        if type(score) not in (int, float) or not math.isfinite(score):
            raise Refused(f"{asked.what} answered {score!r}, not a finite number")
    return [float(score) for score in found]
