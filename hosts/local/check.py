"""`driftwarden check`: compare two files or folders of rows, one window, no persistence."""

from __future__ import annotations

import csv
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.errors import Refused
from hosts.local.comparing import Choice, compare
from hosts.local.tables import open_columns
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


def run(arguments: Namespace) -> int:
    """Run the command and return its exit code; the report goes to stdout."""
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
    if arguments.json:
        print(json.dumps(report.to_json(), indent=2, allow_nan=False, ensure_ascii=False))
    else:
        from hosts.local.checktable import show  # rich takes a while to load, JSON needs none

        show(report)
    return EXIT[report.verdict]


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
