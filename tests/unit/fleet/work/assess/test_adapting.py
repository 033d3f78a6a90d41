"""Thresholds learnt from the days before: on which days, how far, and in what words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fleet.document.policies import Fleet
from fleet.model.tasks import Assess
from fleet.ports import World
from fleet.work.assess.adapting import adapted
from fleet.work.assess.assessing import assess_window
from fleet.work.refer import referencing
from fleet.work.refer.referencing import load
from monitoring.drift.ruler import Ruler
from monitoring.drift.sketch import Sketch, sketch
from monitoring.drift.verdict import Verdict

ROWS = 600
#: A Sunday after four weeks without a holiday.
WINDOW = datetime(2024, 7, 7, tzinfo=UTC)
KNOWN = WINDOW + timedelta(days=1)
DAYS = 28


def weekend(at: datetime) -> bool:
    return at.weekday() >= 5


def _at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


class Stream:
    """A reference of weekdays; windows whose x is as far away on weekends as `shift` says."""

    def __init__(self, world: World, fleet: Fleet, shift: float) -> None:
        self.world, self.watched = world, fleet.models["demand"]
        self.chance = np.random.default_rng(7)
        days = [self.table(0.0) for _ in range(20)]
        self.ruler = Ruler.of(pa.concat_tables(days))
        kept = world.blobs.put(self.ruler.to_bytes())
        self.reference = referencing.put(world.blobs, kept, [self.put(one) for one in days])
        before = [WINDOW - timedelta(days=DAYS - i) for i in range(DAYS)]
        self.history = tuple(
            (f"{at:%Y-%m-%d}", self.put(self.table(shift if weekend(at) else 0.0)), None)
            for at in before
        )

    def rule(self, **drift: Any) -> Stream:
        told = self.watched.policy.drift.model_copy(update=drift)
        policy = self.watched.policy.model_copy(update={"drift": told})
        self.watched = replace(self.watched, policy=policy)
        return self

    def table(self, shift: float) -> pa.Table:
        x = self.chance.normal(shift + self.chance.normal(0, 0.05), 1, ROWS)
        return pa.table({"x": x, "y": self.chance.normal(size=ROWS)})

    def put(self, rows: pa.Table) -> str:
        return self.world.blobs.put(sketch(rows, self.ruler).to_bytes())

    def effect(self, shift: float, **fields: Any) -> Assess:
        before = [(day, name) for day, name, _ in self.history if weekend(_at(day))][-2:]
        plain: dict[str, Any] = {
            "window": f"{WINDOW:%Y-%m-%d}", "of": "o", "sketches": (self.put(self.table(shift)),),
            "before": tuple(name for _, name in before), "flags": (("x",), ("x",)),
            "events": (None, None), "outputs": (), "reference": self.reference, "scores": "",
            "champion": "v1", "event": None, "expected": None, "history": self.history,
            "days": tuple(day for day, _ in before), "known": KNOWN,
        }  # fmt: skip
        return Assess(**{**plain, **fields})

    def adapted(self, **fields: Any) -> Any:
        reference = load(self.world.blobs, self.reference)
        past = {day: Sketch.from_bytes(self.world.blobs.get(n)) for day, n, _ in self.history}
        return adapted(self.watched, self.effect(0.4, **fields), self.ruler, reference.total, past)

    def assess(self, shift: float) -> Any:
        return assess_window(self.world, self.watched, self.effect(shift))


@pytest.fixture
def streaming(world: World, fleet: Fleet) -> Callable[[float], Stream]:
    return lambda shift: Stream(world, fleet, shift)


def test_a_policy_that_does_not_ask_keeps_its_thresholds(
    streaming: Callable[[float], Stream],
) -> None:
    stream = streaming(0.4).rule(classes=True)
    found = stream.adapted()
    assert found.policy is stream.watched.policy.drift
    assert (found.thresholds, found.notes) == ({}, ())


def test_what_is_usual_on_such_days_raises_the_threshold(
    streaming: Callable[[float], Stream],
) -> None:
    found = streaming(0.4).rule(classes=True, adaptive=True).adapted()
    assert list(found.thresholds) == ["x"]
    assert 0.16 < found.policy.threshold_of("x") == found.thresholds["x"] < 0.6
    assert found.policy.threshold_of("y") == 0.10
    (note,) = found.notes
    assert note == f"x: threshold {found.thresholds['x']:.2g} learnt from 8 weekend days"
    assert found.words("y") == ""


def test_days_of_other_classes_and_of_events_teach_nothing(
    streaming: Callable[[float], Stream],
) -> None:
    stream = streaming(0.4).rule(classes=True, adaptive=True)
    usual = stream.adapted(window="2024-07-08")
    assert (usual.thresholds, usual.days) == ({}, "20 weekday days")
    named = tuple((day, name, "fair") for day, name, _ in stream.history[:2])
    assert stream.adapted(history=named + stream.history[2:]).thresholds == {}


def test_days_are_told_apart_whatever_windows_are_held_against(
    streaming: Callable[[float], Stream],
) -> None:
    stream = streaming(0.4).rule(classes=False, adaptive=True)
    found = stream.adapted(known=None)
    assert found.days == "8 weekend days"
    assert found.thresholds == stream.rule(classes=True).adapted().thresholds


def test_a_feature_keeps_a_higher_threshold_and_whatever_else_it_has(
    streaming: Callable[[float], Stream],
) -> None:
    stream = streaming(0.4).rule(classes=True, adaptive=True)
    drift = stream.watched.policy.drift
    own = drift.model_validate({"features": {"x": {"threshold": 0.7}}}).features
    assert stream.rule(features=own).adapted().thresholds == {}
    lower = drift.model_validate({"features": {"x": {"threshold": 0.1, "redact": True}}}).features
    assert stream.rule(features=lower).adapted().policy.features["x"].redact


def test_a_usual_weekend_is_not_drifted_and_more_than_usual_still_is(
    streaming: Callable[[float], Stream],
) -> None:
    stream = streaming(0.4).rule(classes=True)
    assert stream.assess(0.4).stream["x"] is Verdict.DRIFTED
    calm = stream.rule(adaptive=True).assess(0.4)
    assert calm.stream["x"] is Verdict.DRIFTING
    assert " learnt from 8 weekend days)" in calm.lines[0]
    notes = json.loads(stream.world.blobs.get(calm.report))["notes"]
    assert any(note.startswith("x: threshold 0.") for note in notes)
    assert stream.assess(2.0).stream["x"] is Verdict.DRIFTED
