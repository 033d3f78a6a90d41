"""Write scored traffic in the layout and line format of Azure ML's model data collector.

The files depend on the rows, the version and the scores only: the same block written twice gives
the same bytes. A line holds one row. Missing and non-finite numbers are null, as JSON knows
neither.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa

from engine.errors import Refused

ID = "correlationid"
TIME = "time"
INPUTS = "model_inputs"
OUTPUTS = "model_outputs"
ENVELOPE = (
    '{{"specversion":"1.0","id":"%s-{short}","source":"/onlineEndpoints/{endpoint}/deployments/'
    '{deployment}","type":"azureml.inference.{collection}","datacontenttype":"application/json",'
    '"time":"%s","data":[%s],"contentrange":"bytes 0-%d/%d","correlationid":%s,"xrequestid":%s,'
    '"modelversion":"{deployment}","collectdatatype":"pyarrow.Table","agent":"driftwarden"}}\n'
)
TRAFFIC = '{"time":"%s","deployment":"%s","correlationid":%s,"status":%d,"duration_ms":%r}\n'


@dataclass(frozen=True)
class Block:
    """Rows that arrived together at one endpoint, as texts for log lines.

    Attributes
    ----------
    requests, ids : the correlation ids, and the same as JSON strings.
    digests : 32 hexadecimal digits per row, a hash of the endpoint and the correlation id.
    times, rows : ISO 8601 with microseconds in UTC; one JSON object of all features per row.
    """

    endpoint: str
    at: datetime
    requests: tuple[str, ...]
    ids: tuple[str, ...]
    digests: tuple[str, ...]
    times: tuple[str, ...]
    rows: tuple[str, ...]

    def path(self, folder: str) -> str:
        """Return the path below `folder` for this block: by hour, named by its start and rows."""
        mark = blake2b("".join(self.digests).encode(), digest_size=4).hexdigest()
        return f"{folder}/{self.at:%Y/%m/%d/%H}/{self.at:%H%M%S}-{mark}.jsonl"


def features_of(table: pa.Table) -> pa.Table:
    """Return the columns that are features: all but correlation id and time."""
    return table.drop_columns([ID, TIME])


def block_of(endpoint: str, table: pa.Table, at: datetime) -> Block:
    """Return the rows of `table` (columns correlationid, time and features) as a block.

    Refused where a column is missing or a correlation id is null or comes twice.
    """
    if missing := {ID, TIME} - set(table.column_names):
        raise Refused(f"{endpoint}: a block of traffic needs the column {min(missing)}")
    ids = [str(value) for value in table[ID].to_pylist() if value is not None]
    if len(set(ids)) != len(table):
        raise Refused(f"{endpoint}: a correlation id is null or comes twice in a block")
    return Block(
        endpoint,
        at,
        tuple(ids),
        tuple(json.dumps(value) for value in ids),
        tuple(digest(endpoint, value) for value in ids),
        _times(endpoint, table[TIME]),
        tuple(_objects(features_of(table))),
    )


def digest(endpoint: str, correlation_id: str) -> str:
    """Return a stable hash of a request: 32 hexadecimal digits."""
    return blake2b(f"{endpoint}\0{correlation_id}".encode(), digest_size=16).hexdigest()


def input_lines(block: Block, deployment: str, rows: Iterable[int]) -> str:
    """Return the lines of `rows` in the collection model_inputs."""
    line = _envelope(block, deployment, INPUTS)
    return "".join(_fill(line, block, row, block.rows[row]) for row in rows)


def output_lines(
    block: Block, deployment: str, rows: Iterable[int], scores: Sequence[float]
) -> str:
    """Return the lines in the collection model_outputs; a row whose score is NaN has none."""
    line = _envelope(block, deployment, OUTPUTS)
    return "".join(
        _fill(line, block, row, f'{{"score":{score!r}}}')
        for row, score in zip(rows, scores, strict=True)
        if math.isfinite(score)
    )


def traffic_line(block: Block, row: int, deployment: str, status: int, duration: float) -> str:
    """Return one line of the traffic log, as an HTTP client would have seen the request."""
    return TRAFFIC % (block.times[row], deployment, block.ids[row], status, round(duration, 3))


def _envelope(block: Block, deployment: str, collection: str) -> str:
    return ENVELOPE.format(
        short=collection.removeprefix("model_"),
        endpoint=block.endpoint,
        deployment=deployment,
        collection=collection,
    )


def _fill(line: str, block: Block, row: int, data: str) -> str:
    name, length = block.ids[row], len(data) + 2
    span = (data, length - 1, length)
    return line % (block.digests[row], block.times[row], *span, name, name)


def _times(endpoint: str, column: pa.ChunkedArray) -> tuple[str, ...]:
    if not pa.types.is_timestamp(column.type) or column.null_count:
        raise Refused(f"{endpoint}: the column time must hold timestamps and no nulls")
    moments = column.cast(pa.timestamp("us", column.type.tz), safe=False).to_numpy()
    return tuple(f"{text}Z" for text in np.datetime_as_string(moments, unit="us").tolist())


def _objects(table: pa.Table) -> list[str]:
    """Return each row as a JSON object; built by column, which is much faster than by row."""
    names = (json.dumps(name).replace("%", "%%") for name in table.column_names)
    template = "{" + ",".join(f"{name}:%s" for name in names) + "}"
    columns = [_texts(column) for column in table.columns]
    if not columns:
        return ["{}"] * len(table)
    return [template % row for row in zip(*columns, strict=True)]


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Return each value as JSON; values repeat, so each distinct one is written once."""
    kind, whole = column.type, not column.null_count
    plain = pa.types.is_floating(kind) or (pa.types.is_integer(kind) and whole)
    values = column.to_numpy().tolist() if plain else column.to_pylist()
    known = {value: _text(value) for value in set(values)}
    return [known[value] for value in values]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else "null"
    return json.dumps(value if isinstance(value, str | int | None) else str(value))
