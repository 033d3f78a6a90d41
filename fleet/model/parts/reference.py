"""The reference that windows are compared with: built once, replaced by promotion or command.

Every change is journalled with the reference before, the operator and the reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fleet.model.facts import Asked, Configured, Declined
from fleet.model.keys import short
from fleet.model.lines import operations, windows
from fleet.model.part import Part, take
from fleet.model.results import Referenced
from fleet.model.slices.windows import Past
from fleet.model.tasks import BuildReference
from fleet.model.turn import Turn
from retrain import trigger

AGAIN = timedelta(days=1)


def asked(turn: Turn, fact: Asked) -> Asked:
    """Owe the reference that an operator asks for, from a table or from days that are known."""
    if fact.verb == "reference":
        model = turn.model
        turn.owe(
            BuildReference(
                model.champion,
                short(f"asked {fact.id}"),
                model.windows.counted(*fact.days) if fact.days else (),
                model.windows.reference,
                model.promotion.scores.get(model.champion, ""),
                fact.data,
                fact.by,
                fact.reason,
            )
        )
    return fact


def referenced(turn: Turn, fact: Referenced) -> Referenced:
    """Take a reference over, unless it is one that was renewed or has come too late."""
    if not fact.renewed:
        _take_over(turn, fact)
    return fact


def declined(turn: Turn, fact: Declined) -> Declined:
    """Ask again the next day for a first reference that was refused: without it all waits."""
    if fact.key == _first(turn).key and not turn.windows.reference:
        turn.windows = replace(turn.windows, reference_again=turn.now + AGAIN)
    return fact


def configured(turn: Turn, fact: Configured) -> Configured:
    """Ask again at once where fleet.yaml was changed since a refusal."""
    if fact.policy and turn.windows.reference_again is not None:
        turn.windows = replace(turn.windows, reference_again=turn.now)
    return fact


def follow(turn: Turn) -> None:
    """Owe the first reference of a champion, once, and again where it was refused."""
    known, champion = turn.windows, turn.model.champion
    if known.reference:
        return
    if known.reference_asked == champion and not _again(turn):
        return
    turn.windows = replace(known, reference_asked=champion, reference_again=None)
    turn.owe(_first(turn))


def _again(turn: Turn) -> bool:
    again = turn.windows.reference_again
    turn.wake(again)
    return again is not None and turn.now >= again


def _first(turn: Turn) -> BuildReference:
    return BuildReference(turn.model.champion, "file", (), "", "")


def _take_over(turn: Turn, fact: Referenced) -> None:
    """Take a reference over; one that an operator asked for and that comes too late is refused."""
    model = turn.model
    late = _late(turn, fact)
    if late:
        if fact.reason:
            turn.say(operations.Refused(f"{late}; {fact.by} may ask again", fact.reference))
        return
    if fact.past:
        last = datetime.fromisoformat(max(fact.days)).replace(tzinfo=UTC) + timedelta(days=1)
        known = {
            day: Past(rows, labelled, sketch, joined)
            for day, (sketch, joined, rows, labelled) in fact.past.items()
        }
        turn.training = replace(
            turn.training, trigger=trigger.trained(model.training.trigger, last)
        )
        turn.windows = replace(turn.windows, past={**known, **model.windows.past})
    turn.windows = replace(turn.windows, reference=fact.reference)
    if fact.scores:
        scores = {**turn.promotion.scores, fact.version: fact.scores}
        turn.promotion = replace(turn.promotion, scores=scores)
    asked_for = bool(fact.reason)
    turn.say(
        windows.Reference(
            fact.version,
            fact.reference,
            len(fact.days),
            fact.rows,
            before=model.windows.reference,
            by=fact.by if asked_for else None,
            reason=fact.reason,
            first=min(fact.days) if asked_for else "",
            last=max(fact.days) if asked_for else "",
            note=fact.note,
        )
    )


def _late(turn: Turn, fact: Referenced) -> str:
    model = turn.model
    if fact.version != model.champion:
        return f"the reference was made for {fact.version}, and {model.champion} serves now"
    if fact.past and model.windows.reference:
        # Its bins are others than those that windows have been counted with since.
        return "another first reference was set before it"
    return ""


PART = Part(
    "reference",
    (
        take(Configured, configured),
        take(Asked, asked),
        take(Referenced, referenced),
        take(Declined, declined),
    ),
    follow,
)
