"""Live traffic in a model's state: the wanted split, and the versions that answer requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from fleet.model.effects import SetTraffic
from fleet.model.slices.traffic import Wanted
from fleet.model.turn import Turn
from retrain.rollout.state import Phase


def want(turn: Turn, key: str, weights: Mapping[str, int], shadow: tuple[str, ...]) -> None:
    """Owe a split and remember that it is the one to hold."""
    turn.traffic = replace(turn.traffic, wanted=Wanted(key, dict(weights), shadow, turn.now))
    turn.owe(SetTraffic(key, dict(weights), shadow))


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
