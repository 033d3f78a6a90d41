"""Windows: assessed and joined when they are due, remembered, and closed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

from fleet.model.facts import Declined
from fleet.model.lines import windows
from fleet.model.part import Part, take
from fleet.model.results import Assessed, Joined
from fleet.model.signals import page_context
from fleet.model.slices.windows import Past, Window
from fleet.model.tasks import Assess, Join
from fleet.model.turn import Turn
from monitoring.localdays import bounds
from retrain.rollout import judge
from retrain.rollout.evidence import evidence_from
from retrain.rollout.state import Phase, Rollout

DAYS_KEPT = 150
#: Days before a window in which the begin of a change is searched.
HISTORY = 28


def assessed(turn: Turn, fact: Assessed) -> Assessed | None:
    """Remember an assessment; stop it where the window has changed since."""
    window = turn.windows.open.get(fact.window)
    if window is None or window.assess_asked != fact.of:
        return None
    done = replace(window, assessed=fact.of)
    turn.windows = turn.windows.put(fact.window, done)
    past = turn.windows.past.get(fact.window, Past())
    turn.windows = turn.windows.remember(
        fact.window,
        replace(
            past,
            rows=fact.rows,
            sketch=fact.sketch,
            event=_event(turn, fact.window),
            verdict=fact.verdict,
            flagged=fact.flagged,
        ),
    )
    turn.say(
        windows.Assessed(
            fact.window,
            fact.rows,
            fact.verdict,
            fact.stream,
            fact.psi,
            fact.score_psi,
            event=turn.windows.past[fact.window].event,
            quality=tuple(trouble.reason for trouble in fact.quality),
            report=fact.report,
            against=fact.against,
            since=fact.since,
            estimate=fact.estimate,
        )
    )
    return fact


def joined(turn: Turn, fact: Joined) -> Joined | None:
    """Remember a join; stop it where the window has changed since."""
    window = turn.windows.open.get(fact.window)
    if window is None or window.join_asked != fact.of:
        return None
    done = replace(window, joined=fact.of)
    turn.windows = turn.windows.put(fact.window, done)
    past = turn.windows.past.get(fact.window, Past(event=_event(turn, fact.window)))
    known = replace(past, rows=fact.expected, labelled=fact.labelled, joined=fact.rows)
    turn.windows = turn.windows.remember(fact.window, known)
    turn.say(
        windows.Joined(
            fact.window,
            fact.labelled,
            fact.expected,
            fact.contradictions,
            fact.health,
            fact.reason,
            fact.scores,
            fact.rolling,
            fact.rows,
            fact.explained_by,
        )
    )
    return fact


def declined(turn: Turn, fact: Declined) -> Declined:
    """Leave a window unjudged whose work was refused: the windows after it wait for it."""
    for day, window in turn.windows.open.items():
        if window.assess_asked and fact.key.startswith(f"assess:{day}:{window.assess_asked}:"):
            turn.windows = turn.windows.put(day, replace(window, assessed=window.assess_asked))
            turn.say(windows.Unjudged(day, "inputs", fact.reason))
        if window.join_asked and fact.key == f"join:{day}:{window.join_asked}":
            turn.say(windows.Unjudged(day, "labels", fact.reason))
    return fact


def follow(turn: Turn) -> None:
    """Owe the assessments and joins that are due, and close what nothing is added to any more."""
    if not turn.windows.reference:
        return
    _assess_on(turn)
    _join_on(turn)
    _close(turn)


def _assess_on(turn: Turn) -> None:
    """Assess windows in order, because persistence looks back over the ones before."""
    for day, window in sorted(turn.windows.open.items()):
        if turn.now < window.closes:
            turn.wake(window.closes)
            return
        if not window.inputs or window.assessed == window.assess_of:
            continue
        if window.assess_asked != window.assess_of:
            turn.owe(_assess(turn, day, window))
            asked = replace(window, assess_asked=window.assess_of)
            turn.windows = turn.windows.put(day, asked)
        return


def _assess(turn: Turn, day: str, window: Window) -> Assess:
    model, past, opened = turn.model, turn.windows.past, turn.windows.open
    earlier = [d for d in sorted(past) if d < day and past[d].sketch]
    trailing = [d for d in earlier if past[d].verdict is not None][-2:]
    outputs = [
        batch.rows
        for d in sorted(d for d in opened if d <= day)[-7:]
        for deployment, batch in opened[d].outputs
        if deployment == model.champion
    ]
    return Assess(
        window=day,
        of=window.assess_of,
        sketches=tuple(batch.sketch for batch in window.inputs),
        before=tuple(past[d].sketch for d in trailing),
        flags=tuple(past[d].flagged for d in trailing),
        events=tuple(past[d].event for d in trailing),
        outputs=tuple(outputs),
        reference=model.windows.reference,
        scores=model.promotion.scores.get(model.champion, ""),
        champion=model.champion,
        event=_event(turn, day),
        expected=_expected(turn, day),
        days=tuple(trailing),
        known=turn.now if turn.watched.policy.drift.classes else None,
        history=tuple((d, past[d].sketch, past[d].event) for d in earlier[-HISTORY:]),
        happened=model.happened,
        health=page_context.health(turn),
        outside=dict(sum((Counter(batch.outside) for batch in window.inputs), Counter())),
        rows=_rows_of(turn, day, trailing),
    )


def _expected(turn: Turn, day: str) -> float | None:
    """Rows of the same weekday in the four weeks before, on days without an event."""
    that = date.fromisoformat(day)
    same = [
        turn.windows.past.get((that - timedelta(weeks=back)).isoformat()) for back in (1, 2, 3, 4)
    ]
    counts = [past.rows for past in same if past is not None and not past.event and past.rows]
    return sum(counts) / len(counts) if counts else None


def _event(turn: Turn, day: str) -> str | None:
    event = turn.watched.calendar.explains(date.fromisoformat(day), turn.now)
    return event.name if event is not None else None


def _join_on(turn: Turn) -> None:
    wait = turn.watched.policy.performance.wait
    for day, window in sorted(turn.windows.open.items()):
        overdue = turn.now >= window.ends + wait
        if not window.outputs or window.join_asked == window.join_of:
            continue
        if not window.labels and not overdue:
            turn.wake(window.ends + wait)
            continue
        if turn.now < window.ends:
            turn.wake(window.ends)
            continue
        turn.owe(_join(turn, day, window))
        asked = replace(window, join_asked=window.join_of)
        turn.windows = turn.windows.put(day, asked)


def _join(turn: Turn, day: str, window: Window) -> Join:
    model, past, policy = turn.model, turn.windows.past, turn.watched.policy
    active, rates = model.promotion.active, model.promotion.rates
    rolling = policy.performance.rolling_days
    days = [d for d in sorted(past) if d < day and past[d].joined][-(rolling - 1) :]
    starts, _ = bounds(date.fromisoformat(day), turn.watched.zone)
    return Join(
        window=day,
        of=window.join_of,
        inputs=tuple(batch.rows for batch in window.inputs if batch.rows),
        outputs=tuple((deployment, batch.rows) for deployment, batch in window.outputs),
        traffic=tuple(batch.rows for batch in window.traffic),
        names=model.traffic.names,
        labels=window.labels,
        trailing=tuple((d, past[d].joined, past[d].event) for d in days),
        champion=active.champion if active is not None else model.champion,
        challenger=active.challenger if active is not None else None,
        shadowed=active is not None and active.phase is Phase.shadow,
        cuts=_cuts(active, policy.judge),
        baseline=policy.serving.baseline,
        reference=model.promotion.scores.get(model.champion, ""),
        challenger_rate=rates.get(active.challenger) if active is not None else None,
        starts=starts,
        ends=window.ends,
        event=_event(turn, day),
    )


def _cuts(active: Rollout | None, policy: judge.Policy) -> tuple[datetime, ...]:
    """Where one weight ends and the next begins: counts must not reach across."""
    if active is None:
        return ()
    begin = evidence_from(active, policy)
    return tuple(sorted({*active.changes, *([begin] if begin is not None else [])}))


def _close(turn: Turn) -> None:
    """Close windows that nothing will be added to any more."""
    still_open = {
        day: window
        for day, window in turn.windows.open.items()
        if turn.now < window.ends + turn.watched.open_for
    }
    if len(still_open) < len(turn.windows.open):
        turn.windows = replace(turn.windows, open=still_open)
    if len(turn.windows.past) > DAYS_KEPT:
        kept = sorted(turn.windows.past)[-DAYS_KEPT:]
        turn.windows = replace(turn.windows, past={day: turn.windows.past[day] for day in kept})


def _rows_of(turn: Turn, day: str, before: list[str]) -> dict[str, str]:
    """Rows behind the sketches of a window and of the days before it, by the sketch's name."""
    known = turn.windows
    if day > known.recount_to:
        return {}
    own = {batch.sketch: batch.rows for batch in known.open[day].inputs}
    earlier = {known.past[one].sketch: known.past[one].joined for one in before}
    return {sketch: rows for sketch, rows in (own | earlier).items() if rows}


PART = Part(
    "windows", (take(Assessed, assessed), take(Joined, joined), take(Declined, declined)), follow
)
