"""`driftwarden check`: compare two files or folders of rows, one window, no persistence."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from commands import output
from commands.check.as_json import spelled
from commands.check.comparing import Choice, compare
from commands.ending import FINDING, INSUFFICIENT, OK
from commands.options import limits
from hosts.clock import SystemClock
from hosts.local.files import write_output
from hosts.tables.reading import open_columns
from monitoring.drift.report import Report
from monitoring.drift.verdict import Verdict

EXIT = {
    Verdict.STABLE: OK,
    Verdict.DRIFTING: OK,
    Verdict.DRIFTED: FINDING,
    Verdict.INSUFFICIENT: INSUFFICIENT,
}


def run(arguments: Namespace) -> int:
    """Run the command and return its exit code; the report goes to stdout.

    Raises `Refused` where there is no verdict.
    """
    with TemporaryDirectory(prefix="driftwarden-") as scratch:
        most = limits(arguments)
        reference = open_columns(arguments.reference, Path(scratch), most)
        current = open_columns(arguments.current, Path(scratch), most)
        report, odd = compare(reference, current, _choice(arguments))
    for note in (*reference.notes, *current.notes, *odd):
        output.tell(f"driftwarden check: {note}")
    if arguments.html is not None:
        _draw(report, arguments)
    _print(report, arguments)
    return EXIT[report.verdict]


def _draw(report: Report, arguments: Namespace) -> None:
    # Late: templates are not needed where nothing is drawn.
    from dashboards import pages

    sides = (str(arguments.reference), str(arguments.current))
    write_output(arguments.html, pages.check(report, sides, SystemClock().now()).encode())


def _print(report: Report, arguments: Namespace) -> None:
    if arguments.json:
        sys.stdout.writelines(spelled(report))
        print()
    else:
        from commands.check.table import show

        show(report, arguments.html)


def _choice(arguments: Namespace) -> Choice:
    return Choice(
        _names(arguments.features),
        _names(arguments.ignore),
        _names(arguments.categorical),
        arguments.segment,
    )


def _names(words: str | None) -> tuple[str, ...]:
    """Split names at commas; a name with a comma is quoted."""
    if not words:
        return ()
    return tuple(dict.fromkeys(next(csv.reader([words], skipinitialspace=True))))
