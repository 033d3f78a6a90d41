"""Options and targets that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
Handler = Callable[[argparse.Namespace], int]

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


def add_author(parser: argparse.ArgumentParser) -> None:
    """Add the options that record who asked, and why."""
    parser.add_argument(
        "--by", metavar="NAME", help="your name, for the journal (default: the OS user)"
    )
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
