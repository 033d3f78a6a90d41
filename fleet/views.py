"""The views of a fleet as JSON, by name."""

from __future__ import annotations

from datetime import datetime

from engine import codec
from engine.blobs import Blobs
from engine.errors import NotFound
from engine.loop import Loop
from fleet import gauges, health, read
from fleet.document.policies import Fleet
from fleet.read import Json


def shown(
    loop: Loop, fleet: Fleet, now: datetime, view: str, name: str | None, since: str | None
) -> Json | list[Json]:
    """Return a view: models, alerts, or one model or journal by name.

    Raises
    ------
    Refused
        There is no such view, or nothing of that name.
    """
    match view, name:
        case "models", None:
            return read.models(loop, fleet)
        case "models", str():
            return read.model(loop, fleet, name)
        case "metrics", None:
            return [codec.plain(one) for one in gauges.points(loop, fleet, now)]
        case "halted", None:
            return health.halted(loop)
        case "unreachable", None:
            return health.unreachable(loop, fleet, now)
        case "alerts", None:
            return read.alerts(loop, fleet)
        case "journal", str():
            return read.records(loop, fleet, name, since)
        case "events", str():
            return read.events(loop, fleet, name)
        case "reports", str():
            return read.reports(loop, fleet, name)
        case _:
            raise NotFound(
                f"no view {view!r}; there are models, alerts, halted, unreachable, metrics, "
                "events/MODEL, journal/MODEL and reports/MODEL"
            )


def report(loop: Loop, fleet: Fleet, blobs: Blobs, name: str, of: str) -> bytes:
    """Return the newest report of a model that the alert or command `of` asked for.

    Raises
    ------
    NotFound
        There is none yet, or it could not be drawn; the message says why.
    """
    found = [one for one in read.reports(loop, fleet, name) if one["of"] == of]
    if not found:
        raise NotFound(f"no report {of!r} of {name} yet")
    newest = found[-1]
    if not newest.get("report"):
        raise NotFound(str(newest["note"]))
    return blobs.get(str(newest["report"]))
