"""`driftwarden backtest`: the alerts that a model's history would have raised, and how many."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from commands.history import of_store, of_table
from commands.options import limits
from commands.output import legible
from dashboards import pages
from engine.errors import Refused
from fleet.backtest.budget import Budget
from fleet.backtest.document import Alerted, Backtest
from fleet.backtest.play import play
from fleet.backtest.tallies import Result, tally
from fleet.document.patch import difference, with_thresholds
from hosts import read_config
from hosts.clock import SystemClock
from hosts.local.files import write_output
from hosts.references import local_terms

MOST = 15
PLAIN_WIDTH = 140


def run(arguments: Namespace) -> None:
    """Run a backtest, print and draw it, and write thresholds; the store does not change.

    Raises
    ------
    Refused
        An option or the document is invalid, or there is no history.
    """
    budget = Budget.of(arguments.budget)
    if not arguments.months > 0:
        raise Refused(f"--months {arguments.months:g}: must be greater than 0")
    found = _played(arguments, budget)
    file: Path = arguments.fleet
    before = file.read_bytes().decode()
    after = _patched(before, file.name, found, arguments.write)
    patch = difference(before, after, file.name)
    if arguments.html is not None:
        write_output(arguments.html, pages.backtest(found.document, SystemClock().now()).encode())
    if arguments.write:
        write_output(file, after.encode())
    if arguments.json:
        print(json.dumps({**found.document, "patch": patch}))
        return
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(highlight=False, width=width, markup=False, emoji=False)
    _show(legible(found.document), console)
    if patch:
        print(patch, end="")


def _patched(before: str, file: str, found: Result, must: bool) -> str:
    """Return the changed document; a failure becomes a note unless the change is a `must`."""
    try:
        return with_thresholds(before, file, found.document["model"], found.thresholds)
    except Refused as error:
        if must:
            raise
        found.document["notes"].append(f"no patch: {error}")
        return before


def _played(arguments: Namespace, budget: Budget) -> Result:
    config, beside = read_config(arguments.fleet), arguments.fleet.parent
    models = config.fleet.models
    name = arguments.model or (next(iter(models)) if len(models) == 1 else "")
    if name not in models:
        raise Refused(f"{name or 'which model'}? known are {', '.join(models) or 'none'}")
    watched = models[name]
    source = (
        of_store(config, beside, watched, arguments.months)
        if arguments.data is None
        else of_table(
            beside,
            arguments.data,
            watched,
            arguments.months,
            local_terms(config.document.store, beside, watched, SystemClock().now()),
            limits(arguments),
        )
    )
    days = len(source.history.days)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(f"{name}, {days} days", total=days)
        played = play(
            source.blobs, watched, source.history, lambda done: bar.update(task, completed=done)
        )
        bar.update(task, description="thresholds")
        return tally(watched, played, budget, source.history.notes)


def _show(found: Backtest, console: Console) -> None:
    console.print(
        f"{found['model']}: {found['windows']} days from {found['first']} to {found['last']}"
    )
    for note in found["notes"]:
        console.print(f"note: {note}")
    if not found["calibrated"]:
        console.print(
            "uncalibrated: the reference has fewer than 8 days, or windows have more rows than its "
            "days; no alert would have paged"
        )
    table = Table("rule", box=None, pad_edge=False)
    for title in ("days with an alert", "a month", "features, all days"):
        table.add_column(title, justify="right")
    for rule in found["rules"]:
        counts = (rule["windows"], rule["windows_a_month"], rule["feature_windows"])
        table.add_row(rule["rule"], *map(str, counts))
    console.print(table)
    _show_features(found, console)
    now, then, budget = found["alerts"]["now"], found["alerts"]["proposed"], found["budget"]
    console.print(f"alerts with the current thresholds: {_alerts(now)}")
    console.print(
        f"with the proposed thresholds: {_alerts(then)}; "
        f"the budget allows {budget['allowed']} pages"
    )


def _show_features(found: Backtest, console: Console) -> None:
    rules = [rule["rule"] for rule in found["rules"]]
    table = Table("feature", box=None, pad_edge=False)
    for title in ("largest", "threshold", "proposed", "drifted", *rules):
        table.add_column(title.removeprefix("driftwarden, "), justify="right")
    for one in found["features"][:MOST]:
        numbers = (one["largest"], one["threshold"], one["proposed"])
        words = ("" if number is None else f"{number:.3g}" for number in numbers)
        counts = (one["drifted"], *(one["windows"][rule] for rule in rules))
        table.add_row(one["name"], *words, *map(str, counts))
    console.print(table)
    left = len(found["features"]) - MOST
    if left > 0:
        console.print(f"and {left} features on which fewer or no rules fired")


def _alerts(counted: Alerted) -> str:
    return (
        f"{counted['pages']} pages ({counted['pages_a_month']:g} a month), "
        f"{counted['tickets']} tickets ({counted['tickets_a_month']:g} a month)"
    )
