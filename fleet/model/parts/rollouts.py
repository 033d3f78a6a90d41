"""Rollouts: started, fed with evidence, and ended by promotion or return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby

from fleet.model import live
from fleet.model.effects import Publish, Tag
from fleet.model.facts import Adopted, Asked
from fleet.model.keys import short
from fleet.model.lines import operations, serving
from fleet.model.part import Part, take
from fleet.model.records import TrafficCount
from fleet.model.results import Joined, LogRead, TrafficCounted
from fleet.model.signals.catalogue import ROLLOUT
from fleet.model.slices.promotion import Challenger
from fleet.model.tasks import BuildReference
from fleet.model.turn import Turn
from fleet.published import Event
from monitoring import calendars
from monitoring.finding import Finding
from retrain.gate import DayLoss
from retrain.rollout import judge, place, state, step
from retrain.rollout.plan import Expectation
from retrain.rollout.state import Phase, Rollout

RECENT_DAYS = 14
#: The alert of a rollout that was not promoted is cleared after this long.
SHOWN_FOR = timedelta(days=1)


def asked(turn: Turn, fact: Asked) -> Asked:
    """Carry an operator's word to the rollout it names."""
    match fact.verb:
        case "approve":
            _observe(turn, state.Approve(fact.by))
        case "rollback":
            _observe(turn, state.Abort(fact.by, fact.reason))
    return fact


def follow(turn: Turn) -> None:
    """Move the rollout on with time, start the one that waits, and clear an old alert."""
    _observe(turn, state.Elapsed())
    _drop_champion(turn)
    _start_on(turn)
    _settle_signal(turn)


def adopted(turn: Turn, taken: Adopted) -> Adopted:
    """End the rollout where a foreign split was adopted, and take over its champion."""
    active = turn.promotion.active
    if active is not None:
        if taken.champion == active.champion:
            _observe(turn, state.Abort("somebody else", taken.reason))
        else:
            _observe(turn, state.ChampionGone(taken.champion))
    if taken.champion != turn.model.champion:
        turn.say(serving.Champion(taken.champion, turn.model.champion, "adopted"))
        turn.model = replace(turn.model, champion=taken.champion, champion_since=turn.now)
    return taken


def joined(turn: Turn, fact: Joined) -> Joined:
    """Give the rollout what a day's labels say about both arms."""
    day = date.fromisoformat(fact.window)
    _, ends = calendars.bounds(day, turn.watched.zone)
    if fact.shadow is not None:
        pair = fact.shadow
        losses = (DayLoss(day, pair.rows, pair.difference, pair.champion, pair.constant),)
        _observe(turn, state.ShadowEvidence(losses, ends))
    for count in fact.losses:
        interval = judge.Interval(count.n_c, count.n_s, count.bad_c + count.bad_s, count.bad_c)
        name = f"{fact.window}:{count.start:%H%M%S}"
        _observe(turn, state.Evidence("large_loss", name, count.start, count.end, interval))
    return fact


def log_read(turn: Turn, fact: LogRead) -> LogRead:
    """Give the rollout what a range of the traffic log says about errors and latency."""
    _traffic(turn, f"{short(fact.blob)}:{fact.start}", fact.traffic)
    return fact


def counted(turn: Turn, fact: TrafficCounted) -> TrafficCounted:
    """Give the rollout what a log service counted."""
    _traffic(turn, f"{fact.start:%Y%m%dT%H%M%S}", fact.counts)
    return fact


def _traffic(turn: Turn, source: str, found: Sequence[TrafficCount]) -> None:
    """Give the rollout counts of one source; the same source's name is counted once."""
    for (start, end), group in groupby(
        sorted(found, key=lambda count: (count.start, count.end)),
        key=lambda count: (count.start, count.end),
    ):
        counts = [replace(c, deployment=turn.traffic.version_of(c.deployment)) for c in group]
        _remember_traffic(turn, counts)
        active = turn.promotion.active
        if active is None:
            continue
        name = f"{source}:{start:%d%H%M%S}"
        for guard, interval in _intervals(counts, active.challenger):
            _observe(turn, state.Evidence(guard, name, start, end, interval))


