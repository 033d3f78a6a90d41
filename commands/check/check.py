"""`driftwarden check`: compare two files or folders of rows, one window, no persistence."""

from __future__ import annotations

import csv
import os
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from commands.check.as_json import spelled
from commands.check.comparing import Choice, compare
from engine.errors import Refused
from hosts.clock import SystemClock
from hosts.local.files import write_text
from hosts.local.tables.reading import open_columns
from monitoring.drift.report import Report
from monitoring.drift.verdict import Verdict

EXIT = {Verdict.STABLE: 0, Verdict.DRIFTING: 0, Verdict.DRIFTED: 1, Verdict.INSUFFICIENT: 3}
REFUSED = 2


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of the command."""
    where = "Parquet, CSV (TSV) or JSON Lines, a file or a folder; text also as .gz, .zst, .bz2"
    parser.add_argument("--reference", required=True, type=Path, metavar="PATH", help=where)
    parser.add_argument("--current", required=True, type=Path, metavar="PATH", help=where)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--features", metavar="A,B", help="look at these columns only")
    parser.add_argument("--ignore", metavar="A,B", help="leave these columns out")
    parser.add_argument(
        "--categorical", metavar="A,B", help="take the numbers of these columns for levels"
    )
    parser.add_argument("--segment", metavar="COL", help="judge each level of this column, too")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw the distributions, too")


def run(arguments: Namespace) -> int:
    """Run the command and return its exit code; the report goes to stdout.

    `arguments.draw`, from the caller, makes the page of a report, and says of what and when.
    """
    try:
        with TemporaryDirectory(prefix="driftwarden-") as scratch:
            reference = open_columns(arguments.reference, Path(scratch))
            current = open_columns(arguments.current, Path(scratch))
            report, odd = compare(reference, current, _choice(arguments))
    except Refused as refusal:
        print(f"driftwarden check: {refusal}", file=sys.stderr)
        return REFUSED
    for note in (*reference.notes, *current.notes, *odd):
        print(f"driftwarden check: {note}", file=sys.stderr)
    if arguments.html is not None:
        sides = (str(arguments.reference), str(arguments.current))
        write_text(arguments.html, arguments.draw(report, sides, SystemClock().now()))
    try:
        _print(report, arguments)
    except BrokenPipeError:
        # Nobody reads any more; the exit code still is the verdict.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT[report.verdict]


def _print(report: Report, arguments: Namespace) -> None:
    if arguments.json:
        sys.stdout.writelines(spelled(report))
        print()
    else:
        from commands.check.table import show

        show(report, arguments.html)
    sys.stdout.flush()


def _choice(arguments: Namespace) -> Choice:
    return Choice(
        _names(arguments.features),
        _names(arguments.ignore),
        _names(arguments.categorical),
        arguments.segment,
    )


def _names(words: str | None) -> tuple[str, ...]:
    """Split names at commas; one that holds a comma stands in quotes."""
    if not words:
        return ()
    return tuple(dict.fromkeys(next(csv.reader([words], skipinitialspace=True))))
