"""Counting windows where a log service keeps their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from engine.errors import Refused, Unavailable
from fleet.counting import LogSource
from fleet.document.policies import Fleet
from fleet.model.tasks import Count, CountTraffic
from fleet.ports import World
from fleet.work import rows
from fleet.work.read.counting import count_traffic, count_window
from fleet.work.refer.referencing import put
from monitoring.capacity import Vital
from monitoring.drift.ruler import Ruler
from monitoring.drift.segments import from_bytes
from monitoring.drift.sketch import Sketch, sketch
from monitoring.ranges import Range

START, END = datetime(2024, 3, 4, tzinfo=UTC), datetime(2024, 3, 5, tzinfo=UTC)


@dataclass
class Service:
    """A log service with one table of requests and one of answers."""

    tables: dict[str, pa.Table]
    until: datetime = END
    vital: Vital | Exception = field(default_factory=lambda: Vital("blue", 90, dropped={"x": 7}))
    latencies: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)

    def _of(self, what: str, source: LogSource) -> pa.Table:
        self.asked.append((what, source.table, source.deployment))
        found = self.tables[source.table]
        return found.filter(pc.equal(found["by"], source.deployment)).drop_columns(["by"])

    def count(self, source: LogSource, ruler: Ruler, start: datetime, end: datetime) -> Sketch:
        assert (start, end) == (START, END)
        return sketch(self._of("count", source), ruler)

    def rows(
        self, source: LogSource, start: datetime, end: datetime, columns: Sequence[str]
    ) -> pa.Table:
        return self._of("rows", source).select(["correlationid", "index", "time", *columns])

    def traffic(
        self, source: LogSource, limits: Mapping[str, float], start: datetime, end: datetime
    ) -> pa.Table:
        assert dict(limits) == {"": 100.0}
        found = pa.table(
            {
                "deployment": ["blue", "green"],
                "hour": [START, START],
                "requests": [90, 10],
                "errors": [2, 1],
                "over:": [5, 0],
            }
        )
        return found if self.latencies else found.drop_columns(["over:"])

    def vitals(self, source: LogSource, start: datetime, end: datetime) -> tuple[Vital, ...]:
        assert (source.endpoint, end - start) == ("shop-demand", timedelta(hours=1))
        if isinstance(self.vital, Exception):
            raise self.vital
        return (self.vital,)

    def complete_until(self, source: LogSource) -> datetime:
        self.waited.append(source.table)
        return self.until


@pytest.fixture
def service() -> Service:
    ids = [f"r{i}" for i in range(6)]
    keys: dict[str, Any] = {"correlationid": ids, "index": [0] * 6, "time": [START] * 6}
    by = ["blue"] * 4 + ["green"] * 2
    return Service(
        {
            "Features_CL": pa.table({**keys, "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "by": by}),
            "Scores_CL": pa.table({**keys, "score": [0.5] * 6, "by": by}),
        }
    )


@pytest.fixture
def reference(world: World) -> tuple[str, Ruler]:
    ruler = Ruler.of(pa.table({"x": [float(i) for i in range(100)]}))
    named = world.blobs.put(ruler.to_bytes())
    return put(world.blobs, named, []), ruler


def logs(fleet: Fleet, **fields: Any) -> Any:
    watched = fleet.models["demand"]
    known = watched.policy.logs.model_copy(update=fields)
    return replace(watched, policy=watched.policy.model_copy(update={"logs": known}))


def effect(reference: str) -> Count:
    arms = (("blue", "v1"), ("green", "v2"))
    return Count("2024-03-04", START, END, arms, arms, reference)


def test_counts_come_without_rows(
    world: World, fleet: Fleet, service: Service, reference: tuple[str, Ruler]
) -> None:
    name, ruler = reference
    asked = replace(world, counting=service)
    found = count_window(asked, logs(fleet, table="Features_CL"), effect(name))
    assert [(version, batch.count, batch.rows) for version, batch in found.inputs] == [
        ("v1", 4, ""),
        ("v2", 2, ""),
    ]
    first = found.inputs[0][1]
    kept = Sketch.from_bytes(world.blobs.get(first.sketch))
    assert kept.to_bytes() == sketch(pa.table({"x": [1.0, 2.0, 3.0, 4.0]}), ruler).to_bytes()
    assert found.outputs == ()
    assert {what for what, *_ in service.asked} == {"count"}
    assert service.waited == ["Features_CL"], "a table is complete for every deployment"


def test_rows_come_where_they_are_wanted(
    world: World, fleet: Fleet, service: Service, reference: tuple[str, Ruler]
) -> None:
    watched = logs(fleet, table="Features_CL", outputs="Scores_CL", rows=True)
    found = count_window(replace(world, counting=service), watched, effect(reference[0]))
    batch = found.inputs[1][1]
    assert rows.get(world.blobs, batch.rows)["x"].to_pylist() == [5.0, 6.0]
    assert Sketch.from_bytes(world.blobs.get(batch.sketch)).rows == 2
    assert [(version, answers.count) for version, answers in found.outputs] == [
        ("v1", 4),
        ("v2", 2),
    ]


def test_answers_that_are_no_probabilities_are_left_out_and_counted(
    world: World, fleet: Fleet, service: Service, reference: tuple[str, Ruler]
) -> None:
    scores = pa.array([0.5, 1.5, float("nan"), None, 0.0, -1.0])
    service.tables["Scores_CL"] = service.tables["Scores_CL"].set_column(3, "score", scores)
    watched = logs(fleet, table="Features_CL", outputs="Scores_CL", rows=True)
    found = count_window(replace(world, counting=service), watched, effect(reference[0]))
    kept = [rows.get(world.blobs, answers.rows) for _, answers in found.outputs]
    assert [table["score"].to_pylist() for table in kept] == [[0.5, None], [0.0]]
    assert found.bad == 3
    assert found.bad_reason.startswith("the score is ")


def test_answers_that_are_no_numbers_are_refused(
    world: World, fleet: Fleet, service: Service, reference: tuple[str, Ruler]
) -> None:
    words = pa.array(["high"] * 6)
    service.tables["Scores_CL"] = service.tables["Scores_CL"].set_column(3, "score", words)
    watched = logs(fleet, table="Features_CL", outputs="Scores_CL", rows=True)
    with pytest.raises(Refused, match="Scores_CL: 'score' is string, not numbers"):
        count_window(replace(world, counting=service), watched, effect(reference[0]))


def test_rows_that_are_read_are_counted_by_segment(
    world: World, fleet: Fleet, service: Service
) -> None:
    known = pa.table({"x": [1.0, 2.0, 3.0] * 100, "kind": ["a", "a", "b"] * 100})
    ruler, levels = Ruler.of(known), {"kind": ("a", "b")}
    name = put(world.blobs, world.blobs.put(ruler.to_bytes()), [], levels=levels)
    table = service.tables["Features_CL"].append_column("kind", [list("aababb")])
    service.tables["Features_CL"] = table
    watched = logs(fleet, table="Features_CL", rows=True)
    drift = watched.policy.drift.model_copy(update={"segments": ("kind",)})
    policy = watched.policy.model_copy(update={"drift": drift})
    found = count_window(
        replace(world, counting=service), replace(watched, policy=policy), effect(name)
    )
    parts = from_bytes(world.blobs.get(found.inputs[0][1].sketch))
    assert {key: one.rows for key, one in parts.items()} == {None: 4, "kind=a": 3, "kind=b": 1}


def test_a_window_that_is_still_arriving_is_waited_for(
    world: World, fleet: Fleet, service: Service, reference: tuple[str, Ruler]
) -> None:
    service.until = START
    with pytest.raises(Unavailable, match="rows up to 2024-03-04"):
        count_window(
            replace(world, counting=service),
            logs(fleet, table="Features_CL"),
            effect(reference[0]),
        )
    assert service.asked == []


def test_hours_come_by_deployment(world: World, fleet: Fleet, service: Service) -> None:
    found = count_traffic(
        replace(world, counting=service), logs(fleet, traffic=True), CountTraffic(START, END)
    )
    assert [(c.deployment, c.requests, c.errors, c.slow) for c in found.counts] == [
        ("blue", 90, 2, 5),
        ("green", 10, 1, 0),
    ]
    assert found.counts[0].start == START
    assert found.gapless


def test_counts_without_latencies_say_nothing_of_slow_answers_or_quiet_hours(
    world: World, fleet: Fleet, service: Service
) -> None:
    service.latencies = False
    found = count_traffic(
        replace(world, counting=service), logs(fleet, traffic=True), CountTraffic(START, END)
    )
    assert [(c.requests, c.errors, c.slow, c.over) for c in found.counts] == [
        (90, 2, None, {}),
        (10, 1, None, {}),
    ]
    assert not found.gapless


@pytest.mark.parametrize(
    ("vital", "capacity", "collector"),
    [
        (Vital("blue", 90, dropped={"x": 7}), False, True),
        (Vital("blue", 90, throttled=9), True, False),
        (Vital("blue", 90, use={"CPU": (99.0,) * 60}), True, False),
        (Vital("blue"), None, None),
        (Unavailable("metrics of shop-demand: 403"), None, None),
        (Refused("metrics of shop-demand: no such resource"), None, None),
    ],
)
def test_capacity_and_the_collector_are_judged_beside_the_counts(
    world: World,
    fleet: Fleet,
    service: Service,
    vital: Vital | Exception,
    capacity: bool | None,
    collector: bool | None,
) -> None:
    service.vital = vital
    found = count_traffic(
        replace(world, counting=service), logs(fleet, traffic=True), CountTraffic(START, END)
    )
    assert [(one.key, one.active) for one in found.findings] == [
        ("capacity", capacity),
        ("collector", collector),
    ]
    assert len(found.counts) == 2
    if isinstance(vital, Exception):
        assert {one.reason for one in found.findings} == {str(vital)}


def test_without_a_service_it_is_refused(world: World, fleet: Fleet) -> None:
    with pytest.raises(Refused, match="no Log Analytics workspace"):
        count_traffic(world, logs(fleet, traffic=True), CountTraffic(START, END))


@pytest.mark.parametrize("read", [False, True])
def test_values_out_of_their_range_are_counted_where_the_rows_are(
    world: World, fleet: Fleet, service: Service, reference: tuple[str, Ruler], read: bool
) -> None:
    watched = logs(fleet, table="Features_CL", rows=read)
    quality = watched.policy.quality.model_copy(update={"ranges": {"x": Range(low=2, high=5)}})
    policy = watched.policy.model_copy(update={"quality": quality})
    found = count_window(
        replace(world, counting=service), replace(watched, policy=policy), effect(reference[0])
    )
    assert [(batch.count, batch.outside) for _, batch in found.inputs] == [
        (4, {"x": 1}),
        (2, {"x": 1}),
    ]