def _remember_traffic(turn: Turn, counts: list[TrafficCount]) -> None:
    """Tally the champion's requests: the plan of the next rollout needs its usual rates."""
    for count in counts:
        if count.deployment != turn.model.champion:
            continue
        turn.count("requests", count.requests)
        turn.count("errors", count.errors)
        if count.slow is not None:
            turn.count("slow", count.slow)


def _intervals(counts: list[TrafficCount], challenger: str) -> list[tuple[str, judge.Interval]]:
    ours = [count for count in counts if count.deployment == challenger]
    n_c = sum(count.requests for count in ours)
    n_s = sum(count.requests for count in counts) - n_c
    errors = judge.Interval(
        n_c, n_s, sum(count.errors for count in counts), sum(count.errors for count in ours)
    )
    slow = [count.slow for count in counts if count.slow is not None]
    if len(slow) < len(counts):
        return [("errors", errors)]
    latency = judge.Interval(n_c, n_s, sum(slow), sum(count.slow or 0 for count in ours))
    return [("errors", errors), ("latency", latency)]


def _drop_champion(turn: Turn) -> None:
    """Take a version out of the queue that became champion without a rollout."""
    for one in turn.promotion.queue:
        if one.gated and one.version == turn.model.champion:
            left = tuple(other for other in turn.promotion.queue if other.id != one.id)
            turn.promotion = replace(turn.promotion, queue=left)
            reason = f"{one.version} is the champion already; it needs no rollout"
            turn.say(operations.Refused(reason, one.id))


def _start_on(turn: Turn) -> None:
    model = turn.model
    ready = next((challenger for challenger in model.promotion.queue if challenger.gated), None)
    busy = model.promotion.active is not None
    freeze = calendars.frozen(model.freezes, turn.now)
    if ready is None or busy or freeze is not None or live.held(turn):
        return
    number = model.promotion.rollouts + 1
    waiting = Rollout(
        id=f"{turn.watched.name}-rollout-{number}",
        challenger=ready.version,
        champion=model.champion,
        since=turn.now,
        need=ready.need,
        waived_by=ready.waived_by,
    )
    turn.promotion = replace(
        turn.promotion,
        rollouts=number,
        queue=tuple(c for c in model.promotion.queue if c.id != ready.id),
        rollout=waiting,
    )
    outset = state.Outset(model.champion, _expectations(turn, ready), _per_hour(turn))
    begun = step.start(waiting, outset, turn.watched.rules, turn.now)
    _take(turn, waiting, begun)


def _expectations(turn: Turn, ready: Challenger) -> tuple[Expectation, ...]:
    counts = turn.model.counts
    requests = counts.get("requests", 0)
    known: dict[str, float | None] = {
        "errors": counts.get("errors", 0) / requests if requests else None,
        "latency": counts.get("slow", 0) / requests if requests else None,
        "large_loss": ready.bad_rate,
    }
    guards = turn.watched.policy.judge.guards
    return tuple(Expectation(name, known.get(name)) for name in guards)


def _per_hour(turn: Turn) -> float:
    recent = [turn.windows.past[day].rows for day in sorted(turn.windows.past)[-RECENT_DAYS:]]
    return sum(recent) / (24 * len(recent)) if recent else 0.0


def _observe(turn: Turn, seen: state.Observation) -> None:
    active = turn.promotion.active
    if active is None:
        return
    if isinstance(seen, state.Evidence):
        if seen.guard not in {g.name for g in active.guards}:
            return  # counted for every model, but this one's policy leaves it unguarded
        if live.disturbed(turn, seen.start, seen.end):
            turn.count("disturbed")
            return  # the arms were not split by our weights
    frozen = calendars.frozen(turn.model.freezes, turn.now) is not None or live.held(turn)
    _take(turn, active, step.step(active, seen, turn.watched.rules, turn.now, frozen=frozen))


