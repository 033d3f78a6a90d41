"""Registered versions: the queue, and the gate's decisions."""

from __future__ import annotations

from dataclasses import replace

from fleet.model.facts import Declined, Gated, Registered
from fleet.model.keys import short
from fleet.model.lines import training
from fleet.model.part import Part, take
from fleet.model.slices.promotion import Challenger
from fleet.model.tasks import Gate
from fleet.model.turn import Turn
from retrain.gate import Verdict

RECENT_DAYS = 14


def registered(turn: Turn, fact: Registered) -> Registered:
    """Put a version that was registered from outside into the queue, once."""
    if fact.version in turn.model.versions_under_way:
        return fact
    turn.say(training.Registered(fact.version, fact.waived_by, fact.reason))
    challenger = Challenger(
        fact.version,
        f"{turn.watched.name}-{short(fact.version)[:8]}",
        fact.trigger,
        waived_by=fact.waived_by,
        waived_for=fact.reason,
    )
    turn.promotion = replace(turn.promotion, queue=(*turn.promotion.queue, challenger))
    return fact


def gated(turn: Turn, fact: Gated) -> Gated:
    """Take the gate's decision; a version that did not pass leaves the queue."""
    found = next((c for c in turn.promotion.queue if c.id == fact.id), None)
    if found is None or found.gated:
        return fact
    decision = fact.decision
    turn.say(training.Gate(fact.id, fact.version, found.trigger, decision.verdict, decision.reason))
    passed = decision.verdict is Verdict.passed
    after = replace(found, gated=True, scores=fact.scores, bad_rate=fact.bad_rate)
    queue = [
        after if c.id == fact.id else c for c in turn.promotion.queue if c.id != fact.id or passed
    ]
    turn.promotion = replace(turn.promotion, queue=tuple(queue))
    if passed:
        turn.promotion = replace(
            turn.promotion, scores={**turn.promotion.scores, fact.version: fact.scores}
        )
        if fact.label_rate is not None:
            turn.promotion = replace(
                turn.promotion, rates={**turn.promotion.rates, fact.version: fact.label_rate}
            )
    return fact


def declined(turn: Turn, fact: Declined) -> Declined:
    """A version whose gate was refused leaves the queue."""
    if fact.effect == "gate":
        left = tuple(c for c in turn.promotion.queue if f"gate:{c.id}" != fact.key)
        turn.promotion = replace(turn.promotion, queue=left)
    return fact


def follow(turn: Turn) -> None:
    """Owe the gate of every version that waits for it."""
    for challenger in turn.promotion.queue:
        if challenger.asked:
            continue
        days = _gate_days(turn, challenger)
        champion, need = turn.model.champion, challenger.need
        past = tuple((day, p.joined) for day, p in sorted(turn.windows.past.items()) if p.joined)
        turn.owe(Gate(challenger.id, challenger.version, champion, days, past, need))
        queue = [replace(c, asked=True) if c is challenger else c for c in turn.promotion.queue]
        turn.promotion = replace(turn.promotion, queue=tuple(queue))


def _gate_days(turn: Turn, challenger: Challenger) -> tuple[tuple[str, str], ...]:
    run, past = turn.training.run, turn.windows.past
    if run is not None and run.id == challenger.id:
        days = [day for day in run.job.holdout_days if day in past]
    else:
        days = [day for day in sorted(past) if past[day].joined and not past[day].event]
        days = days[-RECENT_DAYS:]
    return tuple((day, past[day].joined) for day in days)


PART = Part(
    "candidates",
    (take(Registered, registered), take(Gated, gated), take(Declined, declined)),
    follow,
)
