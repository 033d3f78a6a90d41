"""Fault nights: whatever fails, and for how long, nothing is lost, doubled, or due and silent.

The quick tests take a sample of the seeds; `pytest -m slow -s` takes all of them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from engine.head import halt
from engine.loop import Loop
from engine.step import Delivery
from tests.simulation import story as tale
from tests.simulation.boundary import When
from tests.simulation.nights import LASTS, Night, night
from tests.simulation.play import Conditions
from tests.simulation.pool import spread
from tests.simulation.sweep import undisturbed

SAMPLE = 10
FULL = 10_000

stories = pytest.mark.parametrize("name", tale.STORIES)


#: Every so many nights one is played to the end of its story.
TO_THE_END = 8


def played(conditions: Conditions, seeds: Sequence[int]) -> Counter[str]:
    """Play the nights of some seeds; count what they came to, and name what went wrong."""
    found: Counter[str] = Counter()
    for seed in seeds:
        fault = Night.drawn(seed, undisturbed(conditions))
        found["runs"] += 1
        try:
            passed = night(conditions, fault, to_the_end=seed % TO_THE_END == 0)
        except Exception as error:  # noqa: BLE001 - every kind of failure is one that is told
            found[f"failed: seed {seed}: {type(error).__name__}: {error}"[:300]] += 1
        else:
            found["hit"] += passed.failed > 0
            found["halted"] += passed.halts > 0
            found["declined"] += passed.declined > 0
            found["whole"] += passed.whole
    return found


def failures(found: Counter[str]) -> list[str]:
    return [name for name in found if name.startswith("failed: ")]


@stories
def test_a_sample_of_nights_loses_nothing(name: str) -> None:
    found = played(Conditions(tale.STORIES[name]), range(SAMPLE))
    assert failures(found) == []
    assert found["hit"] > SAMPLE * 0.8


@pytest.mark.slow
@stories
def test_nights_lose_nothing_and_leave_nothing_silent(name: str) -> None:
    began = time.monotonic()
    found: Counter[str] = Counter()
    for part in spread(played, Conditions(tale.STORIES[name]), range(FULL)):
        found += part
    print(f"\n{name}, {found}, {time.monotonic() - began:.0f} s")
    assert failures(found) == []
    assert found["runs"] == FULL
    assert found["hit"] > FULL * 0.9
    assert found["halted"] > FULL * 0.05
    assert found["declined"] > FULL * 0.1


def test_a_loop_that_halts_and_tells_nobody_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def silently(self: Loop, partition: str, row: Any, now: Any) -> None:
        if "wake_at" in row.props:
            quiet = halt(row, row.text("halted"), now)
            props = {key: value for key, value in quiet.props.items() if key != "wake_at"}
            self.store.commit(partition, [replace(quiet, props=props)])

    _is_found_out(monkeypatch, Loop, "_announce", silently, "nobody was told")


def test_a_loop_that_does_not_ring_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def unheard(self: Loop, delivery: Delivery, now: Any) -> bool:
        from engine import inbox

        return inbox.accept(self.store, self.domain.facts, delivery, now)

    _is_found_out(monkeypatch, Loop, "deliver", unheard, "nothing wakes it")


def _is_found_out(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, fault: Any, told: str
) -> None:
    conditions = Conditions(tale.STORIES["promotion"])
    # A log file grew before it was read.
    start = undisturbed(conditions).crossed.index("LogFiles.read", 400) - 200
    monkeypatch.setattr(owner, name, fault)
    with pytest.raises(AssertionError, match=told):
        night(conditions, Night(start, "Step.log_grew", 9, When.before, LASTS[-1]))
