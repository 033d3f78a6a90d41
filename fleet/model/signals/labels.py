"""Signals of a joined window: performance, label completeness, and the findings of the join."""

from __future__ import annotations

from fleet.model.part import Part, take
from fleet.model.results import Joined
from fleet.model.signals import page_context
from fleet.model.signals.catalogue import PERFORMANCE
from fleet.model.turn import Turn
from monitoring.alerts.lifecycle import Severity
from monitoring.finding import Finding
from monitoring.performance import Verdict

ACTIVE = {Verdict.HEALTHY: False, Verdict.DEGRADED: True}


def joined(turn: Turn, fact: Joined) -> Joined:
    """Turn a join into what the signals of performance and labels say."""
    told, before = page_context.inputs(turn), page_context.before(turn, fact.window)
    # The lines of drift end with what came before the drift, which may be earlier.
    lines = told if any(line in told for line in before) else (*told, *before)
    # Leave `features` empty: silencing a feature must not mute this alert.
    reason = f"{fact.reason} (up to {fact.window})"
    found = Finding(PERFORMANCE, ACTIVE.get(fact.health), reason, Severity.PAGE, lines=lines)
    turn.signal(found, fact.explained_by)
    for found in fact.findings:
        turn.signal(found, fact.event)
    return fact


PART = Part("signals of labels", (take(Joined, joined),))
