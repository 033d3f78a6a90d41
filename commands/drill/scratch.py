"""A scratch fleet of one model: the teams and alert rules of a fleet, on data of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from commands.app import App
from commands.drill.model import score
from commands.operate import ask
from commands.replay.announcements import Grown, blob_created
from commands.replay.driver import INGEST, NOTIFICATION, TICK
from engine import journal
from engine.clock import SetClock
from engine.step import Line
from engine.store import parse_instant
from fleet.commands import Command
from fleet.document.config import Config
from hosts import read_config
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.functions.hostfile import parse_host_file
from hosts.local.functions.http import Response
from hosts.local.host import DUE_QUEUE, Durations, LocalHost
from hosts.local.opening import ROOT

MODEL, VERSION = "drill", "first"
ROWS, DAYS = 200, 28
KEY = "drill"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: The program of the training.
FAILS = "raise SystemExit('the training of the drill fails')"
#: Seconds after which a model that does not answer is killed.
SCORING_LIMIT = 3.0
#: A training's command is run at once; a request takes 20 ms.
DURATIONS = Durations(timedelta(0), lambda *_: 20.0)


@dataclass(frozen=True)
class Message:
    """One message that a receiver got."""

    receiver: str
    at: datetime
    title: str


@dataclass(frozen=True)
class Said:
    """One line of a journal, and when it was written."""

    at: datetime
    line: Line


@dataclass(frozen=True)
class Changes:
    """The changes that a fault makes to the scratch fleet before it begins."""

    #: Receivers of fleet.yaml by name, in place of a file.
    receivers: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Whether the model's code never answers.
    hangs: bool = False


class Scratch:
    """A scratch fleet on a clock that jumps; nothing of it leaves its folder."""

    def __init__(self, app: App, host: LocalHost, clock: SetClock) -> None:
        self.host, self.clock, self.began = host, clock, clock.moment
        self._app = app
        app.use(host)
        host_file = parse_host_file((ROOT / "host.json").read_text())
        self._dispatcher = Dispatcher(
            app.functions, host.queues, clock.now, key=KEY, host_file=host_file
        )
        host.service.begin()
        self.play(clock.moment)

    def play(self, until: datetime) -> None:
        """Run what is due up to a moment, each at its own time."""
        while True:
            while self._dispatcher.pump_queue(DUE_QUEUE, self.clock.moment):
                pass
            due = (self.host.store.next_wake(), self.host.queues.next_visible(DUE_QUEUE))
            soon = min((at for at in due if at is not None), default=None)
            if soon is None or soon > until:
                break
            self.clock.moment = max(soon, self.clock.moment)
            self.tick()
        self.clock.moment = max(until, self.clock.moment)

    def tick(self) -> None:
        """Fire the app's timer."""
        self._dispatcher.timers.run(TICK, self.clock.moment)

    def post(self, *events: dict[str, Any]) -> Response:
        """Deliver events to the app, as Event Grid does."""
        body = json.dumps(list(events)).encode()
        return self._dispatcher.event_grid(INGEST, NOTIFICATION, body, KEY)

    def get(self, path: str) -> Response:
        """Ask the app for a page, as a probe does."""
        return self._dispatcher.http("GET", path, "", {}, b"")

    def command(self, verb: str) -> None:
        """Send an operator's command to the model, and run the app until it is processed."""
        ask(self.host, self._app.functions, Command(verb, MODEL, "drill", "a drill", verb))

    def serve(self, rows: pa.Table, start: datetime) -> None:
        """Answer requests, log them and announce the files."""
        now = self.clock.now()
        for written in self.host.router.serve(MODEL, rows, start):
            self.post(blob_created(Grown(*written), now))

    def lines(self, prefix: str, what: str) -> list[Said]:
        """Return the lines of a kind in the journals of partitions with a prefix."""
        names = [name for name in self.host.store.partitions() if name.startswith(prefix)]
        return [
            Said(parse_instant(record.at), line)
            for name in names
            for record in journal.read(self.host.store, name)
            for line in record.lines
            if line["what"] == what
        ]

    def messages(self, receivers: Sequence[str]) -> list[Message]:
        """Return what receivers got, in order of time."""
        found = [one for name in receivers for one in self._got(name)]
        return sorted(found, key=lambda one: one.at)

    def _got(self, receiver: str) -> Iterator[Message]:
        file = self.host.root / _file(receiver)
        for line in file.read_text().splitlines() if file.exists() else ():
            said = json.loads(line)
            yield Message(receiver, datetime.fromisoformat(said["at"]), str(said["title"]))


