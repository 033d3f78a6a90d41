"""The flights' summer, written down for either host, and what the local one makes of it."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

import function_app
from commands.replay.driver import LocalStage, prepare
from commands.replay.replay import Replay
from commands.replay.scenario import Scenario, happenings, read_scenario
from engine import journal
from engine.clock import SetClock
from engine.store import Store
from hosts import read_config
from hosts.local.host import Durations, LocalHost

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/flights"
FIRST, LAST = date(2013, 6, 20), date(2013, 8, 14)
MIRROR = 50
#: What has to be the same: of each kind of line, these fields.
COMPARED = {
    "assessed": ("window", "rows", "verdict", "stream", "psi", "score_psi", "event", "quality"),
    "joined": ("window", "labelled", "expected", "health", "reason", "explained_by", "rolling"),
    "alert": ("alert", "phase", "kind", "severity", "reason", "features", "explained_by"),
    "trigger": ("fire", "kind", "reason", "run", "days", "holdout", "left_out"),
    "run": ("run", "phase", "version"),
    "registered": ("version", "waived_by", "reason"),
    "gate": ("id", "version", "trigger", "verdict", "reason"),
    "rollout": ("id", "challenger", "champion", "phase", "stage", "reason", "guards"),
    "traffic": ("weights", "shadow"),
    "slo": ("objective", "verdict", "reasons"),
    "refused": ("id", "reason"),
    "foreign": ("weights", "wanted"),
}


def written(folder: Path, year: Path, *, azure: bool) -> tuple[Path, Scenario]:
    """Write the example's documents for one host; only what the host needs is different."""
    folder.mkdir(parents=True)
    fleet = yaml.safe_load((EXAMPLE / "fleet.yaml").read_text())
    model = fleet["models"]["flights"]
    model["reference"]["data"] = str(year / "reference.parquet")
    model["serving"]["mirror"] = MIRROR
    fleet["store"] = "azure:" if azure else "local:store"
    if azure:
        model["training"] = {**model["training"], "job": "train.yml"}
        del model["training"]["command"]
        model["serving"]["deployment"] = "deployment.yml"
        fleet["receivers"] = {"duty": {"kind": "terminal"}, "terminal": {"kind": "terminal"}}
        for name in ("train.yml", "deployment.yml"):
            shutil.copy(EXAMPLE / "azure" / name, folder)
    for name in ("events-2013.ics", "objectives.openslo.yaml"):
        shutil.copy(EXAMPLE / name, folder)
    (folder / "fleet.yaml").write_text(yaml.safe_dump(fleet))
    scenario = yaml.safe_load((EXAMPLE / "scenario.yaml").read_text())
    scenario |= {"folder": str(ROOT), "prepare": []}
    scenario["replay"] |= {
        "first": FIRST, "last": LAST,
        "requests": str(year / "requests"), "labels": str(year / "labels"),
    }  # fmt: skip
    for version in scenario["versions"]:
        version["train"] = [w.replace("var/flights/data", str(year)) for w in version["train"]]
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    return folder / "fleet.yaml", read_scenario(folder / "scenario.yaml")


def told(store: Store) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the model's journal says, by time, as far as it is compared."""
    found = []
    for record in journal.read(store, "flights"):
        for line in record.lines:
            fields = COMPARED.get(str(line["what"]))
            if fields is not None:
                known = {name: line.get(name) for name in fields}
                found.append((record.at, str(line["what"]), known))
    return found


def clock_of(scenario: Scenario) -> tuple[SetClock, list[Any]]:
    moments = happenings(scenario)
    return SetClock(moments[0][0] - timedelta(hours=1)), moments


def local_journal(folder: Path, year: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Replay it on the local host, whose store is made in `folder`; return what was told."""
    fleet, scenario = written(folder, year, azure=False)
    clock, moments = clock_of(scenario)
    latency = scenario.replay.latency_ms
    host = LocalHost(
        read_config(fleet), fleet.parent, clock, durable=False,
        durations=Durations(scenario.replay.training_takes, lambda *_: latency), quiet=True,
    )  # fmt: skip
    try:
        prepare(host, scenario, ROOT)
        function_app.use(host)
        host.service.begin()
        stage = LocalStage(function_app.app, host, clock, scenario, ROOT)
        Replay(stage, clock, scenario, ROOT, moments).run(lambda at: None)
        return told(host.store)
    finally:
        host.close()
