"""The aggregate of one model: every fact that reaches its partition, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.errors import Refused
from engine.step import Step
from engine.store import instant
from fleet import (
    asking,
    decide,
    happened,
    hearing,
    objectives,
    observe,
    promote,
    reference,
    renewal,
    reports,
    strangers,
    traffic,
)
from fleet.facts import (
    Asked,
    Assessed,
    Configured,
    Counted,
    Declined,
    Gated,
    Hinted,
    Joined,
    LabelsRead,
    LogGrew,
    LogRead,
    Measured,
    Noted,
    Parked,
    Referenced,
    Registered,
    Reported,
    RunChanged,
    TrafficCounted,
    TrafficSeen,
    TrafficSet,
)
from fleet.policies import Watched
from fleet.state import Model
from fleet.turn import Turn
from monitoring.alerts import transitions
from monitoring.calendars import Freeze


def step(state: Model, facts: Sequence[Any], watched: Watched, now: datetime) -> Step:
    """Take the facts in, then owe everything that follows from what is known.

    Pure and level-triggered: stepping again without a fact owes nothing new.
    """
    turn = Turn(watched, now, state)
    for fact in facts:
        _take(turn, fact)
    told = len(turn.lines)
    happened.remember(turn, turn.lines)
    if turn.model.champion:
        observe.follow(turn)
        asking.follow(turn)
        objectives.follow(turn)
        hearing.follow(turn)
        decide.run_on(turn)
        promote.follow(turn)
        promote.settle_signal(turn)
        traffic.follow(turn)
        decide.alerts_on(turn)
        decide.train_on(turn)
        # A run that has just begun is handed over in the unit that decided it.
        decide.run_on(turn)
        happened.remember(turn, turn.lines[told:])
    return turn.step()


def _take(turn: Turn, fact: Any) -> None:
    match fact:
        case LogGrew():
            observe.log_grew(turn, fact)
            strangers.log_grew(turn, fact)
        case LogRead():
            fact = observe.by_now(turn, fact)
            observe.log_read(turn, fact)
            promote.log_read(turn, fact)
            objectives.log_read(turn, fact)
            hearing.log_read(turn, fact)
            strangers.counted(turn, fact)
        case Counted():
            observe.counted(turn, fact)
            objectives.counted(turn, fact)
        case TrafficCounted(start=start, counts=counts):
            promote.traffic(turn, f"{start:%Y%m%dT%H%M%S}", counts)
            objectives.traffic(turn, counts)
            hearing.counted(turn, fact)
            strangers.counted(turn, fact)
        case LabelsRead():
            observe.labels_read(turn, fact)
        case Assessed():
            _assessed(turn, fact)
        case Joined():
            _joined(turn, fact)
        case Measured():
            objectives.measured(turn, fact)
        case Referenced() if fact.renewed:
            renewal.referenced(turn, fact)
        case Referenced():
            reference.referenced(turn, fact)
        case Reported():
            reports.reported(turn, fact)
        case Registered():
            promote.registered(turn, fact)
        case RunChanged():
            decide.run_on(turn, fact)
        case Hinted():
            _hinted(turn, fact)
        case Noted(type=what, subject=subject, at=at):
            turn.say("noted", type=what, subject=subject, at=instant(at) if at else None)
        case Gated():
            promote.gated(turn, fact)
        case TrafficSet():
            promote.adopted(turn, traffic.was_set(turn, fact))
        case TrafficSeen():
            promote.adopted(turn, traffic.seen(turn, fact))
        case Asked():
            _asked(turn, fact)
        case Configured():
            _configured(turn, fact)
        case Declined():
            _declined(turn, fact)
        case Parked(id=name, reason=reason):
            turn.say("parked", id=name, reason=reason)
        case _:
            raise Refused(f"a model's partition does not take {type(fact).__name__}")


def _assessed(turn: Turn, fact: Assessed) -> None:
    if not observe.assessed(turn, fact):
        return
    renewal.assessed(turn, fact)
    turn.say(
        "assessed",
        window=fact.window,
        rows=fact.rows,
        verdict=fact.verdict,
        stream=fact.stream,
        psi=fact.psi,
        score_psi=fact.score_psi,
        event=turn.model.past[fact.window].event,
        quality=[trouble.reason for trouble in fact.quality],
        **({"against": fact.against} if fact.against else {}),
        **({"since": fact.since} if fact.since else {}),
        **({"estimate": fact.estimate} if fact.estimate else {}),
        report=fact.report,
    )
    decide.assessed(turn, fact)


def _joined(turn: Turn, fact: Joined) -> None:
    if not observe.joined(turn, fact):
        return
    turn.say(
        "joined",
        window=fact.window,
        labelled=fact.labelled,
        expected=fact.expected,
        contradictions=fact.contradictions,
        health=fact.health,
        reason=fact.reason,
        explained_by=fact.explained_by,
        scores=fact.scores,
        rolling=fact.rolling,
        rows=fact.rows,
    )
    decide.joined(turn, fact)
    promote.joined(turn, fact)


def _hinted(turn: Turn, fact: Hinted) -> None:
    """Let the run's next question to the trainer be due; of any other run nothing is asked."""
    run = turn.model.run
    if run is None or run.ended or run.poll_at is None:
        return
    if fact.run in (run.id, run.job.id):
        turn.change(run=replace(run, poll_at=min(run.poll_at, turn.now)))


