"""Options and targets that several commands share."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from monitoring.intake.limits import FOLD, GIB, LIMITS, MIB, Limits

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
Handler = Callable[[argparse.Namespace], int]

NUMBER = re.compile(r"([0-9]{1,18})([KMG]?)")
SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30}

#: Targets: their name in a usage line, and their help.
MODEL = ("MODEL", "name of a model in fleet.yaml")
PARTITION = ("MODEL", "name of a model, `oncall:TEAM` for a team's on-call desk, or `fleet`")


def add_target(
    parser: argparse.ArgumentParser,
    target: tuple[str, str],
    dest: str = "target",
    nargs: str | None = None,
) -> None:
    """Add what the command is about, by its name in a usage line and its help."""
    metavar, text = target
    parser.add_argument(dest, metavar=metavar, nargs=nargs, help=text)


def path(text: str) -> Path:
    """Read a path; an empty one, e.g. of an unset variable, would be the working folder."""
    if not text:
        raise argparse.ArgumentTypeError("an empty path")
    return Path(text)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options that lift the bounds on what is read of one file."""
    expansion = f"most bytes that a packed file unpacks to, beyond {FOLD} times its size"
    for option, usual, most, what in (
        ("--max-line", LIMITS.line, 2 * GIB - 1, "most bytes of a line of text"),
        ("--max-columns", LIMITS.columns, MIB, "most columns of a file"),
        ("--max-bytes", LIMITS.unpacked, MIB * MIB, expansion),
    ):
        parser.add_argument(
            option,
            type=partial(bounded, most=most),
            default=usual,
            metavar="N",
            help=f"{what}, as 20000, 64M or 2G (default: {usual:,})",
        )


def limits(arguments: argparse.Namespace) -> Limits:
    """Return the bounds that the options of `add_limits` give."""
    return Limits(arguments.max_line, arguments.max_columns, arguments.max_bytes)


def bounded(text: str, most: int) -> int:
    """Read a number from 1 to `most`.

    >>> bounded("1000", MIB), bounded("2G", 4 * GIB)
    (1000, 2147483648)
    """
    found = NUMBER.fullmatch(text)
    number = int(found[1]) << SHIFTS[found[2]] if found else 0
    if not 0 < number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {most:,}; write 64M")
    return number


def add_name(parser: argparse.ArgumentParser) -> None:
    """Add the option that records who asked."""
    parser.add_argument(
        "--by", metavar="NAME", help="your name, for the journal (default: the OS user)"
    )


def add_author(parser: argparse.ArgumentParser) -> None:
    """Add the options that record who asked, and why."""
    add_name(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="reason, for the journal")


def fleet_command(
    commands: Commands, name: str, run: Handler, text: str
) -> argparse.ArgumentParser:
    """Add a command that opens a fleet, with the options of all of these."""
    parser = described(commands, name, text)
    parser.add_argument(
        "--fleet",
        type=Path,
        default=Path(os.environ.get("DRIFTWARDEN_FLEET", "fleet.yaml")),
        metavar="FILE",
        help="the fleet.yaml (default: $DRIFTWARDEN_FLEET, else ./fleet.yaml)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)
    return parser


def described(commands: Commands, name: str, text: str) -> argparse.ArgumentParser:
    """Add a command; `text` is its line in `driftwarden --help` and its own description."""
    return commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
