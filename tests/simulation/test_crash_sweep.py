"""A crash at every I/O boundary of two whole stories, deliveries doubled, shuffled and raced.

The quick tests take a sample of the boundaries; `pytest -m slow -s` takes all of them.
"""

from __future__ import annotations

import time
from datetime import timedelta

import numpy as np
import pytest

from fleet.ports import World
from tests.simulation import story as tale
from tests.simulation.boundary import Boundary, When, Wrapped, methods, protocols
from tests.simulation.play import PORTS, STORE, Conditions, Race, opening
from tests.simulation.pool import run_all
from tests.simulation.sweep import Fault, crash, undisturbed

SEED = 20240304
SAMPLE = 16
SEEDS = 6
#: Methods of the ports that no story calls: hosts and readers do.
#: Anchors hold the links of the journals, and a crash may change these. Files are listed by the
#: timer, and the stories announce theirs.
NEVER_CALLED = {
    "Anchors.keep",
    "Blobs.names",
    "Blobs.delete",
    "Arrivals.newest",
    "Arrivals.since",
    "LogFiles.files",
    "LogFiles.listing",
    "Store.next_wake",
    "Registry.versions",
}

stories = pytest.mark.parametrize("name", tale.STORIES)
races = pytest.mark.parametrize("race", Race)


def every_method() -> set[str]:
    return {f"{port.__name__}.{name}" for port in protocols() for name in methods(port)}


def side(rng: np.random.Generator) -> When:
    return list(When)[rng.integers(len(When))]


def test_every_port_is_wrapped_with_all_its_methods() -> None:
    wrapped = {STORE, *PORTS.values()}
    assert wrapped == set(protocols())
    # No story keeps its rows in a log service, and none has a digest, which reads the store.
    assert set(PORTS) == set(World.__dataclass_fields__) - {"counting", "store"}
    raw = opening().outside.world()
    for name, port in PORTS.items():
        assert set(vars(Wrapped(port, getattr(raw, name), Boundary()))) == set(methods(port))


def test_the_stories_call_every_method_that_workers_use() -> None:
    called: set[str] = set()
    for story in tale.STORIES.values():
        called |= set(undisturbed(Conditions(story)).crossed)
    assert called == every_method() - NEVER_CALLED | {"ring"}


@stories
def test_the_story_ends_as_it_is_told(name: str) -> None:
    story = tale.STORIES[name]
    ended = undisturbed(Conditions(story, doubled=False)).outcome
    assert ended["champion"] == story.champion
    assert ended["rollout"][0] == story.outcome
    days = [tale.day_name(day) for day in range(tale.DAYS)]
    counted = [ended["days"][day][:2] for day in days]
    assert counted == [(tale.ROWS, tale.ROWS)] * tale.DAYS
    # Some lines were told to be unfinished, and read when their files grew after all.
    assert ended["counts"]["bad"] == 0


@stories
@races
def test_doubled_shuffled_and_raced_it_comes_to_the_same(name: str, race: Race) -> None:
    _same_as_plain(Conditions(tale.STORIES[name], race))


@stories
def test_a_full_state_is_judged_as_any_other(name: str) -> None:
    """Merged batches and archived cursors change nothing that is decided, told or done."""
    plain = undisturbed(Conditions(tale.STORIES[name]))
    crowded = undisturbed(Conditions(tale.STORIES[name], crowded=True))
    assert crowded.outcome == plain.outcome
    assert crowded.effects == plain.effects
    tidied = {key.split("/")[1].split(":")[0] for key in crowded.owed} - {
        key.split("/")[1].split(":")[0] for key in plain.owed
    }
    assert tidied == {"merge", "archive", "recall"}


@pytest.mark.slow
@stories
@races
@pytest.mark.parametrize("seed", range(1, SEEDS))
def test_in_any_order_it_comes_to_the_same(name: str, race: Race, seed: int) -> None:
    _same_as_plain(Conditions(tale.STORIES[name], race, seed=seed))


def _same_as_plain(conditions: Conditions) -> None:
    plain = undisturbed(Conditions(conditions.story, doubled=False))
    found = undisturbed(conditions)
    assert found.outcome == plain.outcome
    assert found.effects == plain.effects
    assert found.owed == plain.owed


