"""Capacity and data collectors are judged by what a platform measured, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from monitoring.alerts.lifecycle import Severity
from monitoring.capacity import Policy, Vital, losing, strained


def blue(**fields: Any) -> Vital:
    return Vital("blue", **{"requests": 1000, **fields})


@pytest.mark.parametrize(
    ("vital", "severity", "reason"),
    [
        (
            blue(throttled=50),
            Severity.PAGE,
            "blue refused 50 of 1,050 requests with 429 (4.8 %)",
        ),
        (blue(requests=0, throttled=3), Severity.PAGE, "blue refused 3 of 3 requests with 429"),
        (blue(requests=None, throttled=3), Severity.PAGE, "blue refused 3 of 3 requests with 429"),
        (
            blue(use={"CPU": (95.0,) * 15 + (10.0,) * 45}),
            Severity.TICKET,
            "blue had CPU at 90 % or more in 15 of 60 minutes",
        ),
        (
            blue(use={"GPU memory": (90.0,) * 20}),
            Severity.TICKET,
            "blue had GPU memory at 90 % or more in 20 of 20 minutes",
        ),
        (
            blue(throttled=50, use={"memory": (99.0,) * 60}),
            Severity.PAGE,
            "with 429 (4.8 %); blue had memory at 90 % or more in 60 of 60 minutes",
        ),
    ],
)
def test_a_lack_of_capacity_is_told(vital: Vital, severity: Severity, reason: str) -> None:
    found = strained("capacity", [vital, Vital("green", 5)], Policy())
    assert (found.active, found.severity) == (True, severity)
    assert reason in found.reason


@pytest.mark.parametrize(
    "vital",
    [
        blue(),
        blue(throttled=10),
        blue(use={"CPU": (100.0,) * 14}),
        blue(use={"CPU": (89.9,) * 60, "GPU": ()}),
        blue(requests=None, use={"CPU": (1.0,)}),
        blue(p99=9e9, instances=1.0),
    ],
)
def test_room_is_no_alert(vital: Vital) -> None:
    assert strained("capacity", [vital], Policy()).active is False


def test_limits_are_the_policys() -> None:
    vital = blue(throttled=10, use={"CPU": (50.0,) * 2})
    assert strained("k", [vital], Policy(throttled=0.009)).active
    assert strained("k", [vital], Policy(utilization=50, minutes=2)).active


@pytest.mark.parametrize("vitals", [(), (Vital("blue"),), (Vital("blue", p99=3.0),)])
def test_without_data_nothing_is_known(vitals: tuple[Vital, ...]) -> None:
    assert strained("capacity", vitals, Policy()).active is None
    assert losing("collector", vitals).active is None


def test_a_page_shows_what_else_was_measured() -> None:
    vital = blue(throttled=500, use={"CPU": (40.0, 97.2)}, instances=2.0, p99=1310.4)
    assert strained("capacity", [vital, Vital("green", 5)], Policy()).lines == (
        "blue: CPU up to 97 %, 2 instances, p99 up to 1,310 ms in a minute",
        "green: nothing else is known",
    )


def test_a_collector_that_drops_rows_is_told_with_its_reasons() -> None:
    found = losing("collector", [blue(dropped={"Throttled": 1200, "TooLarge": 3}), blue()])
    assert found.active
    assert "blue: 1,203 rows (Throttled 1,200, TooLarge 3)" in found.reason
    assert losing("collector", [blue(), blue(dropped={})]).active is False
