"""Segments from the reference's table to the page: drift that the total hides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet, Watched
from fleet.model.records import Collection
from fleet.model.results import Assessed
from fleet.model.tasks import Assess, BuildReference, ReadLog
from fleet.ports import World
from fleet.work.assess.assessing import assess_window
from fleet.work.assess.sides import hold
from fleet.work.read.reading import read_log
from fleet.work.refer.rebuild_reference import rebuild
from fleet.work.refer.referencing import build, load, load_levels
from monitoring.calendars import Calendar
from monitoring.calendars import Policy as CalendarPolicy
from monitoring.drift.segments import from_bytes, names_of
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Verdict

CARRIERS = [f"c{number}" for number in range(10)]
DAYS, N = 20, 2_000
WINDOWS = ("2024-03-04", "2024-03-05", "2024-03-06")
SHIFT = 1.0

Make = Callable[..., pa.Table]


def features(chance: np.random.Generator, n: int, moved: bool = False, **more: float) -> Any:
    """Ten carriers of a tenth each; c3 is a standard deviation later where it has moved."""
    carrier = chance.choice(CARRIERS, n)
    delay = chance.normal(size=n) + SHIFT * (moved & (carrier == "c3"))
    delay += more.get("all", 0.0)
    return {"carrier": carrier.tolist(), "delay": delay.tolist(), "load": chance.normal(size=n)}


def policy(watched: Watched, *names: str) -> Watched:
    drift = watched.policy.drift.model_copy(update={"segments": names})
    return replace(watched, policy=watched.policy.model_copy(update={"drift": drift}))


class Flights:
    """A model with a reference of twenty days, made from a table, and windows read from logs."""

    def __init__(self, world: World, fleet: Fleet, rows_of: Make, *names: str) -> None:
        self.world, self.watched = world, policy(fleet.models["demand"], *names)
        self.chance, self.rows_of = np.random.default_rng(5), rows_of
        self.table = self.rows(DAYS * N, day=np.repeat(self.dates(), N), label=[0.0] * DAYS * N)
        world.tables["reference.parquet"] = self.table
        world.scoring.functions["v1"] = lambda found: [0.5] * len(found)  # type: ignore[attr-defined]
        self.made = build(world, self.watched, BuildReference("v1", "file", (), "", ""))
        self.reference = self.made.reference

    def dates(self) -> list[str]:
        return [f"2024-02-{day + 1:02}" for day in range(DAYS)]

    def rows(self, n: int, **more: Any) -> pa.Table:
        own = {name: more.pop(name) for name in ("moved", "all") if name in more}
        ids = [f"r{number}" for number in range(n)]
        return self.rows_of(ids, **features(self.chance, n, **own), **more)

    def window(self, day: str = WINDOWS[0], **more: Any) -> str:
        """Log a window's rows and read them: the name of their sketch."""
        at = datetime.fromisoformat(f"{day}T08:00:00+00:00")
        found = features(self.chance, N, **more)
        data = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
        line = {"specversion": "1.0", "correlationid": "a", "time": at.isoformat(), "data": data}
        self.world.logs[day] = json.dumps(line).encode() + b"\n"
        ask = ReadLog(day, 0, 10**8, Collection.inputs, "v1", self.reference)
        (batch,) = read_log(self.world, self.watched, ask).batches
        return batch.sketch

    def assess(self, name: str, before: tuple[str, ...] = (), **more: Any) -> Assessed:
        fields: dict[str, Any] = {
            "window": WINDOWS[len(before)], "of": "o", "sketches": (name,), "before": before,
            "flags": ((),) * len(before), "events": (None,) * len(before), "outputs": (),
            "reference": self.reference, "scores": "", "champion": "v1", "event": None,
            "expected": None, "days": WINDOWS[: len(before)],
        }  # fmt: skip
        return assess_window(self.world, self.watched, Assess(**{**fields, **more}))

    def report(self, fact: Assessed) -> Any:
        return json.loads(self.world.blobs.get(fact.report))


@pytest.fixture
def flights(heavy: None, world: World, fleet: Fleet, rows_of: Make) -> Flights:
    return Flights(world, fleet, rows_of, "carrier")