def _configured(turn: Turn, fact: Configured) -> None:
    """Begin, or take a changed policy over; a model that left the file keeps its state."""
    model = turn.model
    if not fact.policy:
        if not model.dormant:
            turn.change(dormant=True)
            turn.say("dormant", reason=fact.reason)
        return
    if model.policy != fact.policy or model.dormant:
        turn.change(policy=fact.policy, dormant=False)
        turn.say("policy", hash=fact.policy)
    if not model.champion:
        champion = turn.watched.policy.serving.champion
        turn.change(champion=champion, champion_since=turn.now, weights={champion: 100})
        traffic.want(turn, f"traffic:begin:{champion}", {champion: 100}, ())


def _asked(turn: Turn, fact: Asked) -> None:
    turn.say("command", verb=fact.verb, by=fact.by, reason=fact.reason, target=fact.target)
    match fact.verb:
        case "retrain" | "event":
            named = "asked_by" if fact.verb == "retrain" else "event"
            turn.change(**{named: fact.by if fact.verb == "retrain" else fact.reason})
        case "cancel":
            decide.run_on(turn, fact)
        case "freeze" if fact.until is not None:
            freeze = Freeze(fact.until, fact.by, fact.reason)
            turn.change(freezes=(*turn.model.freezes, freeze))
        case "unfreeze":
            turn.change(freezes=())
        case "ack":
            _acknowledged(turn, fact)
        case "reference":
            reference.asked(turn, fact)
        case "report":
            reports.asked(turn, fact)
        case _:
            promote.asked(turn, fact)


def _acknowledged(turn: Turn, fact: Asked) -> None:
    key = fact.target.rsplit("-", 1)[0]
    policy = turn.watched.policy.alerts
    try:
        done = transitions.acknowledge(turn.model.alerts.get(key), fact.target, fact.by, policy)
    except Refused as error:
        return turn.say("refused", id=fact.id, reason=str(error))
    if done.alert is not None:
        turn.change(alerts={**turn.model.alerts, key: done.alert})
    return None


def _declined(turn: Turn, fact: Declined) -> None:
    """An effect will never be paid: write it down, and let go of what waited for it."""
    turn.say("refused", id=fact.key, reason=fact.reason)
    turn.change(counts=turn.model.count("declined").counts)
    traffic.declined(turn, fact)
    decide.declined(turn, fact)
