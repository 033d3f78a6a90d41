"""Two whole stories of one small model, as what happens when: logs grow, labels come, people act.

The world changes on the second day: amounts rise and what they mean turns round. The champion
drifts and degrades, a challenger is trained, gated and shadowed, takes half of the traffic, and is
promoted; in the other story it fails most of its live requests and is rolled back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from hashlib import sha256

import numpy as np
import pyarrow as pa

from fleet import config
from fleet.policies import Fleet
from tests.simulation.outside import FEATURES, Outside, score

MODEL = "credit"
TEAM = "oncall:lending"
ROWS = 48
REFERENCE_DAYS = 6
BEGIN = datetime(2024, 3, 4, tzinfo=UTC)
TURNS = 1
DAYS = 8

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
    serving: {champion: credit-1}
    labels: {wait: P1D, bad_loss: 0.64}
    training: {command: [train], run: {poll_every: PT3H, time_limit: PT12H}}
    performance: {rolling_days: 3, wait: PT12H, min_labels: 60, min_days: 2}
    trigger: {cool_down: P14D, min_new_days: 4}
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
    """One story; `fails_live`: the challenger answers most live requests with an error."""

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
    """An operator types a command."""

    verb: str
    target: str


Happening = Block | LabelsOf | Typed


@cache
def fleet() -> Fleet:
    """Return the fleet's document, resolved."""
    return config.load(FLEET_YAML, "fleet.yaml", lambda name: "").fleet


def happenings() -> list[tuple[datetime, Happening]]:
    """Return what happens when; on some days a log is announced while a line is half written."""
    found: list[tuple[datetime, Happening]] = []
    for day in range(DAYS):
        noon = BEGIN + timedelta(days=day, hours=12)
        if day in (1, 5):
            # The second announcement ends within the line that the first left unfinished.
            found.append((noon - timedelta(minutes=20), Block(day, 10)))
            found.append((noon - timedelta(minutes=10), Block(day, 20)))
        found.append((noon, Block(day)))
        found.append((BEGIN + timedelta(days=day + 1, hours=6), LabelsOf(day)))
    asked = BEGIN + timedelta(days=5, hours=7)
    found.append((asked, Typed("silence", f"{MODEL}/amount")))
    return sorted(found, key=lambda pair: pair[0])


def rows_of(day: int) -> pa.Table:
    """Return one day's rows with their labels; days below zero are the reference's."""
    rng = np.random.default_rng(1000 + day)
    turned = day >= TURNS
    amount = rng.normal(1.5 if turned else 0.0, 1.0, ROWS)
    income = rng.normal(0.0, 1.0, ROWS)
    rises = -2.5 * (amount - 1.5) if turned else 2.5 * amount
    label = (rng.random(ROWS) < 1 / (1 + np.exp(-rises))).astype(float)
    start = BEGIN + timedelta(days=day, hours=9)
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
    days = [rows_of(day) for day in range(-REFERENCE_DAYS, 0)]
    named = [
        table.append_column("day", pa.array([_date(day)] * table.num_rows, pa.string()))
        for day, table in zip(range(-REFERENCE_DAYS, 0), days, strict=True)
    ]
    return pa.concat_tables(named)


def _date(day: int) -> str:
    return (BEGIN + timedelta(days=day)).date().isoformat()


def day_name(day: int) -> str:
    """Return the window that a day's rows belong to."""
    return _date(day)


def serve(outside: Outside, story: Story, block: Block) -> list[dict[str, object]]:
    """Answer a day's requests by the split that holds, log it, and return the announcements."""
    mark = f"{_date(block.day)}-served"
    if mark not in outside.files:
        # Who serves whom is settled when the requests come, not when the log is announced.
        traffic = outside.traffic(MODEL)
        whole = _lines(story, block.day, traffic.weights, traffic.shadow)
        outside.files[mark] = json.dumps(whole).encode()
    events = []
    for path, text in json.loads(outside.files[mark]).items():
        content = text.encode()
        if block.torn is not None:
            content = content[: content.find(b"\n", len(content) // 2) + 1 + block.torn]
        if content and content != outside.files.get(path):
            outside.files[path] = content
            events.append(_grown(path, len(content)))
    return events


def _lines(
    story: Story, day: int, weights: dict[str, int], shadow: tuple[str, ...]
) -> dict[str, str]:
    table = rows_of(day)
    when = date.fromisoformat(_date(day))
    owners = [version for version in sorted(weights) for _ in range(weights[version])]
    names = table["correlationid"].to_pylist()
    served = [owners[int(sha256(name.encode()).hexdigest()[:8], 16) % 100] for name in names]
    files: dict[str, str] = {}
    failing = {
        name
        for name, version in zip(names, served, strict=True)
        if story.fails_live and version != "credit-1" and not name.endswith("7")
    }
    for version in sorted({*weights, *shadow}):
        if version in weights and not weights[version]:
            continue
        folder = f"modelDataCollector/{MODEL}/{version}"
        scores = score(version, table).tolist()
        inputs, outputs = [], []
        for i, row in enumerate(table.to_pylist()):
            mine = served[i] == version
            if not mine and version not in shadow:
                continue
            inputs.append(_collected(row, {name: row[name] for name in FEATURES}))
            if not (mine and names[i] in failing):
                outputs.append(_collected(row, {"score": scores[i]}))
        files[f"{folder}/model_inputs/{when:%Y/%m/%d}/12/log.jsonl"] = "".join(inputs)
        files[f"{folder}/model_outputs/{when:%Y/%m/%d}/12/log.jsonl"] = "".join(outputs)
    files[f"traffic/{MODEL}/{when:%Y/%m/%d}/log.jsonl"] = "".join(
        json.dumps(
            {
                "time": row["time"].isoformat(),
                "deployment": served[i],
                "correlationid": names[i],
                "status": 500 if names[i] in failing else 200,
                "duration_ms": 20.0,
            }
        )
        + "\n"
        for i, row in enumerate(table.to_pylist())
    )
    return files


def _collected(row: dict[str, object], content: dict[str, object]) -> str:
    moment = row["time"]
    assert isinstance(moment, datetime)
    line = {
        "specversion": "1.0",
        "id": row["correlationid"],
        "time": moment.isoformat(),
        "data": [content],
        "correlationid": row["correlationid"],
    }
    return json.dumps(line) + "\n"


def _grown(path: str, size: int) -> dict[str, object]:
    return {
        "id": f"{path}@{size}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "subject": f"/blobServices/default/containers/logs/blobs/{path}",
        "data": {"contentLength": size},
    }


def label(outside: Outside, day: int) -> list[dict[str, object]]:
    """Write a day's labels and return the announcement."""
    when = (BEGIN + timedelta(days=day + 1, hours=5)).isoformat()
    rows = rows_of(day).select(["correlationid", "label"]).to_pylist()
    path = f"labels/{MODEL}/{_date(day)}.jsonl"
    lines = [json.dumps({**row, "index": 0, "time": when}) + "\n" for row in rows]
    outside.files[path] = "".join(lines).encode()
    fields = {"model": MODEL, "blob": path, "size": len(outside.files[path])}
    name = f"labels-{_date(day)}"
    return [{"id": name, "type": "Driftwarden.LabelsArrived", "source": "/sim", "data": fields}]
