"""The views of the API and the pages: the state of models and teams as plain JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from engine import codec, journal
from engine.errors import NotFound, Refused
from engine.head import Head
from engine.loop import Loop
from engine.store import parse_instant
from fleet.document.policies import Fleet
from fleet.model.state import Model
from fleet.partitions import FLEET, ONCALL
from monitoring.alerts.routing import OnCall

Json = dict[str, object]


def models(loop: Loop, fleet: Fleet) -> list[Json]:
    """Return one entry per model: champion, verdict, firing alerts, run and rollout."""
    return [_summary(name, loop.head(name)) for name in fleet.models]


def model(loop: Loop, fleet: Fleet, name: str) -> Json:
    """Return the whole state of one model; NotFound where it is not watched."""
    _known(fleet, name)
    head = loop.head(name)
    state: Model = head.state
    return {
        **_summary(name, head),
        "policy": state.policy,
        "wake_at": codec.plain(head.wake_at),
        "alerts": [codec.plain(alert) for alert in state.alerting.alerts.values()],
        "run": codec.plain(state.training.run),
        "queue": [codec.plain(challenger) for challenger in state.promotion.queue],
        "rollout": codec.plain(state.promotion.rollout),
        "days": {day: codec.plain(past) for day, past in sorted(state.windows.past.items())},
        "freezes": [codec.plain(freeze) for freeze in state.freezes],
        "counts": state.counts,
    }


def alerts(loop: Loop, fleet: Fleet) -> list[Json]:
    """Return every alert that an on-call partition remembers, and why it is muted."""
    found = []
    for team in fleet.teams:
        state: OnCall = loop.head(ONCALL + team).state
        for name, entry in sorted(state.alerts.items()):
            found.append(
                {
                    "id": name,
                    "team": team,
                    "firing": entry.firing,
                    "acknowledged_by": entry.acknowledged_by,
                    "muted": state.muted.get(name),
                    **codec.plain(entry.notice),
                }
            )
    return found


def records(loop: Loop, fleet: Fleet, name: str, since: str | None = None) -> list[Json]:
    """Return the journal of a partition, oldest first; `since` is an ISO 8601 instant.

    Raises
    ------
    Refused
        `since` is not an instant; NotFound where the partition is not watched.
    """
    if name != FLEET and not name.startswith(ONCALL):
        _known(fleet, name)
    begin = _instant(since)
    return [
        {"seq": record.seq, "at": record.at, "lines": list(record.lines), "hash": record.hash}
        for record in journal.read(loop.store, name)
        if begin is None or parse_instant(record.at) >= begin
    ]


def reports(loop: Loop, fleet: Fleet, name: str) -> list[Json]:
    """Return every report of a model's windows, oldest first: its blob, or why there is none."""
    return list(_lines(loop, fleet, name, "report"))


def events(loop: Loop, fleet: Fleet, name: str) -> list[Json]:
    """Return the past announced events of a model, oldest first, with their outcome."""
    return list(_lines(loop, fleet, name, "event"))


def _lines(loop: Loop, fleet: Fleet, name: str, what: str) -> Iterator[Json]:
    _known(fleet, name)
    for record in journal.read(loop.store, name):
        for line in record.lines:
            if line["what"] == what:
                yield {"at": record.at, **{key: line[key] for key in line if key != "what"}}


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = parse_instant(text)
    except ValueError as error:
        raise Refused(
            f"since {text!r} is not an ISO 8601 instant, e.g. 2026-01-31T00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise Refused(f"since {text!r} has no zone; add Z for UTC")
    return moment


def _known(fleet: Fleet, name: str) -> None:
    if name not in fleet.models:
        raise NotFound(f"no model {name!r}; known are {', '.join(fleet.models) or 'none'}")


def _summary(name: str, head: Head) -> Json:
    state: Model = head.state
    latest = max(state.windows.past, default=None)
    past = state.windows.past[latest] if latest is not None else None
    run, active = state.training.active, state.promotion.active
    return {
        "name": name,
        "champion": state.champion,
        "since": codec.plain(state.champion_since),
        "weights": state.traffic.weights,
        "dormant": state.dormant,
        "halted": head.halted or None,
        "latest_window": latest,
        "verdict": past.verdict if past is not None else None,
        "firing": [{"id": alert.id, "severity": alert.severity} for alert in state.alerting.live],
        "run": run.phase if run is not None else None,
        "rollout": (
            {"challenger": active.challenger, "phase": active.phase} if active is not None else None
        ),
    }
