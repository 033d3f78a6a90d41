"""Renewal of references whose bins are of an older format: once each, the outcome is journalled.

Bins are measured again on the reference's own rows, where these are kept. Windows that are open at
that time are counted again from their rows when they are assessed; older days keep their counts and
verdicts, and later windows are no longer compared with them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fleet.model.keys import short
from fleet.model.lines import windows
from fleet.model.part import Part, take
from fleet.model.results import Assessed, Referenced
from fleet.model.tasks import BuildReference
from fleet.model.turn import Turn
from monitoring.drift.ruler import FORMAT
from monitoring.localdays import day_of


def assessed(turn: Turn, fact: Assessed) -> Assessed:
    """Owe newer bins, once, for a reference that a window was just compared with."""
    model = turn.model
    old = 0 < fact.ruler < FORMAT and fact.reference == model.windows.reference
    if not old or model.windows.renewal == model.windows.reference:
        return fact
    days = tuple(
        (day, past.sketch, past.joined)
        for day, past in sorted(model.windows.past.items())
        if past.joined
    )
    scores = model.promotion.scores.get(model.champion, "")
    of = short(f"ruler {FORMAT} {model.windows.reference}")
    turn.owe(BuildReference(model.champion, of, days, model.windows.reference, scores, renew=True))
    turn.windows = replace(turn.windows, renewal=model.windows.reference)
    return fact


def referenced(turn: Turn, fact: Referenced) -> Referenced:
    """Adopt newer bins, or journal why there are none; a reference set since then stays."""
    if not fact.renewed:
        return fact
    model = turn.model
    late = fact.renewed != model.windows.reference or fact.version != model.champion
    if not late and fact.reference != model.windows.reference:
        # Ranges that are being read now are still counted with the older bins.
        last = day_of(turn.now + timedelta(days=1), turn.watched.zone)
        turn.windows = replace(turn.windows, reference=fact.reference, recount_to=str(last))
    turn.say(
        windows.Reference(
            fact.version,
            turn.windows.reference,
            len(fact.days),
            fact.rows,
            before=fact.renewed,
            note="another reference was set before these bins were made" if late else fact.note,
        )
    )
    return fact


PART = Part("renewal", (take(Assessed, assessed), take(Referenced, referenced)))
