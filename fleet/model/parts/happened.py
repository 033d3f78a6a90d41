"""Recent happenings around a model, from its own journal lines: possible causes of drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.step import Line
from engine.store import instant, parse_instant
from fleet.model.facts import Noted
from fleet.model.part import Part, take
from fleet.model.turn import Turn
from monitoring.drift.why import Happening

KEPT = 20
LONGEST = 120


def remember(turn: Turn, lines: Sequence[Line]) -> None:
    """Keep the happenings in these lines, except repeats of the newest one of their kind."""
    for line in lines:
        what = _words(line)
        if not what:
            continue
        known = turn.model.happened
        kind = what.split(" ", 1)[0]
        before = next((one for one in reversed(known) if one.what.startswith(f"{kind} ")), None)
        noted = line["what"] == "noted"
        at = parse_instant(line["at"]) if noted and line["at"] else turn.now
        if before is not None and before.what == what and (not noted or before.at == at):
            continue
        turn.change(happened=(*known, Happening(at, what))[-KEPT:])


def _words(line: Mapping[str, Any]) -> str:
    match line["what"]:
        case "noted":
            words = f"{line['type']} {line['subject']}"
        case "registered":
            words = f"registered {line['version']}"
        case "traffic":
            split = sorted(line["weights"].items())
            words = f"traffic {', '.join(f'{name} {share} %' for name, share in split if share)}"
        case "reference":
            words = f"reference of {line['version']}"
        case _:
            return ""
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def noted(turn: Turn, fact: Noted) -> Noted:
    """Journal something that was noted around the model."""
    at = instant(fact.at) if fact.at else None
    turn.say("noted", type=fact.type, subject=fact.subject, at=at)
    return fact


PART = Part("happened", (take(Noted, noted),))
