"""The replay command: prepare, begin or resume, show progress, return the records."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from commands.app import App
from commands.replay.driver import LocalStage, prepare
from commands.replay.replay import Replay
from commands.replay.scenario import SCENARIO_FILE, Scenario, happenings, read_scenario
from engine import journal
from engine.clock import SetClock
from engine.errors import Broken, Refused
from engine.store import HEAD
from engine.texts import visible
from fleet.document.config import Config
from fleet.model.lines import alerting, serving, training, windows
from fleet.model.lines.line import Line, read_line
from fleet.work import rows
from hosts import folders, read_config
from hosts.local.anchors import ANCHORS_FILE
from hosts.local.host import STORE_FILE, Durations, LocalHost
from hosts.local.position import position

MADE = (
    ANCHORS_FILE,
    "blobs",
    "events.jsonl",
    "jobs",
    "logs",
    "made",
    "models",
    "pages.jsonl",
    "traffic",
)
#: A page's line, behind its moment.
PAGE = r"(?<=^.{18})page "


@dataclass(frozen=True)
class Told:
    """The result of a replay: verified records, the joined rows by name, the summary's file."""

    model: str
    records: tuple[journal.Record, ...]
    rows: dict[str, pa.Table]
    seconds: float
    target: Path


@dataclass(frozen=True)
class Options:
    """The options of a replay."""

    fleet: Path
    first: date | None = None
    last: date | None = None
    summary: Path | None = None
    fresh: bool = False


def replay(app: App, options: Options, console: Console) -> Told:
    """Replay the scenario beside fleet.yaml, from its beginning or from where it was interrupted.

    Raises
    ------
    Refused
        The document or the scenario is invalid, or a preparation failed.
    Broken
        A journal does not hold, or a partition is halted at the end.
    """
    scenario = _cut(read_scenario(options.fleet.parent / SCENARIO_FILE), options)
    folder = (options.fleet.parent / scenario.folder).resolve()
    config = read_config(options.fleet)
    moments = happenings(scenario)
    clock = SetClock(moments[0][0] - timedelta(hours=1))
    began = time.monotonic()
    root = options.fleet.parent / config.document.store.partition(":")[2]
    _make_room(config, root, options.fresh)
    host = _open(config, options.fleet.parent, clock, scenario)
    try:
        console.print(f"preparing {scenario.model}: data and first versions")
        prepare(host, scenario, folder)
        app.use(host)
        if host.store.get(scenario.model, HEAD) is None:
            host.service.begin()
        else:
            host.service.adopt()
        stage = LocalStage(app.functions, host, clock, scenario, folder)
        run = Replay(stage, clock, scenario, folder, moments)
        with _progress(console, host, scenario) as told:
            run.run(told)
        return _told(host, scenario, options, folder, time.monotonic() - began)
    finally:
        host.close()


def _cut(scenario: Scenario, options: Options) -> Scenario:
    """Shorten the replayed time to the requested days."""
    first = max(options.first or scenario.replay.first, scenario.replay.first)
    last = min(options.last or scenario.replay.last, scenario.replay.last)
    if last < first:
        raise Refused(
            f"--from {first} --to {last}: the recorded days are {scenario.replay.first} "
            f"to {scenario.replay.last}"
        )
    cut = scenario.replay.model_copy(update={"first": first, "last": last})
    return scenario.model_copy(update={"replay": cut})


def _open(config: Config, beside: Path, clock: SetClock, scenario: Scenario) -> LocalHost:
    latency = scenario.replay.latency_ms
    return LocalHost(
        config,
        beside,
        clock,
        # A power cut may lose the newest commits; the resumed replay makes them again.
        durable=False,
        durations=Durations(scenario.replay.training_takes, lambda *_: latency),
        quiet=True,
    )


def _make_room(config: Config, root: Path, fresh: bool) -> None:
    """Delete the files of a finished replay; an interrupted one is resumed."""
    if not (root / STORE_FILE).exists():
        return
    if not fresh:
        from hosts.local.sqlite import SqliteStore

        store = SqliteStore(root / STORE_FILE)
        known = position(store)
        begun = any(store.get(name, HEAD) for name in config.fleet.models)
        store.close()
        if known is None and begun:
            raise Refused(f"{root}: holds a live store, not a replay; name another `store`")
        if known is None or not known.finished:
            return
    for name in (STORE_FILE, f"{STORE_FILE}-wal", f"{STORE_FILE}-shm", *MADE):
        target = root / name
        if target.is_dir():
            folders.remove(target)
        else:
            target.unlink(missing_ok=True)


@contextmanager
def _progress(
    console: Console, host: LocalHost, scenario: Scenario
) -> Iterator[Callable[[datetime], None]]:
    seen = 0
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    days = (scenario.replay.last - scenario.replay.first).days + 1
    with bar:
        task = bar.add_task(str(scenario.replay.first), total=days)

        def told(at: datetime) -> None:
            nonlocal seen
            for record in journal.read(host.store, scenario.model, seen):
                seen = record.seq
                for line in record.lines:
                    if (said := _said(read_line(line))) is not None:
                        moment = record.at[:16].replace("T", " ")
                        shown = Text(f"{moment}  {visible(said)}")
                        shown.highlight_regex(PAGE, "bold")
                        console.print(shown)
            done = (at.date() - scenario.replay.first).days
            bar.update(task, completed=min(done, days), description=str(at.date()))

        yield told


def _said(line: Line) -> str | None:
    match line:
        case alerting.Alert(phase="firing", severity="page"):
            return f"page {line.alert}: {line.reason}"
        case training.Trigger(fire=True):
            return f"retrain {line.run}: {line.reason}"
        case training.Registered():
            return f"registered {line.version}"
        case training.Gate():
            return f"gate {line.version}: {line.verdict}, {line.reason}"
        case serving.Rollout(phase="shadow" | "promoted" | "rolled_back" | "stopped"):
            return f"rollout {line.challenger}: {line.phase}, {line.reason}"
        case _:
            return None


def _told(
    host: LocalHost, scenario: Scenario, options: Options, folder: Path, seconds: float
) -> Told:
    for partition in host.store.partitions():
        journal.verify(host.store, partition, host.service.loop.seal)
        if halted := host.service.loop.head(partition).halted:
            raise Broken(f"{partition} is halted: {halted}")
    records = tuple(journal.read(host.store, scenario.model))
    lines = (read_line(line) for record in records for line in record.lines)
    names = {line.rows for line in lines if isinstance(line, windows.Joined)}
    joined = {name: rows.get(host.blobs, name) for name in sorted(names)}
    target = options.summary or folder / scenario.replay.summary
    return Told(scenario.model, records, joined, seconds, target)