def rows_of(day: datetime, number: int, *, blind: bool = False) -> pa.Table:
    """Return the requests of one day; `blind` ones have no value of x."""
    chance = np.random.default_rng(number)
    moments = [day + HOUR + timedelta(minutes=5 * i) for i in range(ROWS)]
    x = pa.nulls(ROWS, pa.float64()) if blind else pa.array(chance.normal(size=ROWS))
    return pa.table(
        {
            "correlationid": [f"{number}-{i}" for i in range(ROWS)],
            "time": pa.array(moments, pa.timestamp("us", "UTC")),
            "x": x,
            "kind": chance.choice(["a", "b"], ROWS),
        }
    )


@contextmanager
def scratch(app: App, config: Config, model: str, changes: Changes) -> Iterator[Scratch]:
    """Make a scratch fleet with the team and the alert rules of a model, and open it."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with TemporaryDirectory(prefix="driftwarden-drill-") as folder:
        beside = Path(folder)
        _write(beside, config, model, changes, today)
        clock = SetClock(today)
        found = read_config(beside / "fleet.yaml")
        host = LocalHost(
            found, beside, clock, durable=False, durations=DURATIONS, scoring_limit=SCORING_LIMIT
        )
        try:
            _register(host, beside, changes)
            yield Scratch(app, host, clock)
        finally:
            host.close()


#: Fields of a team that depend on the time, or name a file.
TIMES = {"rotation", "calendar", "hours", "mute"}


def _file(receiver: str) -> str:
    return f"{receiver}.jsonl"


def _write(beside: Path, config: Config, model: str, changes: Changes, today: datetime) -> None:
    """Write the scratch fleet.yaml and the reference that it names."""
    policy = config.fleet.models[model].policy
    files = {name: {"kind": "file", "path": _file(name)} for name in config.document.receivers}
    document = {
        "version": 1,
        "store": "local:store",
        "receivers": {**files, **changes.receivers},
        "teams": {
            # Who is on call by now, and no hours that would hold a message back.
            name: config.fleet.duty(name).at(today)[0].model_dump(mode="json", exclude=TIMES)
            for name in config.document.teams
        },
        "models": {
            MODEL: {
                "team": policy.team,
                "alerts": policy.alerts.model_dump(mode="json"),
                "logs": {"endpoint": MODEL, "grace": "PT1H"},
                "reference": {"data": "reference.parquet"},
                "serving": {"champion": VERSION},
                "training": {"command": ["python", "-c", FAILS, "{data}", "{out}", "{version}"]},
                "dataset": {"days": DAYS, "holdout_days": 5, "min_days": 5},
            }
        },
    }
    (beside / "fleet.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    pq.write_table(_reference(today), beside / "reference.parquet")


def _reference(today: datetime) -> pa.Table:
    """Return the rows of the days before today, with their labels."""
    days = []
    for number in range(1, DAYS + 1):
        day = today - number * DAY
        table = rows_of(day, -number + 10_000).drop_columns(["correlationid"])
        label = np.random.default_rng(number).integers(0, 2, ROWS).astype(float)
        days.append(
            table.append_column("day", pa.array([day.date().isoformat()] * ROWS)).append_column(
                "label", pa.array(label)
            )
        )
    return pa.concat_tables(days)


def _register(host: LocalHost, beside: Path, changes: Changes) -> None:
    """Put the version that serves into the registry of the scratch fleet."""
    folder = beside / "version"
    folder.mkdir()
    shutil.copy(score.__file__, folder / "drill_score.py")
    (folder / "model.yaml").write_text(
        f"name: {MODEL}\nversion: {VERSION}\nfeatures: [x, kind]\nentry: drill_score:score\n"
        "training_window: {from: 2024-01-01, to: 2024-01-31}\n"
    )
    if changes.hangs:
        (folder / score.HANGS).touch()
    host.models.register(folder)
