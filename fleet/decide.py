"""From what is known to alerts, and from what is wrong to a retraining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256

from fleet import context, occasions, reports
from fleet.effects import Cancel, Poll, Publish, Submit, Tell
from fleet.facts import Asked, Assessed, Declined, Joined, RunChanged
from fleet.published import Event, Fields
from fleet.state import Challenger, Finished, Model, Past
from fleet.turn import Turn
from monitoring import calendars, quality_rules
from monitoring.alerts import lifecycle, transitions
from monitoring.alerts.lifecycle import Condition, Kind, Severity
from monitoring.drift.verdict import Verdict as Drift
from monitoring.performance import Verdict as Health
from retrain import cost, dataset, run, supervision, trigger
from retrain.ports import JobPhase, JobStatus, TrainingJob

RECENT_DAYS = 7
SHORTEST = timedelta(seconds=1)
REFUSED = "refused-"
#: Nothing ends a refusal, but for that of a split, which `fleet.traffic` ends: it is news so long.
SHOWN_FOR = timedelta(days=1)


def signal(turn: Turn, condition: Condition) -> None:
    """Note what a signal says now."""
    turn.change(signals={**turn.model.signals, condition.key: condition})


def assessed(turn: Turn, fact: Assessed) -> None:
    """Turn an assessment into what the signals of drift and quality say."""
    event = fact.explained_by
    name = turn.watched.name
    moved = sorted(fact.stream)
    drifted = [feature for feature in moved if fact.stream[feature] is Drift.DRIFTED]
    heavy = [feature for feature in drifted if feature not in fact.negligible]
    known = fact.verdict is not Drift.INSUFFICIENT
    if known:
        _stream(turn, fact, moved, drifted)
    signal(
        turn,
        Condition(
            name,
            context.DRIFT,
            Kind.DRIFT,
            bool(moved) if known else None,
            _drift_reason(fact, moved, drifted),
            Severity.PAGE if heavy and fact.calibrated else Severity.TICKET,
            event,
            tuple(moved),
            fact.lines,
        ),
    )
    if fact.score is not Drift.INSUFFICIENT:
        size = _size(fact.score_effect, fact.score_psi)
        reason = f"scores moved: {size} on the 7 days up to {fact.window}"
        active = fact.score is Drift.DRIFTED
        signal(
            turn,
            Condition(
                name, "score", Kind.DRIFT, active, reason, Severity.TICKET, event, ("score",)
            ),
        )
    pages = [trouble for trouble in fact.quality if trouble.page]
    worst = (*pages, *(trouble for trouble in fact.quality if not trouble.page))
    reason = "; ".join(trouble.reason for trouble in worst) or "data quality is as usual"
    features = tuple(sorted({feature for trouble in worst for feature in trouble.features}))
    severity = Severity.PAGE if pages else Severity.TICKET
    # No calendar explains broken data: the event is not passed on.
    condition = Condition(
        name, "quality", Kind.QUALITY, bool(worst), reason, severity, None, features,
        context.before(turn, fact.window),
    )  # fmt: skip
    signal(turn, condition)


def _stream(turn: Turn, fact: Assessed, moved: list[str], drifted: list[str]) -> None:
    """Publish that the stream's verdict is another one; that all is well at first is no news."""
    before = turn.model.stream
    after = Drift.DRIFTED if drifted else Drift.DRIFTING if moved else Drift.STABLE
    turn.change(stream=after)
    if after is (before or Drift.STABLE):
        return
    turn.owe(
        Publish(
            f"drift:{fact.window}:{fact.of}",
            Event(f"drift.{after}"),
            {
                "window": fact.window,
                "verdict": after,
                "before": before,
                "features": tuple(moved),
                "rows": fact.rows,
                "explained_by": fact.explained_by,
            },
            turn.now,
        )
    )


def _drift_reason(fact: Assessed, moved: Sequence[str], drifted: Sequence[str]) -> str:
    if not moved:
        return f"no drift on {fact.window}"
    sizes = ", ".join(
        f"{f} ({_size(fact.effects.get(f), fact.psi.get(f))}{_weight(fact, f)})"
        for f in (drifted or moved)[:5]
    )
    more = len(drifted or moved) - 5
    word = "drifted" if drifted else "drifting"
    return f"{word} on {fact.window}: {sizes}{f' and {more} more' if more > 0 else ''}"


def _size(effect: float | None, psi: float | None) -> str:
    """What a verdict rests on; a fact of an older version tells psi alone."""
    return f"psi {psi or 0:.3g}" if effect is None else f"effect {effect:.3g}"


def _weight(fact: Assessed, feature: str) -> str:
    share = fact.negligible.get(feature)
    return "" if share is None else f", of negligible importance: {share:.1%} of the model's"


