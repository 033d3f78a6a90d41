"""The outcome of an announced event, once the windows that it reaches are judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The effect of announcing an event."""

    EXPLAINED = "explained"
    HARMLESS = "harmless"
    MOVED = "moved"
    UNUSED = "unused"


@dataclass(frozen=True)
class Aftermath:
    """An outcome in words."""

    outcome: Outcome
    reason: str


def aftermath(windows: int, moved: int, alerts: int) -> Aftermath:
    """Tell an event's outcome.

    Parameters
    ----------
    windows, moved
        Judged windows within its reach, lead and lag included, and those of them with drift.
    alerts
        Alerts that it explained.

    >>> aftermath(4, 0, 0).reason
    'harmless: no drift in its 4 windows'
    """
    if alerts:
        word = "alert" if alerts == 1 else "alerts"
        return Aftermath(Outcome.EXPLAINED, f"explained {alerts} {word}")
    if not windows:
        return Aftermath(Outcome.UNUSED, "unused: no judged window lies within it")
    if not moved:
        word = "window" if windows == 1 else "windows"
        return Aftermath(Outcome.HARMLESS, f"harmless: no drift in its {windows} {word}")
    told = f"drift in {moved} of its {windows} windows, but this event explained no alert"
    return Aftermath(Outcome.MOVED, told)
