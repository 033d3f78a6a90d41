"""The flights' summer on Azure's host: the same verdicts, decisions, weights and times."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import function_app
from engine import journal
from engine.clock import SetClock
from engine.store import Store
from examples.flights.data import prepare
from fleet.published import CATALOGUE
from hosts import read_config
from hosts.local.host import LocalHost
from hosts.local.replay import Replay
from hosts.local.scenario import Scenario, happenings, read_scenario
from hosts.local.stage import LocalStage
from hosts.local.stage import prepare as prepare_local
from tests.azure.stage import AzureStage, staged
from tests.doubles.tls import Authority

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

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("flights") / "data")


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


@pytest.fixture(scope="module")
def local(
    tmp_path_factory: pytest.TempPathFactory, year: Path
) -> list[tuple[str, str, dict[str, Any]]]:
    """The journal of the local host."""
    fleet, scenario = written(tmp_path_factory.mktemp("local") / "fleet", year, azure=False)
    clock, moments = clock_of(scenario)
    latency = scenario.replay.latency_ms
    host = LocalHost(
        read_config(fleet), fleet.parent, clock, durable=False,
        run_for=scenario.replay.training_takes, latency=lambda *_: latency, quiet=True,
    )  # fmt: skip
    try:
        prepare_local(host, scenario, ROOT)
        function_app.use(host)
        host.service.begin()
        stage = LocalStage(function_app.app, host, clock, scenario, ROOT)
        Replay(stage, clock, scenario, ROOT, moments).run(lambda at: None)
        return told(host.store)
    finally:
        host.close()


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory, year: Path, certificates: Authority
) -> Iterator[AzureStage]:
    """Azure's host after the same summer."""
    fleet, scenario = written(tmp_path_factory.mktemp("azure") / "fleet", year, azure=True)
    clock, moments = clock_of(scenario)
    with staged(
        function_app.app, fleet, scenario, clock, ROOT, certificates, mirror=MIRROR
    ) as stage:
        for plan in scenario.versions:
            if plan.register_at is None:
                stage.behind.make(plan)
                stage.behind.open_endpoint(plan.name)
        function_app.use(stage.host)
        stage.host.service.begin()
        began = time.monotonic()
        Replay(stage, clock, scenario, ROOT, moments).run(lambda at: None)
        print(f"\nreplayed on Azurite and the doubles in {time.monotonic() - began:.0f} s")
        yield stage


def test_the_journal_is_that_of_the_local_host(
    played: AzureStage, local: list[tuple[str, str, dict[str, Any]]]
) -> None:
    found = told(played.store)
    kinds = Counter(what for _, what, _ in found)
    print(dict(kinds))
    assert kinds["assessed"] >= 50
    for ours, theirs in zip(found, local, strict=False):
        assert ours == theirs
    assert len(found) == len(local)


def test_the_summer_promotion_and_the_leak_are_in_it(played: AzureStage) -> None:
    rollouts = [line for _, what, line in told(played.store) if what == "rollout"]
    ended = {line["challenger"]: line["phase"] for line in rollouts}
    assert ended.pop("flights-leak") == "rolled_back"
    assert "promoted" in ended.values()


def test_the_endpoint_serves_what_the_journal_says(played: AzureStage) -> None:
    state = played.host.service.loop.head("flights").state
    split = played.service.online.endpoints["flights"]["properties"]["traffic"]
    assert {name: weight for name, weight in split.items() if weight} == {
        name: weight for name, weight in state.weights.items() if weight
    }
    assert state.champion != "flights-q1"


def test_every_journal_is_chained_and_nothing_is_owed(played: AzureStage) -> None:
    for partition in played.store.partitions():
        journal.verify(played.store, partition)
        assert not played.store.scan(partition, "out:", pending=True)
    assert played.host.refused.waiting() == 0


def test_events_went_out_once(played: AzureStage) -> None:
    received = played.topic.received
    ids = [event["id"] for event in received]
    assert len(ids) == len(set(ids)) > 0
    assert {event["type"].removeprefix("Driftwarden.") for event in received} <= {
        str(kind) for kind in CATALOGUE
    }
