"""A small fleet, its world in memory, and a model's partition that is told facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from jsonschema import Draft202012Validator

from engine.blobs import MemoryBlobs
from engine.errors import DriftwardenError, Refused
from fleet.document.config import load
from fleet.document.policies import Fleet, Watched
from fleet.model import step
from fleet.model.effects import EFFECTS, Publish
from fleet.model.facts import Configured, LogGrew
from fleet.model.records import Batch, Collection
from fleet.model.results import Assessed, Joined, LogRead, Referenced
from fleet.model.state import Model
from fleet.ports import Listing, LogFile, World
from fleet.published import CATALOGUE, document, schema
from fleet.work.join.findings import labels_finding
from monitoring.drift.verdict import Verdict as Drift
from monitoring.performance import Verdict as Health
from retrain.ports import ModelCard, Traffic
from retrain.registry import Stage
from tests.doubles import logfiles
from tests.unit.fleet.desk import Desk

FLEET = """\
version: 1
receivers:
  duty: {kind: terminal}
teams:
  shop: {page: [duty], group_wait: PT0S}
calendars:
  berlin: {zone: Europe/Berlin, countries: [DE], ics: [strike.ics], lead_days: 0, lag_days: 0}
models:
  demand:
    team: shop
    calendar: berlin
    logs: {endpoint: shop-demand, grace: PT2H, slow_ms: 100}
    reference: {data: reference.parquet}
    serving: {champion: v1, baseline: v0}
    labels: {wait: P3D, segment: kind}
    training:
      command: [python, train.py, --data, "{data}"]
      run: {poll_every: PT30M, time_limit: PT4H}
    performance: {rolling_days: 3, min_labels: 20, min_days: 2, confidence: 0.9, wait: P1D}
    alerts: {resolve_after: P1D, tickets: [run, rollout]}
    trigger: {cool_down: P7D, min_new_days: 2, max_age: P60D}
    dataset: {days: 10, holdout_days: 3, min_days: 3}
    gate: {min_days: 2, min_rows: 20, margin_share: 0.2}
    rollout:
      shadow: P2D
      steps: [{weight: 20, hold: P1D}, {weight: 50, hold: P1D}]
      bake: P1D
      label_wait: P1D
    judge: {min_expected_bad: 1, warm_up: PT0S, guards: [errors, latency, large_loss]}
  fraud:
    team: shop
    logs: {endpoint: fraud}
    reference: {data: fraud.parquet}
    serving: {champion: f1}
