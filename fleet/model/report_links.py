"""Where the report of an alert or a command is read: its place is known before it is drawn."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from fleet.model.signals.catalogue import signal_of
from monitoring.alerts.lifecycle import Notify, Severity, Status, key_of


def place(model: str, of: str) -> str:
    """Return where the report of an alert or a command is read."""
    return f"/models/{quote(model)}?report={quote(of)}"


def named(notice: Notify) -> Notify:
    """Name, in a page about rows, the place where their report is or will be."""
    if not draws(notice):
        return notice
    line = f"Evidently report, once drawn: {place(notice.model, notice.alert)}"
    return replace(notice, lines=(*notice.lines, line))


def draws(notice: Notify) -> bool:
    """Tell whether a notice is a page about rows, which a report is drawn for."""
    firing = notice.status is Status.FIRING and notice.severity is Severity.PAGE
    return firing and signal_of(key_of(notice.alert)).report
