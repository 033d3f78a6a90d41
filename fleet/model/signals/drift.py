"""Signals of an assessed window: drift, scores and data quality."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.model.effects import Publish
from fleet.model.facts import Assessed
from fleet.model.part import Part, take
from fleet.model.signals import page_context
from fleet.model.turn import Turn
from fleet.published import Event
from monitoring.alerts.lifecycle import Condition, Kind, Severity
from monitoring.drift.verdict import Verdict as Drift


def assessed(turn: Turn, fact: Assessed) -> Assessed:
    """Turn an assessment into what the signals of drift and quality say."""
    event = fact.explained_by
    name = turn.watched.name
    moved = sorted(fact.stream)
    drifted = [feature for feature in moved if fact.stream[feature] is Drift.DRIFTED]
    heavy = [feature for feature in drifted if feature not in fact.negligible]
    known = fact.verdict is not Drift.INSUFFICIENT
    if known:
        _stream(turn, fact, moved, drifted)
    turn.signal(
        Condition(
            name,
            page_context.DRIFT,
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
        turn.signal(
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
        page_context.before(turn, fact.window),
    )  # fmt: skip
    turn.signal(condition)
    return fact


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


PART = Part("signals of drift", (take(Assessed, assessed),))