@stories
@races
def test_a_sample_of_crashes_loses_nothing(name: str, race: Race) -> None:
    conditions = Conditions(tale.STORIES[name], race)
    boundaries = len(undisturbed(conditions).crossed)
    rng = np.random.default_rng(SEED)
    step = boundaries // SAMPLE
    for number in range(int(rng.integers(step)), boundaries, step):
        fault = Fault(((number, side(rng)),), bool(rng.integers(2)))
        assert crash(conditions, fault)[0] == 1


@stories
def test_a_sample_of_crashes_of_a_full_state_loses_nothing(name: str) -> None:
    conditions = Conditions(tale.STORIES[name], crowded=True)
    boundaries = len(undisturbed(conditions).crossed)
    rng = np.random.default_rng(SEED)
    for number in range(int(rng.integers(150)), boundaries, 2 * boundaries // SAMPLE):
        assert crash(conditions, Fault(((number, side(rng)),), bool(rng.integers(2))))[0] == 1


@stories
def test_crashes_while_recovering_from_a_crash_lose_nothing(name: str) -> None:
    conditions = Conditions(tale.STORIES[name])
    boundaries = len(undisturbed(conditions).crossed)
    rng = np.random.default_rng(SEED)
    for _ in range(SAMPLE // 2):
        first = int(rng.integers(boundaries - 100))
        again = first + int(rng.integers(1, 40))
        fault = Fault(((first, side(rng)), (again, side(rng))), bool(rng.integers(2)))
        assert crash(conditions, fault)[0] == 2


@pytest.mark.slow
@stories
@races
def test_a_crash_at_every_boundary_loses_nothing(name: str, race: Race) -> None:
    conditions = Conditions(tale.STORIES[name], race)
    boundaries = len(undisturbed(conditions).crossed)
    # A rival's plays take twice as long: there every boundary gets one of both sides.
    faults = [
        Fault(((number, when),), loses_queue=bool((number // 2 + side) % 2))
        for number in range(boundaries)
        for side, when in enumerate(When)
        if race is not Race.partly or number % 2 == side
    ]
    _swept(f"{name}, race {race}: {boundaries} boundaries", conditions, faults)


@pytest.mark.slow
@stories
def test_a_crash_at_every_boundary_of_a_full_state_loses_nothing(name: str) -> None:
    conditions = Conditions(tale.STORIES[name], crowded=True)
    boundaries = len(undisturbed(conditions).crossed)
    faults = [
        Fault(((number, when),), loses_queue=bool((number // 2 + side) % 2))
        for number in range(boundaries)
        for side, when in enumerate(When)
    ]
    _swept(f"{name}, with a full state: {boundaries} boundaries", conditions, faults)


@pytest.mark.slow
@stories
def test_a_crash_anywhere_and_another_in_its_recovery_lose_nothing(name: str) -> None:
    conditions = Conditions(tale.STORIES[name], seed=1)
    rng = np.random.default_rng(SEED)
    faults = []
    for number in range(0, len(undisturbed(conditions).crossed) - 60, 2):
        again = number + int(rng.integers(1, 60))
        faults.append(Fault(((number, side(rng)), (again, side(rng))), bool(rng.integers(2))))
    _swept(f"{name}, crashed twice", conditions, faults, deaths=2)


@pytest.mark.slow
@stories
def test_a_worker_that_comes_back_late_loses_nothing(name: str) -> None:
    conditions = Conditions(tale.STORIES[name])
    boundaries = len(undisturbed(conditions).crossed)
    faults = [
        Fault(((number, When.before),), bool(number // 12 % 2), timedelta(seconds=90))
        for number in range(0, boundaries, 12)
    ]
    _swept(f"{name}, 90 seconds late", conditions, faults)


def _swept(title: str, conditions: Conditions, faults: list[Fault], deaths: int = 1) -> None:
    began = time.monotonic()
    tally = run_all(conditions, faults)
    took = time.monotonic() - began
    print(
        f"\n{title}, {tally.runs} runs, {tally.deaths} crashes, {tally.whole} played to the end, "
        f"{tally.failures.total()} failures, {took:.0f} s"
    )
    assert not tally.failures, next(iter(tally.failures))
    assert tally.runs == len(faults)
    assert tally.deaths == deaths * tally.runs