def test_a_reference_and_its_batches_keep_segments(flights: Flights) -> None:
    held = load(flights.world.blobs, flights.reference)
    assert set(held.parts) == {f"carrier={name}" for name in CARRIERS}
    for one in held.parts.values():
        assert len(one.slices) == DAYS
        assert sum(part.rows for part in one.slices) == one.total.rows > 0
        assert one.days == held.days
    assert sum(one.total.rows for one in held.parts.values()) == held.total.rows == DAYS * N
    name = flights.window()
    parts = from_bytes(flights.world.blobs.get(name))
    assert sum(one.rows for key, one in parts.items() if key) == N
    assert Sketch.from_bytes(flights.world.blobs.get(name)) == parts[None]


def test_drift_that_the_total_hides_is_told_by_segment(flights: Flights) -> None:
    first, last = flights.window(WINDOWS[0], moved=True), flights.window(WINDOWS[1], moved=True)
    alone = flights.assess(first)
    assert "delay in carrier=c3" in alone.flagged
    assert alone.stream == {}
    found = flights.assess(last, (first,), flags=(alone.flagged,))
    assert found.stream == {"delay in carrier=c3": Verdict.DRIFTED}
    assert found.verdict is Verdict.DRIFTED
    assert found.psi["delay"] < 0.1 < found.psi["delay in carrier=c3"]
    assert set(found.psi) == {"carrier", "delay", "load", "delay in carrier=c3"}
    (line,) = found.lines
    assert line.startswith("delay in carrier=c3: psi ")
    report = flights.report(found)
    # Of the segments only what moved is kept: features times segments would be megabytes.
    kept = [(one["name"], one["segment"]) for one in report["features"] if one["segment"]]
    assert kept == [("delay", "carrier=c3")]
    assert set(report["stream"]) == {"carrier", "delay", "load", "delay in carrier=c3"}
    assert set(report["segments"]) == set(names_of({"carrier": CARRIERS}))
    assert sum(report["segments"].values()) == N
    assert report["stream"]["delay in carrier=c3"] == "drifted"
    assert report["stream"]["delay"] == "stable"
    assert "delay in carrier=c3" in report["why"]["features"]
    counted = from_bytes(flights.world.blobs.get(found.sketch))
    assert counted == from_bytes(flights.world.blobs.get(last))


def test_drift_of_all_rows_is_told_once(flights: Flights) -> None:
    first, last = (flights.window(day, all=1.0) for day in WINDOWS[:2])
    alone = flights.assess(first)
    assert len(alone.flagged) == 1 + len(CARRIERS)
    found = flights.assess(last, (first,), flags=(alone.flagged,))
    assert found.stream == {"delay": Verdict.DRIFTED}
    assert len([line for line in found.lines if line.startswith("delay")]) == 1


def test_a_total_that_moved_names_the_segments_that_moved_most(flights: Flights) -> None:
    first, last = (flights.window(day, moved=True, all=0.6) for day in WINDOWS[:2])
    alone = flights.assess(first)
    found = flights.assess(last, (first,), flags=(alone.flagged,))
    assert found.stream == {"delay": Verdict.DRIFTED}
    (line,) = found.lines
    assert "; most in carrier=c3 (psi " in line


def test_calm_windows_are_calm_in_every_segment(flights: Flights) -> None:
    found = flights.assess(flights.window(), (flights.window(WINDOWS[1]),))
    assert (found.flagged, found.stream) == ((), {})
    assert set(found.psi) == {"carrier", "delay", "load"}
    assert "notes" not in flights.report(found)


def test_one_segments_drift_begins_on_a_day_of_its_own(flights: Flights) -> None:
    days = [f"2024-02-{day:02}" for day in range(20, 30)]
    past = [flights.window(day, moved=day >= "2024-02-27") for day in days]
    history = tuple((day, name, None) for day, name in zip(days, past, strict=True))
    flags = (("delay in carrier=c3",),) * 2
    found = flights.assess(
        flights.window(WINDOWS[2], moved=True), tuple(past[-2:]), flags=flags, history=history
    )
    assert found.since == {"delay in carrier=c3": "sudden change since 2024-02-27"}


