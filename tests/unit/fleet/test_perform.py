"""Effects that change the world: each is handed to its port once, and what came of it is a fact."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.step import Delivery
from fleet import published
from fleet.document.policies import Fleet
from fleet.model.effects import (
    EFFECTS,
    AckModel,
    Cancel,
    Poll,
    Publish,
    SendPage,
    SetTraffic,
    Submit,
    Tag,
    Tell,
)
from fleet.model.facts import FACTS, Asked, Notified, RunChanged, TrafficSet
from fleet.perform import perform
from fleet.ports import World
from fleet.work import rows
from monitoring.alerts.changes import ModelChanged
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.reach import Delivered
from retrain.ports import JobPhase, JobStatus, Traffic, TrainingJob
from retrain.registry import Stage

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


@pytest.fixture
def pay(world: World, fleet: Fleet) -> Callable[[Any], tuple[Delivery, ...]]:
    return lambda effect: perform(world, fleet, "demand", effect, NOW)


def asked(world: World) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = world.trainer.asked  # type: ignore[attr-defined]
    return found


def test_traffic_is_set_and_what_holds_is_told(world: World, pay: Any) -> None:
    (told,) = pay(SetTraffic("k1", {"v1": 90, "v2": 10}, ("v3",)))
    assert asked(world) == [("traffic", "demand", Traffic({"v1": 90, "v2": 10}, ("v3",)), "k1")]
    assert told == Delivery("demand", "set:k1", TrafficSet("k1", {"v1": 90, "v2": 10}, ("v3",)))


def test_a_job_is_handed_over_with_its_days_as_one_table(world: World, pay: Any) -> None:
    first = pa.table({"x": [1.0], "label": [0.0]})
    second = pa.table({"x": [2.0], "label": [1.0], "day": pa.array(["2024-03-02"]).cast("date32")})
    days = ("2024-03-01", "2024-03-02")
    inputs = {
        day: rows.put(world.blobs, table) for day, table in zip(days, (first, second), strict=True)
    }
    job = TrainingJob("r1", "demand", "train", days, (), inputs, timedelta(hours=1), {"run": "r1"})
    assert pay(Submit("r1", job)) == ()
    ((_, sent),) = asked(world)
    name = sent.inputs["data"]
    assert sent.inputs.keys() == {"data"}
    assert sent.tags == {"run": "r1", "dataset_hash": name}
    table = pq.read_table(io.BytesIO(world.blobs.get(name)))
    assert table.to_pydict() == {"x": [1.0, 2.0], "label": [0.0, 1.0], "day": list(days)}
    # The same days again are the same data set.
    pay(Submit("r1", job))
    assert asked(world)[1][1].inputs == sent.inputs


def test_a_run_is_asked_about_and_its_answer_is_told(world: World, pay: Any) -> None:
    world.trainer.status = JobStatus(JobPhase.succeeded, "v2", "done", cost=2.0)  # type: ignore[attr-defined]
    (told,) = pay(Poll("r1", NOW))
    assert told.fact == RunChanged("r1", JobPhase.succeeded, "v2", "done", False, 2.0)
    assert pay(Cancel("r1")) == ()
    assert asked(world) == [("poll", "r1", NOW), ("cancel", "r1")]


def test_a_version_is_tagged(world: World, pay: Any) -> None:
    assert pay(Tag("k", "v2", Stage.staging, {"a": "b"})) == ()
    assert world.registry.tags == [("demand", "v2", {"a": "b"}, Stage.staging)]  # type: ignore[attr-defined]


def test_a_notification_goes_to_the_team(pay: Any) -> None:
    notice = Notify("n1", "demand", "drift-1", Kind.DRIFT, Severity.PAGE, Status.FIRING, "r", NOW)
    assert pay(Tell("shop", notice)) == (Delivery("oncall:shop", "n1", Notified(notice)),)


def test_a_page_is_sent_at_the_time_it_was_owed(world: World, pay: Any) -> None:
    page = Page("k", "duty", Event.FIRING, Severity.PAGE, "title", ("line",), ("demand:drift-1",))
    earlier = NOW - timedelta(minutes=5)
    assert pay(SendPage(page, earlier)) == ()
    assert asked(world) == [("page", page, earlier, NOW)]


@pytest.mark.parametrize(
    ("known", "answered", "told"),
    [("", None, False), ("", "ts-1", True), ("ts-1", "ts-1", False), ("ts-1", "ts-2", True)],
)
def test_what_a_receiver_calls_its_message_is_told_where_it_is_news(
    world: World, fleet: Fleet, known: str, answered: str | None, told: bool
) -> None:
    class Calling:
        def page(self, page: Page, at: datetime, now: datetime) -> str | None:
            return answered

    page = Page("k", "duty", Event.FIRING, Severity.PAGE, "t", (), (), "shop:drift-1", handle=known)
    there = replace(world, pager=Calling())
    found = perform(there, fleet, "oncall:shop", SendPage(page, NOW), NOW)
    fact = Delivered("duty", "shop:drift-1", answered or "")
    assert found == ((Delivery("oncall:shop", "handle:k", fact),) if told else ())


def test_an_acknowledgement_goes_to_the_model(pay: Any) -> None:
    (told,) = pay(AckModel("k", "demand", "drift-1", "g.hopper"))
    assert told == Delivery("demand", "k", Asked("ack", "g.hopper", "", "k", "drift-1"))


def test_an_event_is_published_under_the_models_name(world: World, pay: Any) -> None:
    assert pay(Publish("k", published.Event.RETRAIN_STARTED, {"run": "r1"}, NOW)) == ()
    assert asked(world) == [
        ("publish", "demand:k", "retrain.started", "demand", {"run": "r1"}, NOW)
    ]


@pytest.mark.parametrize(
    "effect",
    [
        SetTraffic("k", {"v1": 100}, ()),
        Poll("r", NOW),
        Publish(
            "k",
            published.Event.RETRAIN_STARTED,
            {"a": None, "b": 1, "c": True, "d": 0.5, "e": ("x",)},
            NOW,
        ),
        AckModel("k", "m", "a", "b"),
    ],
)
def test_effects_survive_their_trip_through_the_store(effect: Any) -> None:
    assert EFFECTS.decode(EFFECTS.encode(effect)) == effect


def test_facts_survive_their_trip_through_the_store() -> None:
    fact = Asked("freeze", "g.hopper", "because", "c", "demand", NOW)
    assert FACTS.decode(FACTS.encode(fact)) == fact


def test_a_published_change_is_told_to_a_team_that_wants_to_hear_of_it(
    world: World, fleet: Fleet
) -> None:
    fields: published.Fields = {
        "rollout": "r-v2", "challenger": "v2", "champion": "v1", "reason": "better",
    }  # fmt: skip
    effect = Publish("k1", published.Event.ROLLOUT_PROMOTED, fields, NOW)
    assert perform(world, fleet, "demand", effect, NOW) == ()
    name = fleet.models["demand"].policy.team
    team = fleet.teams[name].model_copy(update={"changes": ("pd",)})
    wants = replace(fleet, teams={**fleet.teams, name: team})
    (told,) = perform(world, wants, "demand", effect, NOW)
    assert (told.partition, told.id) == (f"oncall:{name}", "changed:demand:k1")
    assert told.fact == ModelChanged(
        "k1",
        "demand",
        "The challenger is the champion: better",
        ("rollout: r-v2", "challenger: v2", "champion: v1", "reason: better"),
        NOW,
    )
    stable = replace(effect, type=published.Event.DRIFT_STABLE, fields={})
    assert perform(world, wants, "demand", stable, NOW) == ()