def joined(turn: Turn, fact: Joined) -> None:
    """Turn a join into what the signals of performance and labels say."""
    name, event = turn.watched.name, fact.explained_by
    known = {Health.HEALTHY: False, Health.DEGRADED: True}
    told, before = context.inputs(turn), context.before(turn, fact.window)
    # Drift tells what came before itself, which may be earlier.
    lines = told if any(line in told for line in before) else (*told, *before)
    # Features are told of, but not the alert's own: whoever silences one silences its drift.
    condition = Condition(
        name, context.PERFORMANCE, Kind.PERFORMANCE, known.get(fact.health),
        f"{fact.reason} (up to {fact.window})", Severity.PAGE, event, lines=lines,
    )  # fmt: skip
    signal(turn, condition)
    share = fact.labelled / fact.expected if fact.expected else 0.0
    few = share < turn.watched.policy.performance.min_completeness
    reason = f"{fact.labelled} of {fact.expected} labels of {fact.window} are in ({share:.0%})"
    signal(turn, Condition(name, "labels", Kind.QUALITY, few, reason, Severity.TICKET))
    _segments(turn, fact)
    _repeated(turn, fact)
    _association(turn, fact)


def _segments(turn: Turn, fact: Joined) -> None:
    """A part that is worse than it was while the total is not: news, but nobody's night."""
    reason = fact.segments or "no segment is degraded where the total is not"
    _ticket(
        turn, "segments", Kind.PERFORMANCE, bool(fact.segments), f"{reason} (up to {fact.window})"
    )


def _repeated(turn: Turn, fact: Joined) -> None:
    policy = turn.watched.policy.quality
    found = quality_rules.repeated(fact.repeated, fact.expected, policy, fact.window)
    reason = found.reason if found else f"rows of {fact.window} were logged once"
    _ticket(turn, "repeated", Kind.QUALITY, found is not None, reason)


def _association(turn: Turn, fact: Joined) -> None:
    """The model leans on other features: worth a look, whatever its performance."""
    found = fact.association
    if found is not None and found.moved is not None:
        reason = f"{found.reason} on {fact.window}"
        _ticket(turn, "association", Kind.DRIFT, found.moved, reason, fact.event, found.features)


def _ticket(
    turn: Turn,
    key: str,
    kind: Kind,
    active: bool,
    reason: str,
    event: str | None = None,
    features: tuple[str, ...] = (),
) -> None:
    """Note a signal that few models ever have: that it is calm is news only after it was not."""
    if active or key in turn.model.signals:
        name = turn.watched.name
        signal(turn, Condition(name, key, kind, active, reason, Severity.TICKET, event, features))


def alerts_on(turn: Turn) -> None:
    """Bring every alert up to date with its signal."""
    policy = turn.watched.policy.alerts
    told: list[tuple[lifecycle.Notify, lifecycle.Alert | None]] = []
    for key, condition in sorted(turn.model.signals.items()):
        known = turn.model.alerts.get(key)
        condition = _while_news(turn, condition, known)
        step = transitions.step(known, condition, policy, turn.now)
        turn.wake(step.wake_at)
        if _passes(condition) and step.alert is not None:
            turn.wake(step.alert.since + SHOWN_FOR)
        if step.alert is not None and step.alert != known:
            turn.change(alerts={**turn.model.alerts, key: step.alert})
        for notice in step.effects:
            _tell(turn, notice)
        told += [(notice, known) for notice in step.effects]
        _say_alert(turn, known, step.alert)
    # Behind every page: drawing takes seconds.
    for notice, before in told:
        reports.paged(turn, notice, before)
    # Behind every alert: what an event explains counts for it.
    occasions.follow(turn)


def _tell(turn: Turn, notice: lifecycle.Notify) -> None:
    turn.owe(Tell(turn.watched.policy.team, reports.named(notice)))
    said: Fields = {
        "alert": notice.alert,
        "kind": notice.kind,
        "severity": notice.severity,
        "reason": notice.reason,
        "features": notice.features,
    }
    turn.owe(Publish(f"alert:{notice.key}", Event(f"alert.{notice.status}"), said, turn.now))


def _while_news(turn: Turn, said: Condition, known: lifecycle.Alert | None) -> Condition:
    """Let go of a refusal that is no news any more."""
    if not _passes(said) or known is None or turn.now < known.since + SHOWN_FOR:
        return said
    over = replace(said, active=False)
    signal(turn, over)
    return over


def _passes(said: Condition) -> bool:
    return bool(said.active) and said.key.startswith(REFUSED) and said.kind is not Kind.TRAFFIC


def _say_alert(turn: Turn, before: lifecycle.Alert | None, after: lifecycle.Alert | None) -> None:
    if after is None or (before is not None and _shown(before) == _shown(after)):
        return
    if before is None and after.phase is lifecycle.Phase.INACTIVE:
        return
    turn.say(
        "alert",
        alert=after.id,
        phase=after.phase,
        kind=after.kind,
        severity=after.severity,
        reason=after.reason,
        features=after.features,
        explained_by=after.explained_by,
    )