"""
STRIKE = "\r\n".join(
    (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//driftwarden//tests//EN", "BEGIN:VEVENT",
        "UID:strike-1", "DTSTAMP:20240101T000000Z", "CREATED:20240101T000000Z",
        "DTSTART;VALUE=DATE:20240311",
        "DTEND;VALUE=DATE:20240313", "SUMMARY:strike", "END:VEVENT", "END:VCALENDAR", "",
    )
)  # fmt: skip


def _read(name: str) -> str:
    return {"strike.ics": STRIKE}[name]


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    """Two models of one team: `demand` with everything, `fraud` with nothing but a name."""
    return load(FLEET, "fleet.yaml", _read).fleet


@pytest.fixture(scope="session")
def resolve() -> Callable[..., Fleet]:
    """The same fleet with texts of its document replaced."""

    def resolved(*changes: tuple[str, str]) -> Fleet:
        text = FLEET
        for before, after in changes:
            assert before in text, before
            text = text.replace(before, after, 1)
        return load(text, "fleet.yaml", _read).fleet

    return resolved


def _fits(effect: Publish) -> None:
    """Every event that any test makes is as its published schema says."""
    stored = EFFECTS.decode(EFFECTS.encode(effect))
    event = document(stored.key, stored.type, "demand", stored.fields, stored.at)
    shape = CATALOGUE[effect.type]
    data: Any = event["data"]
    Draft202012Validator(schema(shape)).validate(data)
    assert set(data) == {one.name for one in shape.fields}


@dataclass
class Story:
    """One model's partition; every step is repeated, and the repetition must owe nothing."""

    watched: Watched
    now: datetime = datetime(2024, 3, 4, 10, tzinfo=UTC)
    state: Model = field(default_factory=Model)
    effects: list[Any] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    wake_at: datetime | None = None
    last: list[Any] = field(default_factory=list)

    def tell(
        self, *facts: Any, at: datetime | None = None, after: timedelta | None = None
    ) -> Story:
        """Take facts in at a moment, the present one unless it says otherwise."""
        if at is not None or after is not None:
            self.now = at if at is not None else self.now + (after or timedelta())
        done = step.step(self.state, facts, self.watched, self.now)
        again = step.step(done.state, (), self.watched, self.now)
        assert (again.effects, again.lines) == ((), ()), "a step without facts owed something"
        assert again.state == done.state
        assert again.wake_at == done.wake_at
        for effect in done.effects:
            if isinstance(effect, Publish):
                _fits(effect)
        self.state, self.wake_at = done.state, done.wake_at
        self.last = list(done.effects)
        self.effects += done.effects
        self.lines += done.lines
        return self

    def owed(self, kind: type[Any]) -> list[Any]:
        """Effects of a kind that the last step owed."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def ever(self, kind: type[Any]) -> list[Any]:
        """Effects of a kind that were ever owed."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def said(self, what: str) -> list[dict[str, Any]]:
        """Journal lines of a kind."""
        return [line for line in self.lines if line["what"] == what]

    def begin(self, days: int = 20) -> Story:
        """Configured, and with a reference of days that end on 3 March."""
        first = date(2024, 3, 4) - timedelta(days=days)
        names = [(first + timedelta(days=i)).isoformat() for i in range(days)]
        past = {day: (f"sketch-{day}", f"rows-{day}", 100, 100) for day in names}
        self.tell(Configured(self.watched.hash))
        return self.tell(Referenced("v1", "ref", tuple(names), 100 * days, "scores-v1", past))

    def batch(
        self,
        day: str,
        collection: Collection = Collection.inputs,
        deployment: str = "v1",
        count: int = 100,
    ) -> Story:
        """A whole log file of one day, announced and read."""
        blob = f"{collection}/{deployment}/{day}"
        sketch = f"sketch-{day}" if collection is Collection.inputs else ""
        name = f"rows-{collection}-{deployment}-{day}"
        read = Batch(day, count, name, sketch)
        # Rows of a day that is further ahead are a clock's fault.
        start = datetime.fromisoformat(day).replace(tzinfo=UTC)
        self.now = max(self.now, start - timedelta(days=1))
        self.tell(LogGrew(blob, 10, collection, deployment))
        return self.tell(LogRead(blob, 0, 10, 10, (read,)))

    def assessed(self, day: str, **fields: Any) -> Assessed:
        """A calm assessment of a day, as it was asked for, but for what `fields` say."""
        plain: dict[str, Any] = {
            "window": day,
            "of": self.state.windows.open[day].assess_asked,
            "rows": 100,
            "sketch": f"sketch-{day}",
            "report": f"report-{day}",
            "verdict": Drift.STABLE,
            "flagged": (),
            "stream": {},
            "psi": {"x": 0.01},
            "calibrated": True,
        }
        return Assessed(**{**plain, **fields})

    def joined(self, day: str, **fields: Any) -> Joined:
        """A healthy join of a day, as it was asked for, but for what `fields` say."""
        plain: dict[str, Any] = {
            "window": day,
            "of": self.state.windows.open[day].join_asked,
            "rows": f"joined-{day}",
            "labelled": 100,
            "expected": 100,
            "contradictions": 0,
            "health": Health.HEALTHY,
            "reason": "performance is within its limits",
        }
        said = {**plain, **fields}
        policy = self.watched.policy.performance
        labels = labels_finding(day, said["labelled"], said["expected"], policy)
        return Joined(**{**said, "findings": (labels, *said.get("findings", ()))})


@pytest.fixture
def story(fleet: Fleet) -> Story:
    """The partition of `demand`, nothing told yet."""
    return Story(fleet.models["demand"])


@pytest.fixture
def begun(story: Story) -> Story:
    """The partition of `demand` with its reference, on 4 March 2024 at ten UTC."""
    return story.begin()


@pytest.fixture(scope="session")
def telling() -> Callable[[Watched], Story]:
    """Make a partition of other rules."""
    return Story


