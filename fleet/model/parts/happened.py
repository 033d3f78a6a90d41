"""Recent happenings around a model, from its own journal lines: possible causes of drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from engine.store import instant, parse_instant
from fleet.model.facts import Noted
from fleet.model.lines import alerting, operations, serving, training, windows
from fleet.model.lines.line import Line
from fleet.model.part import Part, take
from fleet.model.turn import Turn
from monitoring.alerts.azure import Phase
from monitoring.drift.why import Happening

KEPT = 20
LONGEST = 120


def remember(turn: Turn, lines: Sequence[Line]) -> None:
    """Keep the happenings in these lines, except repeats of the newest one of their kind.

    Of an alert of Azure Monitor, which may fire every few minutes, the last time is kept.
    """
    for line in lines:
        what = _words(line)
        if not what:
            continue
        known = turn.model.happened
        kind = what.split(" ", 1)[0]
        before = next((one for one in reversed(known) if one.what.startswith(f"{kind} ")), None)
        repeats = isinstance(line, operations.Noted | alerting.AzureAlert)
        at = _moment(line) or turn.now
        if before is not None and before.what == what and (not repeats or before.at == at):
            continue
        if isinstance(line, alerting.AzureAlert):
            known = tuple(one for one in known if one.what != what)
        turn.model = replace(turn.model, happened=(*known, Happening(at, what))[-KEPT:])


def _moment(line: Line) -> datetime | None:
    if isinstance(line, operations.Noted | alerting.AzureAlert) and line.at:
        return parse_instant(line.at)
    return None


def _words(line: Line) -> str:
    match line:
        case operations.Noted():
            words = f"{line.type} {line.subject}"
        case alerting.AzureAlert(phase=Phase.FIRED):
            words = f"Azure alert {line.rule} ({line.severity}, {line.target})"
        case training.Registered():
            words = f"registered {line.version}"
        case serving.Traffic():
            split = sorted(line.weights.items())
            words = f"traffic {', '.join(f'{name} {share} %' for name, share in split if share)}"
        case windows.Reference():
            words = f"reference of {line.version}"
        case _:
            return ""
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def noted(turn: Turn, fact: Noted) -> Noted:
    """Journal something that was noted around the model."""
    at = instant(fact.at) if fact.at else None
    turn.say(operations.Noted(fact.type, fact.subject, at))
    return fact


PART = Part("happened", (take(Noted, noted),))