def _shown(alert: lifecycle.Alert) -> tuple[object, ...]:
    return alert.phase, alert.ordinal, alert.severity, alert.explained_by


def train_on(turn: Turn) -> None:
    """Start a retraining where something asks for it and nothing holds it back."""
    if turn.watched.policy.training is None:
        return None
    signals = _signals(turn)
    decision = trigger.decide(turn.model.trigger, signals, turn.watched.policy.trigger, turn.now)
    turn.wake(decision.again_at)
    if not decision.fire:
        return _decline(turn, decision, decision.reason if decision.kind is not None else "")
    lacking = _start(turn, decision, signals)
    if lacking:
        _decline(turn, decision, lacking)
    turn.change(asked_by=None, event=None)
    # That what just began is under way is no news: what holds from here on is known already.
    held = trigger.decide(turn.model.trigger, _signals(turn), turn.watched.policy.trigger, turn.now)
    turn.wake(held.again_at)
    if not held.fire:
        turn.change(declined=held.reason if held.kind is not None else "")
    return None


def _decline(turn: Turn, decision: trigger.Decision, reason: str) -> None:
    """Write a refusal down, once for as long as it stays the same."""
    if _gist(reason) != _gist(turn.model.declined):
        turn.change(declined=reason)
        if reason:
            turn.say("trigger", fire=False, kind=decision.kind, reason=reason)


def _gist(reason: str) -> str:
    """A refusal's reason without its figures: the same refusal is written down once."""
    return "".join(c for c in reason if not c.isdigit())


def _signals(turn: Turn) -> trigger.Signals:
    model, signals = turn.model, turn.model.signals
    recent = sorted(model.past)[-RECENT_DAYS:]
    events = [event for day in recent if (event := model.past[day].event) is not None]
    first = _first_new(turn)
    new = [day for day, past in model.past.items() if past.labelled and day >= first]
    freeze = calendars.frozen(model.freezes, turn.now)
    return trigger.Signals(
        degraded=_active(signals.get(context.PERFORMANCE)),
        score_drifted=_active(signals.get("score")),
        drifted=signals[context.DRIFT].features if _active(signals.get(context.DRIFT)) else (),
        asked_by=model.asked_by,
        event=model.event,
        new_days=len(new),
        announced=max(set(events), key=events.count) if events else None,
        announced_share=len(events) / len(recent) if recent else 0.0,
        active=_under_way(turn),
        frozen=freeze.reason if freeze is not None else None,
        estimate=cost.estimate(
            [cost.Past(timedelta(seconds=f.seconds), f.cost) for f in model.finished]
        ),
    )


def _first_new(turn: Turn) -> str:
    """The first day that the last training cannot have seen: the one on which it ended.

    A reference's training ended, by convention, at the midnight (UTC) after its last day, which is
    still that day in zones west of UTC; a run's ended within a day of the model's zone.
    """
    trained = turn.model.trigger.trained_at
    if trained is None:
        return ""
    return max(trained.date(), calendars.day_of(trained, turn.watched.zone)).isoformat()


def _active(condition: Condition | None) -> bool:
    """An explained condition asks for nothing: what it shows will pass with its event."""
    return condition is not None and bool(condition.active) and condition.explained_by is None


def _under_way(turn: Turn) -> str | None:
    model = turn.model
    if model.run is not None and not model.run.ended:
        return f"run {model.run.id}"
    if model.queue:
        return f"challenger {model.queue[0].version}"
    if model.rollout is not None and not model.rollout.ended:
        return f"rollout of {model.rollout.challenger}"
    return None


def _start(turn: Turn, decision: trigger.Decision, signals: trigger.Signals) -> str:
    """Begin a run; or return what is lacking for one."""
    model, policy = turn.model, turn.watched.policy
    rows = [
        dataset.DayRow(date.fromisoformat(day), past.rows, past.labelled, past.event)
        for day, past in model.past.items()
        if past.joined
    ]
    today = calendars.day_of(turn.now, turn.watched.zone)
    chosen = dataset.select(rows, policy.dataset, today)
    if not chosen.enough:
        return chosen.reason
    number = model.started + 1
    name = f"{turn.watched.name}-run-{number}"
    days = tuple(day.isoformat() for day in chosen.training)
    job = TrainingJob(
        id=name,
        model=turn.watched.name,
        spec=policy.training.spec if policy.training is not None else "",
        days=days,
        holdout_days=tuple(day.isoformat() for day in chosen.holdout),
        inputs={day: model.past[day].joined for day in days},
        time_limit=policy.training.run.time_limit if policy.training else timedelta(hours=6),
        tags=_lineage(turn, name, decision, [model.past[day] for day in days]),
    )
    kind = str(decision.kind)
    price = signals.estimate.cost if signals.estimate is not None else None
    turn.change(
        run=run.Run(name, kind, turn.now, job),
        started=number,
        trigger=trigger.record(model.trigger, turn.now, price),
    )
    turn.say(
        "trigger", fire=True, kind=kind, reason=decision.reason, run=name, days=list(days),
        holdout=list(job.holdout_days),
        left_out=[f"{left.day}: {left.reason}" for left in chosen.left_out],
    )  # fmt: skip
    told: Fields = {"run": name, "trigger": kind, "reason": decision.reason, "days": len(days)}
    turn.owe(Publish(f"retrain:{name}", Event.RETRAIN_STARTED, told, turn.now))
    return ""


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


