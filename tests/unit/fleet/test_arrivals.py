"""Looking for versions that others registered, by the service: what is taken, once, and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import Broken, Conflict, DriftwardenError, Refused, Unavailable
from engine.step import Delivery
from fleet.document.policies import Fleet
from fleet.model.facts import Declined
from fleet.ports import ListedVersion
from tests.unit.fleet.desk import NOW, Desk

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVENT = "Microsoft.MachineLearningServices.ModelRegistered"
WAIVED = {"driftwarden.shadow_waived_by": "m.okafor", "driftwarden.reason": "known well"}


@dataclass
class Shelf:
    """A registry in memory; times are those of the service."""

    clock: Callable[[], datetime]
    versions: dict[str, dict[str, ListedVersion]] = field(default_factory=dict)
    archived: set[str] = field(default_factory=set)
    faults: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(
        self, version: str, model: str = "demand", at: datetime | None = None, **more: Any
    ) -> None:
        found = ListedVersion(version, at or self.clock(), **more)
        self.versions.setdefault(model, {})[version] = found

    def newest(self, model: str) -> datetime | None:
        return max((one.created for one in self._all(model)), default=None)

    def since(self, model: str, after: datetime) -> tuple[ListedVersion, ...]:
        found = (one for one in self._all(model) if one.version not in self.archived)
        return tuple(
            sorted((o for o in found if o.created > after), key=lambda o: (o.created, o.version))
        )

    def _all(self, model: str) -> list[ListedVersion]:
        self.asked.append(model)
        if model in self.faults:
            raise self.faults[model]
        return list(self.versions.get(model, {}).values())


@pytest.fixture
def shelf(desk: Desk) -> Shelf:
    """The registry that `desk` looks at, with the champions and an older version."""
    made = Shelf(lambda: desk.clock.moment)
    desk.world = replace(desk.world, arrivals=made)
    for version, age in (("v0", 300), ("v1", 200)):
        made.add(version, at=NOW - age * DAY)
    made.add("f1", "fraud", at=NOW - 100 * DAY)
    desk.service = desk.opened(desk.fleet)
    return made


def ticked(desk: Desk, after: timedelta = 5 * MINUTE) -> None:
    desk.clock.moment += after
    desk.service.tick()
    desk.service.poll()
    desk.settle()


def registered(desk: Desk, model: str = "demand") -> list[str]:
    return [str(line["version"]) for line in desk.said(model, "registered")]


def refuse(desk: Desk) -> None:
    """Let no version wait at the gate any more."""
    for number, one in enumerate(desk.service.loop.head("demand").state.promotion.queue):
        fact = Declined("gate", f"gate:{one.id}", "no rows")
        name = f"refused:{desk.clock.moment}:{number}"
        desk.service.loop.deliver(Delivery("demand", name, fact), desk.clock.moment)
    desk.settle()
    assert desk.service.loop.head("demand").state.promotion.queue == ()


def announce(desk: Desk, version: str, name: str, at: datetime | None, **tags: str) -> None:
    event: dict[str, Any] = {"id": name, "eventType": EVENT, "topic": "/s"}
    if at is not None:
        event["eventTime"] = at.isoformat()
    data = {"modelName": "demand", "modelVersion": version, "modelTags": tags}
    desk.service.ingest(event | {"data": data})
    desk.settle()


def test_a_version_that_somebody_registers_is_tried_once(desk: Desk, shelf: Shelf) -> None:
    ticked(desk)
    shelf.add("v2")
    for _ in range(5):
        ticked(desk)
    assert registered(desk) == ["v2"]
    assert registered(desk, "fraud") == []
    # The gate asked for its card, which is not here.
    (refused,) = desk.said("demand", "refused")
    assert refused["reason"] == "demand v2: not in the registry"


@pytest.mark.parametrize("ages", [[], [1], [300, 200, 1], list(range(1, 150))])
def test_what_is_there_at_the_first_look_asks_for_nothing(
    desk: Desk, shelf: Shelf, ages: list[int]
) -> None:
    for age in ages:
        shelf.add(f"old-{age}", at=NOW - age * MINUTE)
    shelf.add("old-archived", at=NOW)
    shelf.archived.add("old-archived")
    ticked(desk)
    assert [line["newest"][:16] for line in desk.said("demand", "surveyed")] == ["2024-03-04T10:00"]
    shelf.archived.clear()  # restored
    ticked(desk)
    shelf.add("v2")
    ticked(desk)
    assert registered(desk) == ["v2"]


def test_a_model_that_is_not_in_the_registry_is_looked_for_until_it_is(
    desk: Desk, shelf: Shelf
) -> None:
    # Of a wrong workspace, too: all versions of the right one would be news afterwards.
    there = dict(shelf.versions)
    shelf.versions.clear()
    for _ in range(3):
        ticked(desk)
    assert desk.said("demand", "surveyed") == desk.said("fleet", "noticed") == []
    shelf.versions |= there
    ticked(desk)
    shelf.add("v2")
    ticked(desk)
    shelf.versions.clear()
    ticked(desk)
    assert len(desk.said("demand", "surveyed")) == 1
    assert registered(desk) == ["v2"]


def test_events_that_no_look_confirms_are_remembered_in_bounds(desk: Desk) -> None:
    for number in range(60):
        announce(desk, f"x{number}", f"e{number}", datetime(9999, 1, 1, tzinfo=UTC))
    told = desk.service.loop.head("demand").state.promotion.registry.told
    assert list(told) == [f"x{number}" for number in range(10, 60)]


@pytest.mark.parametrize(
    ("first", "time"),
    [("event", "at"), ("event", "none"), ("look", "at"), ("look", "late"), ("both", "at")],
)
def test_a_version_that_is_announced_and_found_is_one(
    desk: Desk, shelf: Shelf, first: str, time: str
) -> None:
    ticked(desk)
    shelf.add("v2")
    created = desk.clock.moment
    at = {"at": created + timedelta(seconds=3), "late": created - MINUTE, "none": None}[time]
    if first == "look":
        ticked(desk)
        # Event Grid tries for a day.
        desk.clock.moment += timedelta(hours=20)
        refuse(desk)
        announce(desk, "v2", "e1", at)
    elif first == "event":
        announce(desk, "v2", "e1", at)
        refuse(desk)
    else:
        desk.clock.moment += 5 * MINUTE
        desk.service.poll()
        announce(desk, "v2", "e1", at)
    for _ in range(3):
        ticked(desk)
        refuse(desk)
    assert registered(desk) == ["v2"]


def test_an_event_after_that_asks_for_another_try(desk: Desk, shelf: Shelf) -> None:
    ticked(desk)
    shelf.add("v2")
    announce(desk, "v2", "e1", desk.clock.moment)
    ticked(desk)
    for number, at in enumerate((None, desk.clock.moment + DAY)):
        desk.clock.moment += DAY
        refuse(desk)
        announce(desk, "v2", f"again-{number}", at)
        ticked(desk)
    assert registered(desk) == ["v2", "v2", "v2"]


def test_a_version_that_is_registered_anew_under_its_name_is_news(desk: Desk, shelf: Shelf) -> None:
    ticked(desk)
    shelf.add("v2")
    ticked(desk)
    refuse(desk)
    del shelf.versions["demand"]["v2"]
    ticked(desk)
    shelf.add("v2")
    ticked(desk)
    assert registered(desk) == ["v2", "v2"]


@pytest.mark.parametrize(
    "more",
    [
        {"tags": {"driftwarden.run": "x"}},
        {"tags": {"DriftWarden.Job": "x"}},
        {"version": "demand-run-3"},
        {"version": "demand-run-3-2"},
        {"properties": {"azureml.runid": "demand-run-3"}},
    ],
)
def test_a_version_of_our_own_run_says_nothing(
    desk: Desk, shelf: Shelf, more: dict[str, Any]
) -> None:
    ticked(desk)
    shelf.add(**{"version": "r1", **more})
    ticked(desk)
    assert registered(desk) == []
    assert desk.refused == []


def test_a_version_that_is_archived_or_deleted_before_the_look_is_withdrawn(
    desk: Desk, shelf: Shelf
) -> None:
    ticked(desk)
    for version in ("v2", "v3", "v4"):
        shelf.add(version)
    shelf.archived.add("v2")
    del shelf.versions["demand"]["v3"]
    ticked(desk)
    assert registered(desk) == ["v4"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"tags": {"driftwarden.shadow_waived_by": "a\nb"}}, "control characters"),
        ({"tags": {"driftwarden.reason": "x" * 3000}}, "2048 at most"),
        ({"tags": {"Driftwarden.Reason": "half a pair \ud800"}}, "surrogate"),
        ({"version": "x" * 64}, "use letters, digits"),
        ({"version": "_a"}, "use letters, digits"),
    ],
)
def test_a_version_that_cannot_be_read_is_told_and_holds_up_no_other(
    desk: Desk, shelf: Shelf, more: dict[str, Any], reason: str
) -> None:
    ticked(desk)
    shelf.add(**{"version": "odd", **more})
    shelf.add("v2")
    for _ in range(3):
        ticked(desk)
    assert registered(desk) == ["v2"]
    (told,) = desk.said("fleet", "parked")
    assert told["reason"].startswith("model demand ")
    assert reason in told["reason"]
    assert len(desk.refused) == 1


@pytest.mark.parametrize("tags", [{}, {"a": "ä" * 9000}, {"driftwarden.stage": "production"}])
def test_tags_of_others_change_nothing(desk: Desk, shelf: Shelf, tags: dict[str, str]) -> None:
    ticked(desk)
    shelf.add("v2", tags=tags)
    ticked(desk)
    shelf.versions["demand"]["v2"] = replace(shelf.versions["demand"]["v2"], tags={"more": "x"})
    ticked(desk)
    assert registered(desk) == ["v2"]


@pytest.mark.parametrize("late", [False, True])
def test_a_waiver_is_taken_with_the_version_or_while_it_waits(
    desk: Desk, shelf: Shelf, late: bool
) -> None:
    ticked(desk)
    shelf.add("v2", tags={} if late else WAIVED)
    desk.clock.moment += 5 * MINUTE
    desk.service.poll()
    if late:
        desk.service.loop.domain.world.scoring.functions.clear()  # type: ignore[attr-defined]
        desk.rung.clear()
        found = shelf.versions["demand"]["v2"]
        shelf.versions["demand"]["v2"] = replace(found, tags=WAIVED)
        desk.clock.moment += 5 * MINUTE
        desk.service.poll()
    desk.settle()
    said = desk.said("demand", "registered")
    assert [line["waived_by"] for line in said] == ([None] if late else []) + ["m.okafor"]
    for _ in range(3):
        ticked(desk)
    assert desk.said("demand", "registered") == said


def test_versions_are_taken_in_the_order_of_their_creation(desk: Desk, shelf: Shelf) -> None:
    ticked(desk)
    names = [f"v{number}" for number in (9, 3, 7, 2, 30, 4)]
    for place, name in enumerate(names):
        shelf.add(name, at=desk.clock.moment + place * timedelta(milliseconds=1))
    ticked(desk)
    assert registered(desk) == names


@pytest.mark.parametrize("days", [1, 9, 100])
def test_what_was_registered_while_no_process_ran_is_found_and_nothing_twice(
    desk: Desk, shelf: Shelf, days: int
) -> None:
    ticked(desk)
    shelf.add("v2")
    ticked(desk)
    desk.clock.moment += days * DAY
    shelf.add("v3", at=desk.clock.moment - DAY / 2)
    desk.service = desk.opened(desk.fleet)
    desk.service.begin()
    desk.settle()
    for _ in range(3):
        refuse(desk)
        desk.service.sweep()
        ticked(desk)
    assert registered(desk) == ["v2", "v3"]
    # What is known by name is bounded.
    assert len(desk.service.loop.head("demand").state.promotion.registry.found) <= 2


@pytest.mark.parametrize("off", [-DAY, -MINUTE, MINUTE, 3 * DAY])
def test_a_clock_that_is_wrong_loses_no_version(desk: Desk, shelf: Shelf, off: timedelta) -> None:
    shelf.clock = lambda: desk.clock.moment + off
    ticked(desk)
    for version in ("v2", "v3"):
        shelf.add(version)
        announce(desk, version, f"e-{version}", shelf.clock())
        ticked(desk)
        refuse(desk)
        ticked(desk)
    shelf.add("v4")
    desk.clock.moment -= timedelta(hours=1)  # set back
    ticked(desk)
    assert registered(desk) == ["v2", "v3", "v4"]


def test_a_model_that_left_and_comes_back_is_looked_at_anew(desk: Desk, shelf: Shelf) -> None:
    ticked(desk)
    without = Fleet({"fraud": desk.fleet.models["fraud"]}, desk.fleet.teams)
    for fleet in (without, desk.fleet):
        desk.service = desk.opened(fleet)
        desk.service.begin()
        desk.settle()
        if fleet is without:
            shelf.add("v2")
    ticked(desk)
    shelf.add("v3")
    ticked(desk)
    assert registered(desk) == ["v3"]
    assert len(desk.said("demand", "surveyed")) == 2


FAULTS = (
    Unavailable("registry: busy"), Refused("registry: needs models/versions/read"),
    Broken("registry: bad"), Conflict("registry: 409"), KeyError("x"),
)  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_a_fault_that_lasts_is_told_and_stops_no_other_model(
    desk: Desk, shelf: Shelf, fault: Exception
) -> None:
    ticked(desk)
    shelf.faults["demand"] = fault
    shelf.add("v2")
    shelf.add("f2", "fraud")
    ticked(desk)
    assert registered(desk, "fraud") == ["f2"]
    told = [x for x in desk.said("fleet", "noticed") if x["id"] == "registry:demand"]
    assert told == [] or not isinstance(fault, DriftwardenError)
    for _ in range(7):
        ticked(desk)
    (line,) = (x for x in desk.said("fleet", "noticed") if x["id"] == "registry:demand")
    assert line["reason"].startswith("the registered versions of demand cannot be listed: ")
    assert desk.said("fleet", "alert")[-1]["phase"] == "firing"
    shelf.faults.clear()
    ticked(desk, timedelta(minutes=30))
    assert registered(desk) == ["v2"]


def test_a_look_is_every_five_minutes_and_rarer_while_a_fault_lasts(
    desk: Desk, shelf: Shelf
) -> None:
    for _ in range(30):
        ticked(desk, MINUTE)
    assert shelf.asked.count("demand") == 6
    shelf.faults["demand"] = Unavailable("registry: busy", timedelta(minutes=20))
    shelf.asked.clear()
    for _ in range(120):
        ticked(desk, MINUTE)
    assert 3 <= shelf.asked.count("demand") <= 6
    assert shelf.asked.count("fraud") == 24


def test_without_a_registry_to_look_at_events_alone_tell(desk: Desk) -> None:
    ticked(desk)
    announce(desk, "v2", "e1", None)
    assert registered(desk) == ["v2"]
