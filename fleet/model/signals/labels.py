"""Signals of a joined window: performance, labels, repeated rows, association."""

from __future__ import annotations

from fleet.model.facts import Joined
from fleet.model.part import Part, take
from fleet.model.signals import page_context
from fleet.model.turn import Turn
from monitoring import quality_rules
from monitoring.alerts.lifecycle import Condition, Kind, Severity
from monitoring.performance import Verdict as Health


def joined(turn: Turn, fact: Joined) -> Joined:
    """Turn a join into what the signals of performance and labels say."""
    name, event = turn.watched.name, fact.explained_by
    known = {Health.HEALTHY: False, Health.DEGRADED: True}
    told, before = page_context.inputs(turn), page_context.before(turn, fact.window)
    # Drift tells what came before itself, which may be earlier.
    lines = told if any(line in told for line in before) else (*told, *before)
    # Features are told of, but not the alert's own: whoever silences one silences its drift.
    condition = Condition(
        name, page_context.PERFORMANCE, Kind.PERFORMANCE, known.get(fact.health),
        f"{fact.reason} (up to {fact.window})", Severity.PAGE, event, lines=lines,
    )  # fmt: skip
    turn.signal(condition)
    share = fact.labelled / fact.expected if fact.expected else 0.0
    few = share < turn.watched.policy.performance.min_completeness
    reason = f"{fact.labelled} of {fact.expected} labels of {fact.window} are in ({share:.0%})"
    turn.signal(Condition(name, "labels", Kind.QUALITY, few, reason, Severity.TICKET))
    _segments(turn, fact)
    _repeated(turn, fact)
    _association(turn, fact)
    return fact


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
        turn.signal(Condition(name, key, kind, active, reason, Severity.TICKET, event, features))


PART = Part("signals of labels", (take(Joined, joined),))
