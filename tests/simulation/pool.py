"""Run many faults on every core."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TypeVar

from tests.simulation.play import Conditions
from tests.simulation.sweep import Fault, crash

CHUNK = 100
One = TypeVar("One")
Part = TypeVar("Part")


@dataclass
class Tally:
    """What a sweep came to: runs, deaths in them, runs played to the end, and what went wrong."""

    runs: int = 0
    deaths: int = 0
    whole: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.runs += other.runs
        self.deaths += other.deaths
        self.whole += other.whole
        self.failures += other.failures


def run(conditions: Conditions, faults: Sequence[Fault]) -> Tally:
    """Play a story once for every fault."""
    tally = Tally()
    for fault in faults:
        tally.runs += 1
        try:
            deaths, whole = crash(conditions, fault)
        except Exception as error:  # noqa: BLE001 - every kind of failure is one that is told
            tally.failures[f"{fault.dies_at}: {type(error).__name__}: {error}"[:300]] += 1
        else:
            tally.deaths += deaths
            tally.whole += whole
    return tally


def run_all(conditions: Conditions, faults: Sequence[Fault]) -> Tally:
    """Play a story once for every fault, on every core."""
    total = Tally()
    for tally in spread(run, conditions, faults):
        total.add(tally)
    return total


def spread(
    play: Callable[[Conditions, Sequence[One]], Part], conditions: Conditions, each: Sequence[One]
) -> Iterator[Part]:
    """Play chunks of what is to be played on every core, and yield what each came to."""
    chunks = [each[start : start + CHUNK] for start in range(0, len(each), CHUNK)]
    # Spawned: a fork would copy the locks of Arrow's threads.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(play, [conditions] * len(chunks), chunks)
