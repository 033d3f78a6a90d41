"""The reference that windows are compared with: built once, replaced by promotion or command.

Every change is journalled with the reference before, the operator and the reason.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleet.model.facts import Asked, Referenced
from fleet.model.keys import short
from fleet.model.part import Part, take
from fleet.model.state import Past
from fleet.model.tasks import BuildReference
from fleet.model.turn import Turn
from retrain import trigger


def asked(turn: Turn, fact: Asked) -> Asked:
    """Owe the reference that an operator asks for, or say why there can be none."""
    if fact.verb == "reference":
        _rebuild(turn, fact)
    return fact


def _rebuild(turn: Turn, fact: Asked) -> None:
    model = turn.model
    days: tuple[tuple[str, str, str], ...] = ()
    if not model.champion:
        return turn.say("refused", id=fact.id, reason="no version serves yet")
    if fact.days:
        first, last = fact.days
        days = tuple(
            (day, past.sketch, past.joined)
            for day, past in sorted(model.past.items())
            if first <= day <= last and past.sketch
        )
        if not days or not model.reference:
            reason = f"no day from {first} to {last} has counts"
            return turn.say("refused", id=fact.id, reason=reason)
    return turn.owe(
        BuildReference(
            model.champion,
            short(f"asked {fact.id}"),
            days,
            model.reference,
            model.scores.get(model.champion, ""),
            fact.data,
            fact.by,
            fact.reason,
        )
    )


def referenced(turn: Turn, fact: Referenced) -> Referenced:
    """Take a reference over, unless it is one that was renewed or has come too late."""
    if not fact.renewed:
        _take_over(turn, fact)
    return fact


def follow(turn: Turn) -> None:
    """Owe the first reference of a champion, once."""
    champion = turn.model.champion
    if turn.model.reference or turn.model.reference_asked == champion:
        return
    turn.change(reference_asked=champion)
    turn.owe(BuildReference(champion, "file", (), "", ""))


def _take_over(turn: Turn, fact: Referenced) -> None:
    """Take a reference over; one that an operator asked for and that comes too late is refused."""
    model = turn.model
    late = _late(turn, fact)
    if late:
        if fact.reason:
            turn.say("refused", id=fact.reference, reason=f"{late}; {fact.by} may ask again")
        return
    if fact.past:
        last = datetime.fromisoformat(max(fact.days)).replace(tzinfo=UTC) + timedelta(days=1)
        known = {
            day: Past(rows, labelled, sketch, joined)
            for day, (sketch, joined, rows, labelled) in fact.past.items()
        }
        turn.change(trigger=trigger.trained(model.trigger, last), past={**known, **model.past})
    scores = {**model.scores, fact.version: fact.scores} if fact.scores else model.scores
    turn.change(reference=fact.reference, scores=scores)
    turn.say(
        "reference", version=fact.version, reference=fact.reference, days=len(fact.days),
        rows=fact.rows, **_told(model.reference, fact),
    )  # fmt: skip


def _late(turn: Turn, fact: Referenced) -> str:
    model = turn.model
    if fact.version != model.champion:
        return f"the reference was made for {fact.version}, and {model.champion} serves now"
    if fact.past and model.reference:
        # Its bins are others than those that windows have been counted with since.
        return "another first reference was set before it"
    return ""


def _told(before: str, fact: Referenced) -> dict[str, str]:
    """Fields of the journal line that are left out when empty: predecessor, origin and operator."""
    told: dict[str, str] = {}
    if before:
        told |= {"before": before}
    if fact.reason:
        told |= {"by": fact.by, "reason": fact.reason}
        told |= {"first": min(fact.days), "last": max(fact.days)}
    return told | ({"note": fact.note} if fact.note else {})


PART = Part("reference", (take(Asked, asked), take(Referenced, referenced)), follow)
