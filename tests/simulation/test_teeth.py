"""The sweep itself is tested: a loop with a well-known fault is found out by its crashes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from engine import outbox
from engine.errors import DriftwardenError
from engine.payment import Payment
from engine.step import Delivery
from fleet.partitions import ONCALL
from tests.simulation import story as tale
from tests.simulation.boundary import When
from tests.simulation.play import Conditions, Race
from tests.simulation.sweep import Fault, crash, undisturbed

PROMOTION = tale.STORIES["promotion"]
SAMPLE = 60


def marks_first(self: Payment, partition: str, item: outbox.Owed, now: datetime) -> None:
    """Pay after the effect was marked as paid."""
    self.store.commit(partition, [outbox.paid(item, now)])
    _tell(self, item, self.domain.perform(partition, item.effect, now), now)


def tells_afterwards(self: Payment, partition: str, item: outbox.Owed, now: datetime) -> None:
    """Mark an effect as paid in one unit and take its result in by another."""
    results = self.domain.perform(partition, item.effect, now)
    self.store.commit(partition, [outbox.paid(item, now)])
    _tell(self, item, results, now)


def _tell(self: Payment, item: outbox.Owed, results: tuple[Delivery, ...], now: datetime) -> None:
    for n, result in enumerate(results):
        own = not result.partition.startswith(ONCALL)
        self.deliver(replace(result, id=f"{item.row.key}:{n}") if own else result, now)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    undisturbed.cache_clear()
    yield
    undisturbed.cache_clear()


@pytest.mark.parametrize("fault", [marks_first, tells_afterwards])
def test_a_loop_with_a_fault_is_found_out(fault: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Payment, "pay", fault)
    conditions = Conditions(PROMOTION, Race.none)
    boundaries = len(undisturbed(conditions).crossed)
    rng = np.random.default_rng(7)
    numbers = rng.choice(boundaries, SAMPLE, replace=False)
    assert any(_fails(conditions, int(number)) for number in numbers)


def _fails(conditions: Conditions, number: int) -> bool:
    try:
        crash(conditions, Fault(((number, When.after),), loses_queue=True))
    except (AssertionError, DriftwardenError):
        return True
    return False
