"""Two whole stories of one small model, as what happens when: logs grow, labels come, people act.

The world changes on the second day: amounts rise and what they mean turns round. The champion
drifts and degrades, a challenger is trained, gated and shadowed, takes half of the traffic, and is
promoted; in the other story it fails all of its live requests, is rolled back, and an operator
holds windows against other days, and starts a training and thinks better of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import pyarrow as pa

from fleet.document import config
from fleet.document.policies import Fleet
from retrain.ports import Traffic
from tests.simulation.outside import FEATURES, Outside, score

MODEL = "credit"
TEAM = "oncall:lending"
ROWS = 48
REFERENCE_DAYS = 6
BEGIN = datetime(2024, 3, 4, tzinfo=UTC)
TURNS = 1
DAYS = 8
#: How long before the rest the halves of a log are announced; on the first day it seems lost.
TORN = {1: timedelta(hours=2), 5: timedelta(minutes=20)}
#: Days whose log files end without a line end.
UNENDED = (2, 6)

FLEET_YAML = """
version: 1
receivers:
  desk: {kind: file, path: desk.jsonl}
  lead: {kind: file, path: lead.jsonl}
teams:
  lending: {page: [desk, lead], ticket: [desk], group_wait: PT2M, escalate_after: PT40M}
models:
  credit:
    team: lending
    logs: {endpoint: credit, grace: PT1H}
    reference: {data: reference.parquet}
    serving: {champion: credit-1, look_every: P4D}
    labels: {wait: P1D, bad_loss: 0.64}
    training: {command: [train], run: {poll_every: PT3H, time_limit: PT12H}}
    performance: {rolling_days: 3, wait: PT12H, min_labels: 60, min_days: 2}
    trigger: {cool_down: P14D, min_new_days: 5}
    dataset: {days: 10, holdout_days: 3, min_days: 4}
    gate: {min_days: 2, min_rows: 60}
    rollout:
      shadow: PT23H
      steps: [{weight: 50, hold: PT17H}]
      bake: PT4H
      label_wait: P2D
    judge: {min_expected_bad: 3, alpha: 0.2}
    alerts: {renotify: P30D}
"""


@dataclass(frozen=True)
class Story:
    """One story; `fails_live`: the challenger answers every live request with an error."""

    name: str
    fails_live: bool
    outcome: str
    champion: str


STORIES = {
    story.name: story
    for story in (
        Story("promotion", False, "promoted", "credit-2"),
        Story("rollback", True, "rolled_back", "credit-1"),
    )
}


@dataclass(frozen=True)
class Block:
    """Requests of one day are served and logged; `torn`: so many bytes into the middle line."""

    day: int
    torn: int | None = None


@dataclass(frozen=True)
class LabelsOf:
    """The labels of one day are all in."""

    day: int


@dataclass(frozen=True)
class Typed:
    """An operator types a command; of a new reference, its table, or its first and last day."""

    verb: str
    target: str
    days: tuple[int, ...] = ()
    data: str = ""


Row = dict[str, Any]
Happening = Block | LabelsOf | Typed


@cache
def fleet() -> Fleet:
    """Return the fleet's document, resolved."""
    return config.load(FLEET_YAML, "fleet.yaml", lambda name: "").fleet


def happenings(story: Story) -> list[tuple[datetime, Happening]]:
    """Return what happens when; on some days a log is announced while a line is half written."""
    found: list[tuple[datetime, Happening]] = []
    for day in range(DAYS):
        noon = _at(day, 12)
        if day in TORN:
            # The second announcement ends within the line that the first left unfinished.
            found.append((noon - TORN[day], Block(day, 10)))
            found.append((noon - TORN[day] + timedelta(minutes=10), Block(day, 20)))
        found.append((noon, Block(day)))
        found.append((_at(day + 1, 6), LabelsOf(day)))
    found.append((_at(3, 8), Typed("ack", f"{MODEL}:drift-1")))
    found.append((_at(5, 7), Typed("silence", f"{MODEL}/amount")))
    if story.fails_live:
        found.append((_at(6, 8), Typed("reference", MODEL, (-3, 0))))
        found.append((_at(7, 14), Typed("retrain", MODEL)))
        found.append((_at(7, 15), Typed("cancel", MODEL)))
    else:
        found.append((_at(6, 8), Typed("reference", MODEL, data="again.parquet")))
    return sorted(found, key=lambda pair: pair[0])


def _at(day: int, hour: int) -> datetime:
    return BEGIN + timedelta(days=day, hours=hour)