def _take(turn: Turn, before: Rollout, moved: state.Step) -> None:
    after = moved.rollout
    turn.promotion = replace(turn.promotion, rollout=after)
    turn.wake(moved.wake_at)
    if (after.phase, after.stage) != (before.phase, before.stage):
        turn.say(
            serving.Rollout(
                after.id,
                after.challenger,
                after.champion,
                after.phase,
                after.stage,
                after.reason,
                after.waived_by,
                guards={guard.name: judge.verdict(guard) for guard in after.guards},
            )
        )
        _went_on(turn, before, after)
    for effect in moved.effects:
        match effect:
            case state.SetTraffic(key=key, traffic=wanted):
                live.want(turn, key, wanted)
            case state.Tag(key=key, version=version, stage=stage, tags=tags):
                turn.owe(Tag(key, version, stage, tags))
            case state.Ended():
                _ended(turn, after, effect)


def _went_on(turn: Turn, before: Rollout, after: Rollout) -> None:
    if after.ended:
        return
    exposed = place.traffic(after, turn.watched.rules.rollout)
    began = before.phase is Phase.waiting
    turn.owe(
        Publish(
            f"{after.id}:{after.phase}:{after.stage}",
            Event.ROLLOUT_STARTED if began else Event.ROLLOUT_ADVANCED,
            {
                **_named(after),
                "reason": after.reason,
                "phase": after.phase,
                "stage": after.stage,
                "weight": exposed.weights.get(after.challenger, 0) if exposed is not None else 0,
            },
            turn.now,
        )
    )


def _named(one: Rollout) -> dict[str, str]:
    return {"rollout": one.id, "challenger": one.challenger, "champion": one.champion}


def _ended(turn: Turn, over: Rollout, ended: state.Ended) -> None:
    promoted = ended.outcome is Phase.promoted
    turn.owe(
        Publish(
            ended.key,
            Event(f"rollout.{ended.outcome}"),
            {**_named(over), "reason": ended.reason},
            turn.now,
        )
    )
    said = f"{over.challenger}: {ended.outcome}, {ended.reason}"
    turn.signal(Finding(ROLLOUT, not promoted, said))
    if promoted:
        _promote(turn, over)


def _promote(turn: Turn, over: Rollout) -> None:
    """Make the challenger the champion; its training days become the reference."""
    model = turn.model
    scores = {
        name: blob for name, blob in model.promotion.scores.items() if name == over.challenger
    }
    turn.model = replace(
        turn.model,
        champion=over.challenger,
        champion_since=turn.now,
        promotion=replace(turn.promotion, scores=scores, rates={}),
    )
    run = model.training.run
    days = run.job.days if run is not None and run.version == over.challenger else ()
    slices = [
        (day, past.sketch, past.joined)
        for day in days
        if (past := model.windows.past.get(day)) is not None and past.sketch
    ]
    if slices and over.challenger in scores:
        turn.owe(
            BuildReference(
                over.challenger,
                short("".join(sketch for _, sketch, _ in slices)),
                tuple(slices),
                model.windows.reference,
                scores[over.challenger],
            )
        )


def _settle_signal(turn: Turn) -> None:
    """Clear the alert of a rollout that was not promoted, a day after its end."""
    said = turn.alerting.signals.get(ROLLOUT)
    active = turn.promotion.rollout
    if said is None or not said.active or active is None:
        return
    until = active.since + SHOWN_FOR
    if turn.now >= until:
        turn.settle(ROLLOUT)
    turn.wake(until)


PART = Part(
    "rollouts",
    (
        take(Asked, asked),
        take(Joined, joined),
        take(LogRead, log_read),
        take(TrafficCounted, counted),
        take(Adopted, adopted),
    ),
    follow,
)
