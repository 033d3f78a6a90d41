"""Signals of an assessed window: drift, scores and data quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fleet.model.effects import Publish
from fleet.model.part import Part, take
from fleet.model.results import Assessed
from fleet.model.signals import page_context
from fleet.model.signals.catalogue import DRIFT, QUALITY, SCORE
from fleet.model.turn import Turn
from fleet.published import Event
from monitoring.alerts.lifecycle import Severity
from monitoring.drift.verdict import Verdict as Drift
from monitoring.finding import Finding


def assessed(turn: Turn, fact: Assessed) -> Assessed:
    """Turn an assessment into what the signals of drift and quality say."""
    _drift(turn, fact)
    _score(turn, fact)
    _quality(turn, fact)
    for found in fact.findings:
        turn.signal(found, fact.explained_by)
    return fact


def _drift(turn: Turn, fact: Assessed) -> None:
    moved = sorted(fact.stream)
    drifted = [feature for feature in moved if fact.stream[feature] is Drift.DRIFTED]
    heavy = [feature for feature in drifted if feature not in fact.negligible]
    known = fact.verdict is not Drift.INSUFFICIENT
    if known:
        _stream(turn, fact, moved, drifted)
    found = Finding(
        DRIFT,
        bool(moved) if known else None,
        _drift_reason(fact, moved, drifted),
        Severity.PAGE if heavy and fact.calibrated else Severity.TICKET,
        tuple(moved),
        fact.lines,
    )
    turn.signal(found, fact.explained_by)


def _score(turn: Turn, fact: Assessed) -> None:
    if fact.score is Drift.INSUFFICIENT:
        return
    size = _size(fact.score_effect, fact.score_psi)
    active = fact.score is Drift.DRIFTED
    limit = turn.watched.policy.drift.score_threshold
    told = "the scores drifted" if active else "the scores are as usual"
    reason = f"{told}: {size} over the 7 days up to {fact.window} (limit {limit:g})"
    turn.signal(Finding(SCORE, active, reason, features=("score",)), fact.explained_by)


def _quality(turn: Turn, fact: Assessed) -> None:
    """Note the problems of a window's data; no calendar explains broken data."""
    pages = [trouble for trouble in fact.quality if trouble.page]
    worst = (*pages, *(trouble for trouble in fact.quality if not trouble.page))
    reason = "; ".join(trouble.reason for trouble in worst) or "data quality is as usual"
    features = tuple(sorted({feature for trouble in worst for feature in trouble.features}))
    severity = Severity.PAGE if pages else Severity.TICKET
    lines = page_context.before(turn, fact.window)
    turn.signal(Finding(QUALITY, bool(worst), reason, severity, features, lines))


def _stream(turn: Turn, fact: Assessed, moved: list[str], drifted: list[str]) -> None:
    """Publish a change of the stream's verdict; an initial `stable` is not published."""
    before = turn.alerting.stream
    after = Drift.DRIFTED if drifted else Drift.DRIFTING if moved else Drift.STABLE
    turn.alerting = replace(turn.alerting, stream=after)
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
    return "" if share is None else f", negligible importance: {100 * share:.1f} % of the model's"


PART = Part("signals of drift", (take(Assessed, assessed),))
