"""The operator's commands on a fleet: send them, and on one machine process them at once."""

from __future__ import annotations

import re
from argparse import Namespace
from datetime import datetime, timedelta
from pathlib import Path

import azure.functions as func

from engine.duration import UNITS
from engine.errors import Refused
from fleet.commands import EVERY_MODEL, Command
from hosts.host import Host
from hosts.local.functions.dispatch import Dispatcher
from hosts.local.host import DUE_QUEUE, LocalHost
from monitoring.alerts.muting import Matchers

SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
ROUNDS = 100


def span(text: str) -> timedelta:
    """Read a duration such as `4h`.

    >>> span("4h"), span("1.5d")
    (datetime.timedelta(seconds=14400), datetime.timedelta(days=1, seconds=43200))
    """
    found = SPAN.fullmatch(text)
    if found is None:
        raise Refused(f"{text!r} is not a duration; write 30m, 4h or 2d")
    try:
        return timedelta(**{UNITS[found[2]]: float(found[1])})
    except OverflowError as error:
        raise Refused(f"{text!r} is too long") from error


def instant(text: str, now: datetime) -> datetime:
    """Read an instant: ISO 8601 with a zone, a date (its end, UTC), or a span from now."""
    try:
        return _instant(text, now)
    except OverflowError as error:
        raise Refused(f"{text!r} lies beyond the year 9999") from error


def begin(text: str, now: datetime) -> datetime:
    """Read an instant as `instant` does, but a date as its begin."""
    found = instant(text, now)
    return found - timedelta(days=1) if DATE.fullmatch(text) else found


def since(text: str, now: datetime) -> str:
    """Return the begin of a span until now, such as `4h`; another text is an instant by itself."""
    if not SPAN.fullmatch(text):
        return text
    try:
        return (now - span(text)).isoformat()
    except OverflowError as error:
        raise Refused(f"{text!r} lies before the year 1") from error


def _instant(text: str, now: datetime) -> datetime:
    if SPAN.fullmatch(text):
        return now + span(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"{text!r} is not a time; write 2026-01-31T18:00Z, a date, or 4h") from error
    if len(text) == len("2026-01-31"):
        return moment.replace(tzinfo=now.tzinfo) + timedelta(days=1)
    if moment.tzinfo is None:
        raise Refused(f"{text!r} has no zone; add Z for UTC")
    return moment.astimezone(now.tzinfo)


def ask(host: Host, app: func.FunctionApp, command: Command) -> list[str]:
    """Deliver a command and run the app's queue function until it is processed.

    On another host the deployed app processes it, called by the queue message.
    """
    concerned = host.service.command(command)
    if not isinstance(host, LocalHost):
        return list(concerned)
    dispatcher = Dispatcher(app, host.queues, host.clock.now, key="operator")
    for _ in range(ROUNDS):
        if not dispatcher.pump_queue(DUE_QUEUE, host.clock.now()):
            break
    return list(concerned)


def report(host: Host, app: func.FunctionApp, command: Command) -> bytes | None:
    """Request a report and return it; None where a deployed app draws it."""
    ask(host, app, command)
    if not isinstance(host, LocalHost):
        return None
    return host.service.report(command.target, command.id)


def source(arguments: Namespace) -> tuple[str, tuple[str, ...]]:
    """Return the table and the days for a new reference."""
    path = getattr(arguments, "data", None)
    days = (getattr(arguments, "first", None) or "", getattr(arguments, "last", None) or "")
    return _found(arguments.fleet, path) if path else "", days if any(days) else ()


def matchers(arguments: Namespace) -> Matchers:
    """Return what a silence is narrowed to."""
    given = (getattr(arguments, name, None) or "" for name in ("kind", "feature", "segment"))
    return Matchers(*given)


def _found(fleet: Path, path: str) -> str:
    """Return a path of the working folder as a command needs it: relative to fleet.yaml."""
    if not Path(path).exists():
        return path
    there, beside = Path(path).resolve(), fleet.parent.resolve()
    # Relative to fleet.yaml a deployed app finds it, too.
    return str(there.relative_to(beside) if there.is_relative_to(beside) else there)


def everybody(target: str | None, every: bool) -> str:
    """Return the target of a command that can concern all models."""
    if every == (target is not None):
        raise Refused("name one model, or --all")
    return EVERY_MODEL if every else str(target)
