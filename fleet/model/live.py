"""Live traffic in a model's state: the wanted split, and the versions that answer requests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fleet.model.effects import SetTraffic
from fleet.model.slices.traffic import Wanted
from fleet.model.turn import Turn
from retrain.ports import Traffic
from retrain.rollout.state import Phase

RETREAT = "retreat"
#: Unpaid splits that a later one replaces; those before them were replaced by these.
REPLACED = 10


def want(turn: Turn, key: str, traffic: Traffic) -> None:
    """Owe a split, in place of one that is on its way, and remember that it is the one to hold."""
    before = turn.traffic.wanted
    replaces = (*before.replaces, before.key) if before is not None and before.owed else ()
    wanted = Wanted(
        key,
        dict(traffic.weights),
        traffic.shadow,
        turn.now,
        retreat=traffic.retreat,
        replaces=replaces[-REPLACED:],
    )
    ask(turn, wanted)


def ask(turn: Turn, wanted: Wanted) -> None:
    """Owe the wanted split."""
    turn.traffic = replace(turn.traffic, wanted=wanted)
    effect = SetTraffic(wanted.key, wanted.weights, wanted.shadow, replaces=wanted.replaces)
    turn.owe(replace(effect, lane=RETREAT, retreat=True) if wanted.retreat else effect)


def disturbed(turn: Turn, start: datetime, end: datetime) -> bool:
    """Tell whether the split may have been somebody else's at any time in [start, end)."""
    return any(
        (stretch.until is None or start < stretch.until) and stretch.since < end
        for stretch in turn.traffic.foreign
    )


def held(turn: Turn) -> bool:
    """Tell whether somebody else's split stands now: nothing may move towards production."""
    return bool(turn.traffic.foreign) and turn.traffic.foreign[-1].until is None


def answers(turn: Turn, version: str) -> bool:
    """Tell whether a version answers requests; a shadow and the baseline score copies."""
    model = turn.model
    if model.promotion.rollout is not None and model.promotion.rollout.phase is Phase.shadow:
        return version != model.promotion.rollout.challenger
    return version == model.champion or version != turn.watched.policy.serving.baseline
