"""The options of `driftwarden check`, apart from the command: declaring them imports no tables."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from commands.options import add_limits, path


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options of the command."""
    where = "Parquet, CSV (TSV) or JSON Lines, a file or a folder; text also as .gz, .zst, .bz2"
    for option, which in (("--reference", "rows to compare with"), ("--current", "rows to judge")):
        parser.add_argument(
            option, required=True, type=path, metavar="PATH", help=f"{which}: {where}"
        )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--features", metavar="A,B", help="compare only these columns")
    parser.add_argument("--ignore", metavar="A,B", help="leave these columns out")
    parser.add_argument(
        "--categorical", metavar="A,B", help="treat the numbers of these columns as categories"
    )
    parser.add_argument(
        "--segment", metavar="COLUMN", help="also compare within each level of this column"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also draw the distributions on a page in FILE"
    )
    add_limits(parser)
