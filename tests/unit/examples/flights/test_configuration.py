from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.document.objectives import objectives
from monitoring.alerts import lifecycle
from monitoring.alerts import routing as teams
from monitoring.calendars import Calendar, Category, DayClass, calendar
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.drift import verdict
from monitoring.performance import Policy as PerformancePolicy
from monitoring.slo.judged import judged
from retrain import dataset, gate, trigger
from retrain.rollout import judge
from retrain.rollout import stages as rollout

FLIGHTS = Path(__file__).parents[4] / "examples" / "flights"


def read(name: str) -> Any:
    return yaml.safe_load((FLIGHTS / name).read_text())


@pytest.fixture(scope="module")
def fleet() -> Any:
    return read("fleet.yaml")


@pytest.fixture(scope="module")
def new_york(fleet: Any) -> Calendar:
    policy = CalendarPolicy.model_validate(fleet["calendars"]["new-york"])
    return calendar(policy, [(FLIGHTS / name).read_bytes().decode() for name in policy.ics])


@pytest.mark.parametrize(
    ("key", "policy"),
    [
        ("alerts", lifecycle.Policy),
        ("dataset", dataset.Policy),
        ("drift", verdict.Policy),
        ("gate", gate.Policy),
        ("judge", judge.Policy),
        ("performance", PerformancePolicy),
        ("rollout", rollout.Policy),
        ("trigger", trigger.Policy),
    ],
)
def test_the_model_keeps_to_the_policies(fleet: Any, key: str, policy: Any) -> None:
    assert policy.model_validate(fleet["models"]["flights"][key])


def test_every_name_resolves(fleet: Any) -> None:
    model = fleet["models"]["flights"]
    team = teams.Policy.model_validate(fleet["teams"][model["team"]])
    assert {*team.page, *team.ticket} <= set(fleet["receivers"])
    assert model["calendar"] in fleet["calendars"]
    assert all((FLIGHTS / name).is_file() for name in model["slo"])


def test_three_objectives_whose_alerts_can_all_come() -> None:
    text = (FLIGHTS / "objectives.openslo.yaml").read_text()
    reading = objectives([("objectives.openslo.yaml", text)], services=("flights",))
    assert reading.problems == ()
    assert {str(one.sli) for slo in reading.slos for one in judged(slo)} == {
        "availability",
        "latency",
        "freshness",
    }


def test_the_furloughs_explain_only_after_they_were_announced(new_york: Calendar) -> None:
    day = date(2013, 4, 23)
    assert new_york.explains(day, datetime(2013, 4, 16, 15, 59, tzinfo=UTC)) is None
    event = new_york.explains(day, datetime(2013, 4, 16, 16, 1, tzinfo=UTC))
    assert event is not None
    assert (event.first, event.last) == (date(2013, 4, 21), date(2013, 4, 27))
    assert event.category is Category.INCIDENT
    assert new_york.day_class(day, datetime(2013, 5, 1, tzinfo=UTC)) is DayClass.WEEKDAY


@pytest.mark.parametrize(
    "day",
    [
        date(2013, 7, 4),
        date(2013, 9, 1),
        *(date(2013, 11, d) for d in (28, 29, 30)),
        *(date(2013, 12, d) for d in range(21, 32)),
    ],
)
def test_every_day_of_odd_schedules_has_an_event(new_york: Calendar, day: date) -> None:
    assert new_york.explains(day, datetime(2013, 3, 1, tzinfo=UTC)) is not None


def test_an_ordinary_day_has_none(new_york: Calendar) -> None:
    now = datetime(2013, 12, 31, tzinfo=UTC)
    assert new_york.explains(date(2013, 6, 18), now) is None
    assert new_york.explains(date(2013, 9, 18), now) is None


def test_the_scenario_serves_what_the_fleet_starts_with(fleet: Any) -> None:
    scenario = read("scenario.yaml")
    assert scenario["model"] in fleet["models"]
    versions = {version["name"]: version for version in scenario["versions"]}
    assert fleet["models"]["flights"]["serving"]["champion"] in versions
    for name in ("flights-leak", "flights-thanksgiving"):
        command = versions[name]["train"]
        first, last = (command[command.index(word) + 1] for word in ("--from", "--to"))
        learned_to = command[command.index("--evaluate-to") + 1]
        assert first < last <= learned_to < versions[name]["register_at"].date().isoformat()
    assert versions["flights-leak"]["waive_shadow"]["by"]
    assert "waive_shadow" not in versions["flights-thanksgiving"]