def run_on(turn: Turn, fact: RunChanged | Asked | None = None) -> None:
    """Bring the run up to date with time, or with what the trainer or an operator says."""
    model = turn.model
    if model.run is None or model.run.ended or turn.watched.policy.training is None:
        return
    match fact:
        case RunChanged():
            status = JobStatus(
                fact.phase, fact.version, fact.reason, fact.infrastructure, fact.cost
            )
            seen: run.Observation = run.Polled(fact.run, status)
        case Asked():
            seen = run.Cancelled(fact.by, fact.reason)
        case _:
            seen = run.Elapsed()
    step = supervision.step(model.run, seen, turn.watched.policy.training.run, turn.now)
    turn.change(run=step.run)
    turn.wake(step.wake_at)
    for effect in step.effects:
        _run_effect(turn, effect)


def _run_effect(turn: Turn, effect: run.Effect) -> None:
    match effect:
        case run.Submit(job=job):
            turn.owe(Submit(job.id, job))
        case run.Poll(job_id=job_id):
            turn.owe(Poll(job_id, turn.now))
        case run.Cancel(job_id=job_id):
            turn.owe(Cancel(job_id))
        case run.Ended():
            _run_ended(turn, effect)


def _run_ended(turn: Turn, ended: run.Ended) -> None:
    model = turn.model
    if model.run is None:
        return
    turn.say(
        "run", run=model.run.id, phase=ended.outcome, version=ended.version, reason=ended.reason
    )
    turn.owe(
        Publish(
            f"retrain:{ended.key}",
            Event.RETRAIN_ENDED,
            {
                "run": model.run.id,
                "trigger": model.run.trigger,
                "outcome": ended.outcome,
                "version": ended.version,
                "reason": ended.reason,
                "cost": model.run.cost,
            },
            turn.now,
        )
    )
    failed = ended.outcome in (run.Phase.failed, run.Phase.timed_out)
    signal(
        turn,
        Condition(
            turn.watched.name, "run", Kind.RUN, failed, f"{model.run.id}: {ended.reason}",
            Severity.TICKET,
        ),
    )  # fmt: skip
    if ended.outcome is not run.Phase.succeeded or ended.version is None:
        return
    took = max(turn.now - model.run.at, SHORTEST).total_seconds()
    turn.change(
        finished=(*model.finished, Finished(took, model.run.cost))[-10:],
        trigger=trigger.trained(model.trigger, turn.now),
    )
    if ended.version not in on_its_way(turn.model):
        challenger = Challenger(ended.version, model.run.id, model.run.trigger)
        turn.change(queue=(*turn.model.queue, challenger))


def on_its_way(model: Model) -> set[str]:
    """Return the versions that need no place in the queue: they have one, or are beyond it."""
    known = {challenger.version for challenger in model.queue} | {model.champion}
    return known if model.rollout is None else known | {model.rollout.challenger}


def declined(turn: Turn, fact: Declined) -> None:
    """Turn a refused effect into what its owner can go on from."""
    name = turn.watched.name
    if fact.effect in ("submit", "poll") and turn.model.run is not None:
        failed = RunChanged(turn.model.run.job.id, JobPhase.failed, None, fact.reason)
        return run_on(turn, failed)
    if fact.effect == "gate":
        left = tuple(c for c in turn.model.queue if f"gate:{c.id}" != fact.key)
        turn.change(queue=left)
    reason = f"{fact.effect} was refused: {fact.reason}"
    key = f"{REFUSED}{fact.effect.replace('_', '-')}"
    moved = fact.effect == "set_traffic"
    kind, severity = (Kind.TRAFFIC, Severity.PAGE) if moved else (Kind.RUN, Severity.TICKET)
    signal(turn, Condition(name, key, kind, True, reason, severity))
    known = turn.model.alerts.get(key)
    if known is not None:
        # The day for which it is news begins again.
        turn.change(alerts={**turn.model.alerts, key: replace(known, since=turn.now)})
    return None
