"""A model fed by files: real rows, on a real loop, on a clock that is set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from engine import journal
from engine.clock import SetClock
from engine.loop import Loop
from engine.memory import MemoryStore
from fleet.document.policies import Fleet
from fleet.domain import FleetDomain
from fleet.model.state import Model
from fleet.ports import World
from fleet.service import Service
from monitoring.alerts.lifecycle import Severity

MONDAY = datetime(2024, 3, 4, tzinfo=UTC)
ROWS = 120
Row = dict[str, Any]


def day_of(number: int) -> str:
    return (MONDAY + timedelta(days=number)).date().isoformat()


def rows_of(number: int, n: int = ROWS, shift: float = 0.0) -> list[Row]:
    chance = np.random.default_rng(1_000 + number)
    kinds = chance.choice(["a", "b"], n).tolist()
    xs, ys = chance.normal(shift, 1, n).tolist(), chance.normal(0, 1, n).tolist()
    return [{"x": x, "y": y, "kind": k} for x, y, k in zip(xs, ys, kinds, strict=True)]


@dataclass
class Shop:
    """The model `demand`, fed by files; `play` settles all that is due up to a moment."""

    fleet: Fleet
    world: World
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: SetClock = field(default_factory=lambda: SetClock(MONDAY))
    rung: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        days = [
            pa.Table.from_pylist(rows_of(-number)).append_column(
                "day", pa.array([day_of(-number)] * ROWS)
            )
            for number in range(1, 29)
        ]
        table = pa.concat_tables(days)
        times = pa.array([MONDAY] * len(table), pa.timestamp("us", "UTC"))
        table = table.append_column("time", times)
        table = table.append_column("label", pa.array([0.0, 1.0] * (len(table) // 2)))
        self.world.tables["reference.parquet"] = table
        self.world.scoring.functions["v1"] = lambda rows: [0.5] * rows.num_rows  # type: ignore[attr-defined]
        loop = Loop(self.store, FleetDomain(self.fleet, self.world), self.rung.append)
        self.service = Service(self.fleet, loop, self.clock, self.world.blobs)
        self.service.begin()
        self.play(MONDAY)

    def play(self, until: datetime) -> Shop:
        """Wake whoever is due, in steps of an hour."""
        while True:
            self.service.tick()
            while self.rung:
                self.service.drain(self.rung.pop())
            if self.clock.moment >= until:
                return self
            self.clock.moment = min(until, self.clock.moment + timedelta(hours=1))

    def log(
        self, number: int, rows: Sequence[Row], collection: str = "model_inputs", *,
        at: datetime | None = None, name: str = "log",
    ) -> None:  # fmt: skip
        """Write a file of one day's rows and announce it; nothing is done about it yet."""
        start = at or MONDAY + timedelta(days=number, hours=9)
        lines = [
            {
                "specversion": "1.0", "id": f"{number}-{name}-{i}", "data": [row],
                "time": (start + timedelta(seconds=i)).isoformat(),
                "correlationid": f"{number}-{name}-{i}",
            }
            for i, row in enumerate(rows)
        ]  # fmt: skip
        folder = day_of(number).replace("-", "/")
        path = f"modelDataCollector/shop-demand/v1/{collection}/{folder}/12/{name}.jsonl"
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        self.announce(path, content)

    def label(self, number: int, labels: Sequence[tuple[str, float]], hour: int = 5) -> None:
        """Write a file of labels by correlation id and announce it."""
        when = (MONDAY + timedelta(days=number + 1, hours=hour)).isoformat()
        lines = [
            json.dumps({"correlationid": who, "index": 0, "label": y, "time": when}) + "\n"
            for who, y in labels
        ]
        path = f"labels/demand/{day_of(number)}-{hour}.jsonl"
        content = "".join(lines).encode()
        self.world.logs[path] = content
        said = {"model": "demand", "blob": path, "size": len(content)}
        event = {"id": path, "type": "Driftwarden.LabelsArrived", "source": "/t", "data": said}
        assert self.service.ingest(event) == "demand"

    def announce(self, path: str, content: bytes) -> None:
        """Write a file and announce it as blob storage does."""
        self.world.logs[path] = content
        event = {
            "id": f"{path}@{len(content)}", "eventType": "Microsoft.Storage.BlobCreated",
            "subject": f"/blobServices/default/containers/logs/blobs/{path}",
            "data": {"contentLength": len(content)},
        }  # fmt: skip
        assert self.service.ingest(event) == "demand"

    def day(self, number: int, rows: Sequence[Row]) -> Shop:
        """One day's rows, and the night in which its window closes."""
        self.log(number, rows)
        return self.night(number)

    def night(self, number: int) -> Shop:
        return self.play(MONDAY + timedelta(days=number + 1, hours=4))

    @property
    def state(self) -> Model:
        head = self.service.loop.head("demand")
        assert not head.halted, head.halted
        found: Model = head.state
        return found

    def said(self, what: str, **fields: Any) -> list[dict[str, Any]]:
        return [
            line
            for record in journal.read(self.store, "demand")
            for line in record.lines
            if line["what"] == what and all(line.get(n) == value for n, value in fields.items())
        ]

    def pages(self) -> list[str]:
        """Titles of the pages about the model that were sent; tickets are none."""
        asked = self.world.pager.asked  # type: ignore[attr-defined]
        sent = [page for what, page, *_ in asked if what == "page"]
        titles = [page.title for page in sent if page.severity is Severity.PAGE]
        return [title for title in titles if title.startswith("demand: ")]