class Files(dict[str, bytes]):
    """Log files in memory; those of a named container are below a folder of its name.

    `asked` are the folders that were listed, `fault` is raised instead.
    """

    fault: DriftwardenError | None = None

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def read(self, path: str, start: int, end: int, container: str = "") -> bytes:
        content = self._in(container).get(path)
        if content is None:
            raise Refused(f"{path}: no such log file")
        return content[start:end]

    def listing(self, folder: str, container: str = "") -> Listing:
        return logfiles.listing(self._listed(folder, container), folder)

    def files(self, folder: str, container: str = "") -> tuple[LogFile, ...]:
        return logfiles.every(self._listed(folder, container), folder)

    def _listed(self, folder: str, container: str) -> dict[str, bytes]:
        self.asked.append(folder)
        if self.fault is not None:
            raise self.fault
        return self._in(container)

    def _in(self, container: str) -> dict[str, bytes]:
        root = f"{container}/" if container else ""
        return {path.removeprefix(root): self[path] for path in self if path.startswith(root)}


class Named(dict[str, pa.Table]):
    """Tables by path."""

    def read(self, path: str) -> pa.Table:
        if path not in self:
            raise Refused(f"{path}: no such file")
        return self[path]

    asked = read


@dataclass
class Versions:
    """Scores rows by plain functions of the table, and keeps what versions came with."""

    functions: dict[str, Callable[[pa.Table], Sequence[float]]] = field(default_factory=dict)
    held_out: dict[str, pa.Table] = field(default_factory=dict)
    cards: dict[str, ModelCard] = field(default_factory=dict)
    tags: list[tuple[str, str, dict[str, str], Stage]] = field(default_factory=list)

    def score(self, model: str, version: str, rows: pa.Table) -> np.ndarray[Any, Any]:
        if version not in self.functions:
            raise Refused(f"{model} {version}: not in the registry")
        return np.asarray(self.functions[version](rows), dtype=float)

    def evaluation(self, model: str, version: str) -> pa.Table | None:
        return self.held_out.get(version)

    def card(self, model: str, version: str) -> ModelCard:
        return self.cards.get(version) or ModelCard(model, version, ("x",))

    def tag(self, model: str, version: str, tags: dict[str, str], stage: Stage) -> None:
        self.tags.append((model, version, tags, stage))

    def versions(self, model: str) -> tuple[str, ...]:
        return tuple(self.functions)


@dataclass
class Outside:
    """Everything else that can be asked of the world; what was asked is kept in order."""

    asked: list[tuple[Any, ...]] = field(default_factory=list)
    status: Any = None

    def submit(self, job: Any) -> None:
        self.asked.append(("submit", job))

    def poll(self, job_id: str, now: datetime) -> Any:
        self.asked.append(("poll", job_id, now))
        return self.status

    def cancel(self, job_id: str) -> None:
        self.asked.append(("cancel", job_id))

    def set_traffic(
        self, model: str, traffic: Traffic, key: str, replaces: tuple[str, ...] = ()
    ) -> None:
        self.asked.append(("traffic", model, traffic, key))

    def traffic(self, model: str) -> Traffic:
        return next(a[2] for a in reversed(self.asked) if a[0] == "traffic" and a[1] == model)

    def page(self, *words: Any) -> None:
        self.asked.append(("page", *words))

    def publish(self, *words: Any) -> None:
        self.asked.append(("publish", *words))

    def keep(self, *words: Any) -> None:
        self.asked.append(("anchors", *words))


@pytest.fixture
def world() -> World:
    """Every port in memory, one world a test."""
    return in_memory()


def in_memory() -> World:
    """Every port in memory; see `Files`, `Named`, `Versions` and `Outside`."""
    versions, outside = Versions(), Outside()
    return World(
        blobs=MemoryBlobs(),
        logs=Files(),
        tables=Named(),
        scoring=versions,
        trainer=outside,
        serving=outside,
        registry=versions,
        pager=outside,
        publisher=outside,
        anchors=outside,
    )


@pytest.fixture
def desk(fleet: Fleet, world: World) -> Desk:
    days = ["2024-03-01"] * 40 + ["2024-03-02"] * 40
    world.tables["reference.parquet"] = pa.table(
        {
            "day": days,
            "time": pa.array([datetime.fromisoformat(d) for d in days], pa.timestamp("us", "UTC")),
            "label": [0.0, 1.0] * 40,
            "x": [float(i) for i in range(80)],
        }
    )
    world.scoring.functions["v1"] = lambda rows: [0.5] * rows.num_rows  # type: ignore[attr-defined]
    made = Desk(fleet, world)
    made.service.begin()
    made.settle()
    return made
