"""The policy of fleet.yaml: the model begins, follows a change, or goes dormant."""

from __future__ import annotations

from dataclasses import replace

from fleet.model.facts import Configured
from fleet.model.lines import operations
from fleet.model.live import want
from fleet.model.part import Part, take
from fleet.model.slices.registry import Registry
from fleet.model.turn import Turn
from retrain.ports import Traffic


def configured(turn: Turn, fact: Configured) -> Configured:
    """Begin, or take a changed policy over; a model that left the file keeps its state."""
    model = turn.model
    if not fact.policy:
        if not model.dormant:
            turn.model = replace(turn.model, dormant=True)
            turn.say(operations.Dormant(fact.reason))
        return fact
    if model.dormant:
        # A version that was registered while nobody watched the model asks for nothing.
        turn.promotion = replace(turn.promotion, registry=Registry())
    if model.policy != fact.policy or model.dormant:
        turn.model = replace(turn.model, policy=fact.policy, dormant=False)
        turn.say(operations.Policy(fact.policy))
    if not model.champion:
        champion = turn.watched.policy.serving.champion
        turn.model = replace(
            turn.model,
            champion=champion,
            champion_since=turn.now,
            traffic=replace(turn.traffic, weights={champion: 100}),
        )
        want(turn, f"traffic:begin:{champion}", Traffic({champion: 100}))
    return fact


PART = Part("configured", (take(Configured, configured),))