def test_windows_from_before_segments_were_asked_for_are_judged_without(
    flights: Flights, world: World, fleet: Fleet, rows_of: Make
) -> None:
    wanted = flights.watched
    flights.watched = policy(wanted)
    older = flights.window(moved=True)
    assert set(from_bytes(world.blobs.get(older))) == {None}
    flights.watched = wanted
    found = flights.assess(older)
    assert flights.report(found)["notes"] == [
        "no segments: the window was counted before segments were configured"
    ]
    assert set(found.psi) == {"carrier", "delay", "load"}
    # An older window before a new one adds nothing to a segment.
    later = flights.assess(flights.window(WINDOWS[1], moved=True), (older,))
    assert "delay in carrier=c3" in later.flagged


def test_a_reference_without_them_says_so(world: World, fleet: Fleet, rows_of: Make) -> None:
    flights = Flights(world, fleet, rows_of)
    flights.watched = policy(flights.watched, "carrier", "delay")
    levels = load_levels(world.blobs, flights.reference, flights.watched.policy.drift)
    assert levels == {}
    notes = flights.report(flights.assess(flights.window()))["notes"]
    assert [note.split(":")[0] for note in notes] == [
        "no segments of carrier", "no segments of delay",
    ]  # fmt: skip


def test_segments_that_are_no_longer_asked_for_are_left_out(flights: Flights) -> None:
    name = flights.window(moved=True)
    flights.watched = policy(flights.watched)
    found = flights.assess(name)
    assert {one["segment"] for one in flights.report(found)["features"]} == {None}
    assert set(from_bytes(flights.world.blobs.get(found.sketch))) == {None}


def test_a_moved_reference_keeps_segments(flights: Flights) -> None:
    world = flights.world
    days = tuple((day, kept[0], kept[1]) for day, kept in sorted(flights.made.past.items()))
    ask = BuildReference("v1", "asked", days[:10], flights.reference, "usual", "", "me", "because")
    made = rebuild(world, flights.watched, ask)
    assert set(load(world.blobs, made.reference).parts) == set(names_of({"carrier": CARRIERS}))
    world.tables["new.parquet"] = flights.table
    ask = replace(ask, days=(), data="new.parquet")
    made = rebuild(world, flights.watched, ask)
    parts = load(world.blobs, made.reference).parts
    assert parts["carrier=c3"].total.rows == flights.table["carrier"].to_pylist().count("c3")


HOLIDAYS = {"carrier=c3": "DE", "carrier=c4": "AT"}


@pytest.mark.parametrize(("window", "moved"), [("2024-10-03", False), ("2024-10-08", True)])
def test_a_segments_own_holiday_is_no_drift_of_it(
    flights: Flights, window: str, moved: bool
) -> None:
    rules = CalendarPolicy(zone="Europe/Berlin", segments=HOLIDAYS, lead_days=0, lag_days=0)
    flights.watched = replace(flights.watched, calendar=Calendar(rules))
    name, flags = flights.window(window, moved=True), (("delay in carrier=c3",),) * 2
    found = flights.assess(name, (name, name), flags=flags, window=window)
    assert ("delay in carrier=c3" in found.stream) == moved


def test_a_segment_is_held_against_days_of_its_own_countrys_classes(flights: Flights) -> None:
    """Days of a class differ by segment, and so does what each is held against."""
    drift = flights.watched.policy.drift.model_copy(update={"classes": True})
    policy = flights.watched.policy.model_copy(update={"drift": drift})
    rules = CalendarPolicy(zone="Europe/Berlin", segments={"carrier=c3": "US"})
    calendar = Calendar(rules)
    flights.watched = replace(flights.watched, policy=policy, calendar=calendar)
    known = datetime(2024, 10, 9, tzinfo=UTC)
    ask = Assess(
        "2024-03-05", "o", (flights.window(),), (), (), (), (), flights.reference, "", "v1", None,
        None, known=known,
    )  # fmt: skip
    blobs = flights.world.blobs
    held = hold(blobs, flights.watched, ask, load(blobs, flights.reference))
    # Presidents' Day, 19 February, is no weekday of the United States.
    assert len(held.sides["carrier=c4"].slices) == 14
    assert len(held.sides["carrier=c3"].slices) < 14
    assert held.alone(drift).verdict is Verdict.STABLE
