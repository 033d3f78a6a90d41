"""What happened around a model, by its journal lines, in the words of pages and charts."""

from __future__ import annotations

from datetime import datetime

from engine.store import parse_instant
from fleet.model.lines import alerting, operations, serving, training, windows
from fleet.model.lines.line import Line
from monitoring.alerts.azure import Phase
from monitoring.drift.why import Happening

LONGEST = 120


def happening(line: Line, now: datetime) -> Happening | None:
    """Return what a line, written at `now`, tells of; None where it tells of nothing around it."""
    if isinstance(line, operations.Noted) and line.kind:
        by = f", by {line.by}" if line.by else ""
        until = parse_instant(line.until) if line.until else None
        return Happening(_moment(line, now), f"{line.kind}: {line.subject}{by}", until, True)
    words = _words(line)
    if not words:
        return None
    what = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
    return Happening(_moment(line, now), what)


def _moment(line: Line, now: datetime) -> datetime:
    if isinstance(line, operations.Noted | alerting.AzureAlert) and line.at:
        return parse_instant(line.at)
    return now


def _words(line: Line) -> str:
    match line:
        case operations.Noted():
            return f"{line.type} {line.subject}"
        case alerting.AzureAlert(phase=Phase.FIRED):
            return f"Azure alert {line.rule} ({line.severity}, {line.target})"
        case training.Registered():
            return f"registered {line.version}"
        case serving.Traffic():
            split = sorted(line.weights.items())
            return f"traffic {', '.join(f'{name} {share} %' for name, share in split if share)}"
        case windows.Reference():
            return f"reference of {line.version}"
        case _:
            return ""
