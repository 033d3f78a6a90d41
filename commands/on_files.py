"""Commands that open no fleet: check, init, validate, slo, push, backtest, replay (makes one)."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from commands import output
from commands.ending import FINDING, OK, REFUSED
from commands.options import limits
from engine.errors import Refused
from engine.texts import visible

if TYPE_CHECKING:
    from hosts.runnable import Found


def check(arguments: Namespace) -> int:
    """Compare two data sets."""
    from commands.check.check import run

    return run(arguments)


def init(arguments: Namespace) -> int:
    """Write a first fleet.yaml."""
    from commands.init import write_first

    print(write_first(arguments.sample, arguments.out, limits(arguments)))
    return OK


def validate(arguments: Namespace) -> int:
    """Name everything wrong with a fleet.yaml, and with the files that it names."""
    return OK if _valid(arguments.file, document_only=arguments.document_only) else REFUSED


def push(arguments: Namespace) -> int:
    """Upload a valid fleet.yaml, and the files that it names, to where the app follows it."""
    found = _valid(arguments.file)
    if found is None:
        return REFUSED
    from hosts.azure.cloud import Cloud
    from hosts.azure.opening import identity
    from hosts.contained.opening import push_document

    settings = dict(os.environ)
    uploaded = push_document(arguments.file, found, settings, Cloud(identity(settings)))
    print(f"uploaded {', '.join(uploaded)}" if uploaded else "unchanged: nothing was uploaded")
    return OK


def slo(arguments: Namespace) -> int:
    """Judge objectives on tables of minutes."""
    from commands.slo import as_json, text
    from commands.slo.run import run

    told = run(arguments)
    if arguments.json:
        print(json.dumps(as_json.document(told)))
    else:
        for problem in told.problems:
            output.tell(problem)
        for line in text.lines(told):
            print(visible(line))
    if told.refused:
        return REFUSED
    return FINDING if told.fired else OK


def _valid(file: Path, *, document_only: bool = False) -> Found | None:
    """Return a document without faults; else None. Its faults and notes are told in any case."""
    # Late: these imports take a second.
    from hosts.clock import SystemClock
    from hosts.runnable import document, runnable
    from monitoring.drift.wording import counted

    look = document if document_only else runnable
    try:
        found = look(file, SystemClock().now())
    except Refused as error:
        # Bare lines: editors and CI jump to `fleet.yaml:41:`.
        output.tell(error)
        return None
    for line in (*found.faults, *found.notes):
        output.tell(line)
    if found.faults:
        return None
    models = counted(len(found.usable().fleet.models), "model")
    print(f"{file}: valid, {models}")
    return found


def backtest(arguments: Namespace) -> int:
    """Play a model's past days, and propose thresholds."""
    from commands.backtest import run

    words = list(arguments.of)
    if words and Path(words[0]).suffix in (".yaml", ".yml"):
        arguments.fleet = Path(words.pop(0))
    if len(words) > 1:
        raise Refused(f"backtest plays one model at a time; these are {', '.join(words)}")
    arguments.model = words[0] if words else None
    run(arguments)
    return OK


def replay(arguments: Namespace) -> int:
    """Push a recorded time through the fleet, and write its summary."""
    from rich.console import Console

    from commands.replay import rehearse
    from dashboards import summary
    from hosts.local.files import write_output

    options = rehearse.Options(
        arguments.fleet, arguments.first, arguments.last, arguments.summary, arguments.fresh
    )
    console = Console(stderr=arguments.json)
    told = rehearse.replay(arguments.app(), options, console)
    document = summary.summary(told.model, told.records, told.rows.__getitem__, told.seconds)
    write_output(told.target, json.dumps(document, indent=1).encode() + b"\n")
    if arguments.json:
        print(json.dumps(document))
    console.print(summary.text(output.legible(document)))
    console.print(f"summary: {told.target}", markup=False)
    return OK
