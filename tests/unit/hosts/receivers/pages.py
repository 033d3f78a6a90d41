"""A page as the on-call partition sends it, and where receivers are opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hosts.receivers.paging import Channel, Receipt, Surroundings
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page

AT = datetime(2013, 12, 31, 12, tzinfo=UTC)
PAGE = Page(
    key="k1",
    receiver="ops",
    event=Event.FIRING,
    severity=Severity.PAGE,
    title="flights: weather feed missing",
    lines=("temp 100 % missing", "since 00:00"),
    alerts=("flights:quality-1",),
    incident="ops:quality-1",
)


def tell(channel: Channel, key: str = "k1", at: datetime = AT, **changes: Any) -> Receipt:
    return channel.send(replace(PAGE, key=key, **changes), at)


def around(folder: Path, settings: Mapping[str, str] | None = None) -> Surroundings:
    return Surroundings(folder, settings or {})
