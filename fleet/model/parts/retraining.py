"""Whether a retraining starts, and what it trains on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

from fleet.model.effects import Publish
from fleet.model.facts import Asked
from fleet.model.lines import training
from fleet.model.part import Part, take
from fleet.model.signals.catalogue import Asks, signal_of
from fleet.model.slices.windows import Past
from fleet.model.turn import Turn
from fleet.published import Event, Fields
from monitoring import calendars
from monitoring.alerts.lifecycle import Condition
from retrain import cost, dataset, run, trigger
from retrain.ports import TrainingJob

RECENT_DAYS = 7


def follow(turn: Turn) -> None:
    """Start a retraining where something asks for it and nothing holds it back."""
    if turn.watched.policy.training is None:
        return None
    signals = _signals(turn)
    decision = trigger.decide(turn.training.trigger, signals, turn.watched.policy.trigger, turn.now)
    turn.wake(decision.again_at)
    if not decision.fire:
        return _decline(turn, decision, decision.reason if decision.kind is not None else "")
    lacking = _start(turn, decision, signals)
    if lacking:
        _decline(turn, decision, lacking)
    turn.training = replace(turn.training, asked_by=None, event=None)
    # The run that just began would be declined as under way: remember that reason without a line.
    held = trigger.decide(
        turn.training.trigger, _signals(turn), turn.watched.policy.trigger, turn.now
    )
    turn.wake(held.again_at)
    if not held.fire:
        turn.training = replace(
            turn.training, declined=held.reason if held.kind is not None else ""
        )
    return None


def _decline(turn: Turn, decision: trigger.Decision, reason: str) -> None:
    """Journal a refusal once for as long as it stays the same."""
    if _gist(reason) != _gist(turn.training.declined):
        turn.training = replace(turn.training, declined=reason)
        if reason:
            turn.say(training.Trigger(False, str(decision.kind), reason))


def _gist(reason: str) -> str:
    """A refusal's reason without its figures: the same refusal is written down once."""
    return "".join(c for c in reason if not c.isdigit())


def _signals(turn: Turn) -> trigger.Signals:
    model, past = turn.model, turn.windows.past
    recent = sorted(past)[-RECENT_DAYS:]
    events = [event for day in recent if (event := past[day].event) is not None]
    first = _first_new(turn)
    new = [day for day, known in past.items() if known.labelled and day >= first]
    freeze = calendars.frozen(model.freezes, turn.now)
    return trigger.Signals(
        degraded=bool(_asking(turn, Asks.PERFORMANCE)),
        score_drifted=bool(_asking(turn, Asks.SCORE)),
        drifted=tuple(f for one in _asking(turn, Asks.DRIFT) for f in one.features),
        asked_by=model.training.asked_by,
        event=model.training.event,
        new_days=len(new),
        announced=max(set(events), key=events.count) if events else None,
        announced_share=len(events) / len(recent) if recent else 0.0,
        active=model.under_way,
        frozen=freeze.reason if freeze is not None else None,
        estimate=cost.estimate(
            [cost.Past(timedelta(seconds=f.seconds), f.cost) for f in model.training.finished]
        ),
    )


def _first_new(turn: Turn) -> str:
    """The first day that the last training cannot have seen: the one on which it ended.

    A reference's training ended, by convention, at the midnight (UTC) after its last day, which is
    still that day in zones west of UTC; a run's ended within a day of the model's zone.
    """
    trained = turn.training.trigger.trained_at
    if trained is None:
        return ""
    return max(trained.date(), calendars.day_of(trained, turn.watched.zone)).isoformat()


def _asking(turn: Turn, what: Asks) -> list[Condition]:
    """Active signals that ask for a retraining; what an event explains will pass with it."""
    return [
        said
        for key, said in sorted(turn.alerting.signals.items())
        if said.active and said.explained_by is None and signal_of(key).asks is what
    ]


def _start(turn: Turn, decision: trigger.Decision, signals: trigger.Signals) -> str:
    """Begin a run, or return the reason why there can be none."""
    model, policy = turn.model, turn.watched.policy
    rows = [
        dataset.DayRow(date.fromisoformat(day), past.rows, past.labelled, past.event)
        for day, past in model.windows.past.items()
        if past.joined
    ]
    today = calendars.day_of(turn.now, turn.watched.zone)
    chosen = dataset.select(rows, policy.dataset, today)
    if not chosen.enough:
        return chosen.reason
    number = model.training.started + 1
    name = f"{turn.watched.name}-run-{number}"
    job = _job(turn, decision, chosen, name)
    kind = str(decision.kind)
    price = signals.estimate.cost if signals.estimate is not None else None
    turn.training = replace(
        turn.training,
        run=run.Run(name, kind, turn.now, job),
        started=number,
        trigger=trigger.record(model.training.trigger, turn.now, price),
    )
    turn.say(
        training.Trigger(
            True,
            kind,
            decision.reason,
            run=name,
            days=job.days,
            holdout=job.holdout_days,
            left_out=tuple(f"{left.day}: {left.reason}" for left in chosen.left_out),
        )
    )
    told: Fields = {"run": name, "trigger": kind, "reason": decision.reason, "days": len(job.days)}
    turn.owe(Publish(f"retrain:{name}", Event.RETRAIN_STARTED, told, turn.now))
    return ""


def _job(
    turn: Turn, decision: trigger.Decision, chosen: dataset.Selection, name: str
) -> TrainingJob:
    model, policy = turn.model, turn.watched.policy.training
    days = tuple(day.isoformat() for day in chosen.training)
    return TrainingJob(
        id=name,
        model=turn.watched.name,
        spec=policy.spec if policy is not None else "",
        days=days,
        holdout_days=tuple(day.isoformat() for day in chosen.holdout),
        inputs={day: model.windows.past[day].joined for day in days},
        time_limit=policy.run.time_limit if policy is not None else timedelta(hours=6),
        tags=_lineage(turn, name, decision, [model.windows.past[day] for day in days]),
    )


def _lineage(
    turn: Turn, name: str, decision: trigger.Decision, days: Sequence[Past]
) -> dict[str, str]:
    content = "\n".join(past.joined for past in days)
    return {
        "run": name,
        "trigger": str(decision.kind),
        "dataset_hash": sha256(content.encode()).hexdigest(),
        "policy_hash": turn.model.policy,
    }


def asked(turn: Turn, fact: Asked) -> Asked:
    """Note that an operator or a watched event asks for a retraining."""
    match fact.verb:
        case "retrain":
            turn.training = replace(turn.training, asked_by=fact.by)
        case "event":
            turn.training = replace(turn.training, event=fact.reason)
    return fact


PART = Part("retraining", (take(Asked, asked),), follow)
