"""The flights' summer on Azure's host: the same verdicts, decisions, weights and times."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import function_app
from commands.replay.replay import Replay
from engine import journal
from examples.flights.data import prepare
from fleet.published import CATALOGUE
from tests.azure.stage import AzureStage, staged
from tests.azure.summer import MIRROR, ROOT, clock_of, local_journal, told, written
from tests.doubles.tls import Authority

Told = list[tuple[str, str, dict[str, Any]]]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(tmp_path_factory.mktemp("flights") / "data")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, year: Path) -> Iterator[Future[Told]]:
    """The journal of the local host, made in a process of its own meanwhile."""
    folder = tmp_path_factory.mktemp("local") / "fleet"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool.submit(local_journal, folder, year)


@pytest.fixture(scope="module")
def played(
    tmp_path_factory: pytest.TempPathFactory,
    year: Path,
    local: Future[Told],
    certificates: Authority,
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


def test_the_journal_is_that_of_the_local_host(played: AzureStage, local: Future[Told]) -> None:
    found, expected = told(played.store), local.result()
    kinds = Counter(what for _, what, _ in found)
    print(dict(kinds))
    assert kinds["assessed"] >= 50
    for ours, theirs in zip(found, expected, strict=False):
        assert ours == theirs
    assert len(found) == len(expected)


def test_the_summer_promotion_and_the_leak_are_in_it(played: AzureStage) -> None:
    rollouts = [line for _, what, line in told(played.store) if what == "rollout"]
    ended = {line["challenger"]: line["phase"] for line in rollouts}
    assert ended.pop("flights-leak") == "rolled_back"
    assert "promoted" in ended.values()


def test_the_endpoint_serves_what_the_journal_says(played: AzureStage) -> None:
    state = played.host.service.loop.head("flights").state
    split = played.service.online.endpoints["flights"]["properties"]["traffic"]
    assert {name: weight for name, weight in split.items() if weight} == {
        name: weight for name, weight in state.traffic.weights.items() if weight
    }
    assert state.champion != "flights-q1"


def test_every_journal_is_chained_and_nothing_is_owed(played: AzureStage) -> None:
    for partition in played.store.partitions():
        journal.verify(played.store, partition, played.host.service.loop.seal)
        assert not played.store.scan(partition, "out:", pending=True)
    assert played.host.queues.refused.waiting() == 0


def test_events_went_out_once(played: AzureStage) -> None:
    received = played.topic.received
    ids = [event["id"] for event in received]
    assert len(ids) == len(set(ids)) > 0
    assert {event["type"].removeprefix("Driftwarden.") for event in received} <= {
        str(kind) for kind in CATALOGUE
    }
