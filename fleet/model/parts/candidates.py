"""Registered versions: queued, and what the gate says of them."""

from __future__ import annotations

from dataclasses import replace

from fleet.model.effects import short
from fleet.model.facts import Gated, Registered
from fleet.model.parts.rollouts import RECENT_DAYS
from fleet.model.state import Challenger
from fleet.model.turn import Turn
from retrain.gate import Need, Verdict


def registered(turn: Turn, fact: Registered) -> None:
    """Put a version that was registered from outside into the queue, once."""
    model = turn.model
    known = {challenger.version for challenger in model.queue} | {model.champion}
    if model.rollout is not None:
        known.add(model.rollout.challenger)
    if fact.version in known:
        return
    turn.say("registered", version=fact.version, waived_by=fact.waived_by, reason=fact.reason)
    challenger = Challenger(
        fact.version,
        f"{turn.watched.name}-{short(fact.version)[:8]}",
        fact.trigger,
        waived_by=fact.waived_by,
        waived_for=fact.reason,
    )
    turn.change(queue=(*model.queue, challenger))


def gated(turn: Turn, fact: Gated) -> None:
    """Take the gate's decision: what did not pass leaves the queue."""
    found = next((c for c in turn.model.queue if c.id == fact.id), None)
    if found is None or found.gated:
        return
    decision = fact.decision
    turn.say(
        "gate", id=fact.id, version=fact.version, trigger=found.trigger,
        verdict=decision.verdict, reason=decision.reason,
    )  # fmt: skip
    passed = decision.verdict is Verdict.passed
    after = replace(found, gated=True, scores=fact.scores, bad_rate=fact.bad_rate)
    queue = [after if c.id == fact.id else c for c in turn.model.queue if c.id != fact.id or passed]
    turn.change(queue=tuple(queue))
    if passed:
        turn.change(scores={**turn.model.scores, fact.version: fact.scores})
        if fact.label_rate is not None:
            turn.change(rates={**turn.model.rates, fact.version: fact.label_rate})


def need(challenger: Challenger) -> Need:
    """Why to change at all: what asked for the version says it."""
    return Need(
        degraded=challenger.trigger in ("performance", "drift"),
        stale=challenger.trigger in ("staleness", "schedule"),
        asked_by="an operator" if challenger.trigger == "operator" else None,
    )


def gate_days(turn: Turn, challenger: Challenger) -> tuple[tuple[str, str], ...]:
    model = turn.model
    if model.run is not None and model.run.id == challenger.id:
        days = [day for day in model.run.job.holdout_days if day in model.past]
    else:
        days = [d for d in sorted(model.past) if model.past[d].joined and not model.past[d].event]
        days = days[-RECENT_DAYS:]
    return tuple((day, model.past[day].joined) for day in days)