def rows_of(day: int) -> pa.Table:
    """Return one day's rows with their labels; days below zero are the reference's."""
    rng = np.random.default_rng(1000 + day)
    turned = day >= TURNS
    amount = rng.normal(1.5 if turned else 0.0, 1.0, ROWS)
    income = rng.normal(0.0, 1.0, ROWS)
    rises = -2.5 * (amount - 1.5) if turned else 2.5 * amount
    label = (rng.random(ROWS) < 1 / (1 + np.exp(-rises))).astype(float)
    start = _at(day, 9)
    times = [start + timedelta(hours=2 * i / ROWS) for i in range(ROWS)]
    return pa.table(
        {
            "correlationid": [f"d{day}-{i}" for i in range(ROWS)],
            "time": pa.array(times, pa.timestamp("us", "UTC")),
            "amount": amount.round(4),
            "income": income.round(4),
            "label": label,
        }
    )


@cache
def reference() -> pa.Table:
    """Return the rows that the first champion was made on."""
    named = [
        rows_of(day).append_column("day", pa.array([day_name(day)] * ROWS, pa.string()))
        for day in range(-REFERENCE_DAYS, 0)
    ]
    return pa.concat_tables(named)


def day_name(day: int) -> str:
    """Return the window that a day's rows belong to."""
    return _at(day, 0).date().isoformat()


def serve(outside: Outside, story: Story, block: Block) -> list[dict[str, object]]:
    """Answer a day's requests by the split that holds, log it, and return the announcements."""
    mark = f"{day_name(block.day)}-served"
    if mark not in outside.files:
        # Who serves whom is settled when the requests come, not when the log is announced.
        # An endpoint whose traffic nobody has split yet answers by its only deployment.
        traffic = outside.traffic(MODEL) or Traffic({"credit-1": 100})
        whole = _lines(story, block.day, traffic.weights, traffic.shadow)
        outside.files[mark] = json.dumps(whole).encode()
    events = []
    for path, text in json.loads(outside.files[mark]).items():
        content = text.encode()
        if block.day in UNENDED:
            content = content.rstrip(b"\n")
        if block.torn is not None:
            content = content[: content.find(b"\n", len(content) // 2) + 1 + block.torn]
        if content and content != outside.files.get(path):
            outside.files[path] = content
            events.append(_grown(path, len(content)))
    return events


def _lines(
    story: Story, day: int, weights: dict[str, int], shadow: tuple[str, ...]
) -> dict[str, str]:
    """Return the text of every log file of a day, by path."""
    table = rows_of(day)
    rows = table.to_pylist()
    owners = [version for version in sorted(weights) for _ in range(weights[version])]
    served = [owners[_bucket(row["correlationid"])] for row in rows]
    failing = [story.fails_live and version != "credit-1" for version in served]
    month = day_name(day).replace("-", "/")
    files = {}
    for version in sorted({*weights, *shadow} & {*served, *shadow}):
        folder = f"modelDataCollector/{MODEL}/{version}"
        mine = [version in (owner, *shadow) for owner in served]
        answered = [
            a and not (owner == version and f)
            for a, owner, f in zip(mine, served, failing, strict=True)
        ]
        scores = score(version, table).tolist()
        features = [{name: row[name] for name in FEATURES} for row in rows]
        told = [{"score": value} for value in scores]
        files[f"{folder}/model_inputs/{month}/12/log.jsonl"] = _collected(rows, features, mine)
        files[f"{folder}/model_outputs/{month}/12/log.jsonl"] = _collected(rows, told, answered)
    files[f"traffic/{MODEL}/{month}/log.jsonl"] = _traffic(rows, served, failing)
    return files


def _bucket(name: str) -> int:
    return int(sha256(name.encode()).hexdigest()[:8], 16) % 100


def _traffic(rows: list[Row], served: list[str], failing: list[bool]) -> str:
    lines = [
        {
            "time": row["time"].isoformat(),
            "deployment": version,
            "correlationid": row["correlationid"],
            "status": 500 if failed else 200,
            "duration_ms": 20.0,
        }
        for row, version, failed in zip(rows, served, failing, strict=True)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _collected(rows: list[Row], contents: list[Row], logged: list[bool]) -> str:
    lines = [
        {
            "specversion": "1.0",
            "id": row["correlationid"],
            "time": row["time"].isoformat(),
            "data": [content],
            "correlationid": row["correlationid"],
        }
        for row, content, here in zip(rows, contents, logged, strict=True)
        if here
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _grown(path: str, size: int) -> dict[str, object]:
    return {
        "id": f"{path}@{size}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/logs/blobs/{path}",
        "data": {"contentLength": size},
    }


def label(outside: Outside, day: int) -> list[dict[str, object]]:
    """Write a day's labels and return the announcement."""
    when = _at(day + 1, 5).isoformat()
    rows = rows_of(day).select(["correlationid", "label"]).to_pylist()
    path = f"labels/{MODEL}/{day_name(day)}.jsonl"
    lines = [json.dumps({**row, "index": 0, "time": when}) + "\n" for row in rows]
    outside.files[path] = "".join(lines).encode()
    fields = {"model": MODEL, "blob": path, "size": len(outside.files[path])}
    name = f"labels-{day_name(day)}"
    return [{"id": name, "type": "Driftwarden.LabelsArrived", "source": "/sim", "data": fields}]
