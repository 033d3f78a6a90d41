"""Context of a page that is not about drift: what else moved, and what was done before.

A page for performance, data quality or silence names the features, bins and segments that differ
most, and what was done around the model just before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fleet.model.signals.catalogue import DRIFT, PERFORMANCE
from fleet.model.turn import Turn
from monitoring.drift import why
from monitoring.localdays import bounds

MOVED, STILL = f"{PERFORMANCE} moved too: ", f"{PERFORMANCE} did not move: "


def health(turn: Turn) -> str:
    """Return a line on whether performance moved too; empty while labels are missing."""
    said = turn.alerting.signals.get(PERFORMANCE)
    if said is None or said.active is None:
        return ""
    return f"{MOVED if said.active else STILL}{said.reason}"


def inputs(turn: Turn) -> tuple[str, ...]:
    """What the newest assessment says of the inputs; without the performance, which is asked."""
    said = turn.alerting.signals.get(DRIFT)
    if said is None:
        return ()
    lines = (line for line in said.lines if not line.startswith((MOVED, STILL)))
    return (said.reason, *lines)


def before(turn: Turn, window: str) -> tuple[str, ...]:
    """What was noted around the model just before a window's end."""
    words = why.told(happened_before(turn.model.happened, window, turn.watched.zone))
    return (words or "just before: no change around the model was noted",)


def happened_before(
    happened: Sequence[why.Happening], window: str, zone: str
) -> tuple[why.Happening, ...]:
    """What was noted just before the end of a window, the newest first."""
    begin, end = bounds(date.fromisoformat(window), zone)
    return why.just_before(happened, begin, end)
