"""Crash sweeps: a story is played once undisturbed, then again for every boundary it crossed.

A play up to its crash is the undisturbed play, so it begins at the last moment before the crash.
Once the crash is behind it, a play whose store and world are those of the undisturbed one at the
same moment has the same rest before it, and ends there; any other one is played to the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from engine import journal
from engine.inbox import IN
from engine.outbox import OUT
from engine.store import HEAD, Row
from fleet.model.state import Model
from tests.simulation import story as tale
from tests.simulation.boundary import Boundary, When
from tests.simulation.play import Conditions, Play, Stage, opening

CHAIN = ("seq", "hash")
HOUSEKEEPING = re.compile("/(merge|archive|recall):")


@dataclass
class Undisturbed:
    """One play without a crash: its boundaries, and the stage after every moment."""

    crossed: list[str] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    likenesses: dict[datetime, Any] = field(default_factory=dict)
    outcome: dict[str, Any] = field(default_factory=dict)
    effects: set[tuple[str, str]] = field(default_factory=set)
    owed: Counter[str] = field(default_factory=Counter)

    def before(self, number: int) -> Stage:
        """Return a copy of the last stage before a boundary."""
        found = [stage for stage in self.stages if stage.crossed <= number]
        return found[-1].copy()


@dataclass(frozen=True)
class Fault:
    """Where the worker dies, whether the doorbells die with it, and when another one is there."""

    dies_at: tuple[tuple[int, When], ...]
    loses_queue: bool = False
    starts_after: timedelta = timedelta(0)


@lru_cache(maxsize=8)
def undisturbed(conditions: Conditions) -> Undisturbed:
    """Play a story without a crash and keep all its stages."""
    found, boundary = Undisturbed(), Boundary()
    stage = opening()
    found.stages.append(stage.copy())

    def note(stage: Stage) -> bool:
        assert stage.at is not None
        stage.crossed = len(boundary.crossed)
        found.stages.append(stage.copy())
        found.likenesses[stage.at] = likeness(stage)
        return False

    play = Play(conditions, stage, boundary)
    play.run(note)
    check(play)
    found.crossed, found.outcome = boundary.crossed, outcome(play)
    found.effects = set(play.stage.outside.ledger.paid)
    found.owed = play.stage.outside.store.owed
    return found


def crash(conditions: Conditions, fault: Fault) -> tuple[int, bool]:
    """Play a story with crashes; return how many there were, and whether it went to the end.

    Raises AssertionError where anything was lost, repeated otherwise, or left undone.
    """
    usual = undisturbed(conditions)
    stage = usual.before(fault.dies_at[0][0])
    boundary = Boundary({number - stage.crossed: when for number, when in fault.dies_at})
    play = Play(
        conditions,
        stage,
        boundary,
        loses_queue=fault.loses_queue,
        starts_after=fault.starts_after,
    )
    last = max(boundary.dies_at)
    joined: list[datetime] = []

    def over(stage: Stage) -> bool:
        assert stage.at is not None
        if len(boundary.crossed) <= last or not alike(stage, usual):
            return False
        joined.append(stage.at)
        return True

    play.run(over)
    check(play)
    if not joined:
        assert not differences(outcome(play), usual.outcome)
        assert set(play.stage.outside.ledger.paid) == usual.effects
        assert timeless(play.stage.outside.store.owed) == timeless(usual.owed)
    return boundary.deaths, not joined


def timeless(keys: Iterable[str]) -> set[str]:
    """Return effect keys without the instant at which a training or the live split is looked at.

    What keeps a state small is left out: which batches and cursors it takes depends on their order.
    """
    kept = [key for key in keys if not HOUSEKEEPING.search(key)]
    return {re.sub(r"(/poll:.*|/look):\d{8}T\d{6}", r"\1", key) for key in kept}


def check(play: Play) -> None:
    """Assert what must hold whenever a moment is over."""
    outside, loop = play.stage.outside, play.loop
    assert not outside.ledger.contradictions, outside.ledger.contradictions[0]
    assert outside.traffic(tale.MODEL).weights == loop.head(tale.MODEL).state.traffic.weights
    for partition in outside.store.partitions():
        journal.verify(outside.store, partition)
        for prefix in (IN, OUT):
            left = outside.store.scan(partition, prefix, pending=True)
            assert not left, f"{partition}: {left[0].key} was never settled"
        refused = [row for row in outside.store.scan(partition, OUT) if "refused" in row.props]
        assert not refused, refused[0].props["refused"]
        assert not loop.head(partition).halted


def outcome(play: Play) -> dict[str, Any]:
    """Return what a story came to: everything that is counted, decided and told."""
    model: Model = play.loop.head(tale.MODEL).state
    assert model.promotion.rollout is not None
    return {
        "champion": model.champion,
        "weights": model.traffic.weights,
        "rollout": (
            model.promotion.rollout.phase,
            model.promotion.rollout.reason,
            model.promotion.rollout.heard,
        ),
        "guards": [
            (g.name, g.n_c, g.n_s, g.bad_c, g.bad_s) for g in model.promotion.rollout.guards
        ],
        "days": {d: (p.rows, p.labelled, p.verdict) for d, p in model.windows.past.items()},
        "counts": model.counts,
        "alerts": {key: (alert.phase, alert.id) for key, alert in model.alerting.alerts.items()},
        "started": model.training.started,
        "finished": [run.cost for run in model.training.finished],
        "registry": {v: (c.stage, c.tags) for v, c in play.stage.outside.cards.items()},
    }


def differences(found: dict[str, Any], usual: dict[str, Any]) -> str:
    """Say what two outcomes differ in; empty where they do not."""
    return "; ".join(
        f"{name}: {found[name]}, else {usual[name]}" for name in usual if found[name] != usual[name]
    )


def likeness(stage: Stage) -> Any:
    """Return all that the rest of a play depends on.

    Left out is what nothing follows from: the numbers of units and etags, when a row was written,
    rows that are done with, and the ids of a partition's own results, which never come again.
    """
    outside = stage.outside
    rows = {name: _remembered(outside.store.rows(name)) for name in outside.store.partitions()}
    sizes = {path: len(content) for path, content in outside.files.items()}
    world = (outside.split, outside.jobs, outside.cards, outside.ledger.paid)
    late = sorted(str(event["id"]) for event in stage.late)
    return rows, sizes, tuple(dict(part) for part in world), dict(outside.store.owed), late


def _remembered(rows: dict[str, Row]) -> Any:
    head = rows.get(HEAD)
    known = dict(head.props) if head is not None else {}
    seen = {
        str(row.props["id"])
        for key, row in rows.items()
        if key.startswith(IN) and not str(row.props["id"]).startswith(OUT)
    }
    return {name: value for name, value in known.items() if name not in CHAIN}, seen


def alike(stage: Stage, usual: Undisturbed) -> bool:
    """Tell whether a stage is the undisturbed one of that moment."""
    assert stage.at is not None
    same = [known for known in usual.stages if known.at == stage.at]
    if not same or usual.likenesses[stage.at] != likeness(stage):
        return False
    return set(same[0].outside.blobs.names()) <= set(stage.outside.blobs.names())
