"""A clock that went back is told once, by the fleet's journal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.fleet.desk import Desk

DAY = timedelta(days=1)


def told(desk: Desk) -> list[str]:
    desk.service.tick()
    desk.settle()
    return [line["reason"] for line in desk.said("fleet", "noticed") if line["id"] == "clock"]


@pytest.fixture
def begun(desk: Desk) -> Desk:
    """A desk whose fleet has a record at the present moment."""
    desk.service.ingest({"id": "e", "type": "Contoso.Lunch"})
    desk.settle()
    return desk


@pytest.mark.parametrize("back", [timedelta(minutes=3), timedelta(hours=1), DAY, 4000 * DAY])
def test_a_clock_that_goes_back_is_told_once(begun: Desk, back: timedelta) -> None:
    assert told(begun) == []
    begun.clock.moment -= back
    (reason,) = told(begun)
    assert reason.startswith("the clock went back: it says ")
    begun.clock.moment += timedelta(minutes=1)
    assert told(begun) == [reason]
    begun.clock.moment -= 2 * back
    assert len(told(begun)) == 2


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=90), -DAY])
def test_clocks_of_workers_may_differ_and_go_on(begun: Desk, apart: timedelta) -> None:
    begun.clock.moment -= apart
    assert told(begun) == []


def test_a_fleet_without_records_has_nothing_to_compare(desk: Desk) -> None:
    desk.clock.moment -= DAY
    assert told(desk) == []
