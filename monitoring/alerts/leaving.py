"""Alerts whose model is no longer the team's: their end is told to those who heard of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from monitoring.alerts.group import Open
from monitoring.alerts.lifecycle import Status

#: Why a model is not the team's; empty where it is.
Elsewhere = Callable[[str], str]


def left(alerts: Mapping[str, Open], elsewhere: Elsewhere, now: datetime) -> dict[str, Open]:
    """Return a team's alerts, those of models that are elsewhere as over.

    The alert itself may go on: a later notification opens it again where its model comes back.
    """
    return {
        name: _left(entry, elsewhere(entry.notice.model), now) for name, entry in alerts.items()
    }


def _left(entry: Open, reason: str, now: datetime) -> Open:
    if not reason or not entry.firing:
        return entry
    key = f"{entry.notice.id}:left:{now:%Y%m%dT%H%M%S}"
    notice = replace(entry.notice, key=key, status=Status.RESOLVED, reason=reason, at=now, lines=())
    return Open(notice, now, left=True, since=entry.since)
