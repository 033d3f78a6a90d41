"""Commands on an open fleet: serve it, show it, and send it an operator's command."""

from __future__ import annotations

import getpass
import json
import uuid
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from commands import output
from commands.ending import FINDING, OK, REFUSED

if TYPE_CHECKING:
    from commands.app import App
    from fleet.commands import Command
    from hosts.host import Host


def serve(arguments: Namespace) -> int:
    """Serve triggers, API and dashboard until told to stop."""
    from hosts.local.opening import serve_fleet

    with _host(arguments) as (host, app):
        tell(arguments.fleet, host.clock.now())
        serve_fleet(host, app.functions, arguments.port)
    return OK


def status(arguments: Namespace) -> int:
    """Show every model."""
    with _host(arguments) as (host, _):
        found = host.service.read("models")
        if arguments.json:
            return _print(found, arguments.json, "models")
        trouble = {view: host.service.read(view) for view in ("halted", "unreachable")}
        return _print({"models": found, **trouble}, False, "status")


def alerts(arguments: Namespace) -> int:
    """Show every alert."""
    with _host(arguments) as (host, _):
        return _print(host.service.read("alerts"), arguments.json, "alerts")


def journal(arguments: Namespace) -> int:
    """Show a partition's journal."""
    from commands import operate

    with _host(arguments) as (host, _):
        since = operate.since(arguments.since, host.clock.now()) if arguments.since else None
        found = host.service.read("journal", arguments.model, since)
        return _print(found, arguments.json, "journal")


def verify(arguments: Namespace) -> int:
    """Verify the store, and beside it the anchors in a file; 1 where anything is wrong."""
    from commands.verify import verified

    found = verified(arguments.fleet, arguments.anchors)
    if found["verified"] or arguments.json:
        _print(found, arguments.json, "verify")
    else:
        for line in found["findings"]:
            output.tell(f"driftwarden verify: {line}")
    return OK if found["verified"] else FINDING


def drill(arguments: Namespace) -> int:
    """Play faults against a scratch copy of a fleet; FINDING where nobody was told of one."""
    from commands.drill.drill import drill
    from engine import codec
    from hosts import read_config

    config = read_config(arguments.fleet)
    found = drill(arguments.app(), config, arguments.model, arguments.fault)
    _print([codec.plain(one) for one in found], arguments.json, "drill")
    return OK if all(one.told for one in found) else FINDING


def change(arguments: Namespace) -> int:
    """Send an operator's command."""
    from commands import operate
    from engine import codec
    from fleet.outcomes import Result
    from hosts import face

    with _host(arguments) as (host, app):
        command = _asked(arguments, host.clock.now())
        operate.ask(host, app.functions, command)
        if arguments.no_wait:
            return _print({"id": command.id}, arguments.json, "sent")
        found = face.settled(host.service, command)
        _print(codec.plain(found), arguments.json, "command")
        return REFUSED if found.outcome is Result.REFUSED else OK


def page_test(arguments: Namespace) -> int:
    """Send a test to a receiver, and show what came of it."""
    from commands.page_test import page_test
    from hosts.clock import SystemClock

    found = page_test(arguments.fleet, arguments.target, SystemClock().now())
    return _print(found, arguments.json, "page-test")


def report(arguments: Namespace) -> int:
    """Draw the report of a window, and write it to a file."""
    from commands import operate
    from fleet.model.report_links import place
    from hosts.local.files import write_output

    with _host(arguments) as (host, app):
        command = _asked(arguments, host.clock.now())
        page = operate.report(host, app.functions, command)
        where = place(command.target, command.id)
        if page is not None:
            where = str(arguments.html or Path(f"report-{command.target}-{command.id}.html"))
            write_output(Path(where), page)
        return _print({"id": command.id, "report": where}, arguments.json, "report")


def tell(fleet: Path, now: datetime) -> None:
    """Tell what does not stop the fleet but will stop one of its models, or may not be meant."""
    from hosts.runnable import runnable

    found = runnable(fleet, now)
    for line in (*found.faults, *found.notes):
        output.tell(line)


@contextmanager
def _host(arguments: Namespace) -> Iterator[tuple[Host, App]]:
    from hosts import open_host

    app: App = arguments.app()
    host = open_host(arguments.fleet)
    app.use(host)
    try:
        host.service.begin()
        yield host, app
    finally:
        host.close()


def _asked(arguments: Namespace, now: datetime) -> Command:
    from commands import operate
    from fleet.commands import EVERY_MODEL, NOTE, Command
    from monitoring.alerts.muting import Matchers

    target = arguments.target
    if hasattr(arguments, "every"):
        target = operate.everybody(target, arguments.every)
    matchers = Matchers() if arguments.command == NOTE else operate.matchers(arguments)
    if matchers.feature and target != EVERY_MODEL:
        target, matchers = f"{target}/{matchers.feature}", replace(matchers, feature="")
    until, at = getattr(arguments, "until", None), getattr(arguments, "at", None)
    return Command(
        arguments.command,
        target,
        arguments.by or getpass.getuser(),
        arguments.reason,
        uuid.uuid4().hex[:12],
        operate.instant(until, now) if until else None,
        *operate.source(arguments),
        arguments.kind or "" if arguments.command == NOTE else "",
        operate.begin(at, now) if at else None,
        matchers,
    )


def _print(found: object, as_json: bool, view: str) -> int:
    if as_json:
        print(json.dumps(found))
    else:
        from commands.showing import show

        show(found, view)
    return OK
