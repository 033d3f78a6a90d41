"""The words and options of every command; a command's modules are imported when it runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from commands import on_files, on_fleet
from commands.check.options import add_arguments

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
Handler = Callable[[argparse.Namespace], int]

#: Every command that changes something: its word, its target, and its help.
CHANGES = (
    ("ack", "alert", "acknowledge an alert: no more reminders"),
    ("silence", "model", "mute the alerts of a model or feature for a while"),
    ("unsilence", "id", "lift a silence"),
    ("freeze", "model", "pause retraining and promotion until a time"),
    ("unfreeze", "model", "lift a freeze"),
    ("retrain", "model", "start a retraining"),
    ("approve", "rollout", "approve a rollout for live traffic"),
    ("rollback", "model", "end a rollout; the champion serves"),
    ("resume", "model", "resume a halted partition, once the cause is fixed"),
    ("reference", "model", "compare windows with other days from now on"),
)


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser("check", help="compare two data sets")
    add_arguments(parser)
    parser.set_defaults(run=on_files.check)


def _add_init(commands: Commands) -> None:
    init = commands.add_parser("init", help="write a first fleet.yaml from a sample of your data")
    init.add_argument("--from", dest="sample", type=Path, required=True, metavar="PATH")
    init.add_argument("--out", type=Path, default=Path("fleet.yaml"), metavar="FILE")
    init.set_defaults(run=on_files.init)


def _add_validate(commands: Commands) -> None:
    validate = commands.add_parser("validate", help="report every problem in a fleet.yaml")
    validate.add_argument("file", type=Path)
    validate.set_defaults(run=on_files.validate)


def _add_replay(commands: Commands) -> None:
    text = "replay recorded days through the fleet"
    replay = _on_fleet(commands, "replay", on_files.replay, text)
    replay.add_argument("--from", dest="first", type=date.fromisoformat, metavar="D")
    replay.add_argument("--to", dest="last", type=date.fromisoformat, metavar="D")
    replay.add_argument("--summary", type=Path, metavar="FILE")
    replay.add_argument("--fresh", action="store_true", help="do not resume an interrupted replay")


def _add_serve(commands: Commands) -> None:
    serve = _on_fleet(commands, "serve", on_fleet.serve, "serve triggers, API and dashboard")
    serve.add_argument("--port", type=int, default=7071)


def _add_views(commands: Commands) -> None:
    _on_fleet(
        commands, "status", on_fleet.status, "list models: champion, newest verdict, firing alerts"
    )
    _on_fleet(commands, "alerts", on_fleet.alerts, "list alerts, and why any is muted")
    shown = _on_fleet(
        commands, "journal", on_fleet.journal, "print the journal: decisions and reasons"
    )
    shown.add_argument("model")
    shown.add_argument("--since", metavar="T")
    _on_fleet(commands, "verify", on_fleet.verify, "verify the hash chain of every journal")


def _add_backtest(commands: Commands) -> None:
    text = (
        "replay past days: the alerts that would have fired, and thresholds for a budget of pages"
    )
    parser = _on_fleet(commands, "backtest", on_files.backtest, text)
    parser.add_argument(
        "of",
        nargs="*",
        metavar="MODEL",
        help="needed where there are several models; a fleet.yaml may precede it",
    )
    parser.add_argument("--data", type=Path, metavar="PATH", help="past rows with a column `day`")
    parser.add_argument("--months", type=float, default=6.0, metavar="N")
    parser.add_argument("--budget", default="1 page/month", metavar="TEXT")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw it, too")
    parser.add_argument("--write", action="store_true", help="put the thresholds into fleet.yaml")


def _add_report(commands: Commands) -> None:
    text = "draw a window's rows beside its reference's, with Evidently"
    parser = _on_fleet(commands, "report", on_fleet.report, text)
    parser.add_argument("target", metavar="MODEL")
    parser.add_argument(
        "--window",
        dest="first",
        metavar="D",
        help="a day that is still known (default: the newest window)",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="where it is written")
    _add_author(parser)


def _add_changes(commands: Commands) -> None:
    for name, target, text in CHANGES:
        parser = _on_fleet(commands, name, on_fleet.change, text)
        several = name in ("freeze", "unfreeze")
        parser.add_argument("target", metavar=target.upper(), nargs="?" if several else None)
        _add_author(parser)
        parser.add_argument(
            "--no-wait", action="store_true", help="print the command's id, not what came of it"
        )
        if several:
            parser.add_argument("--all", action="store_true", dest="every")
        if name == "silence":
            parser.add_argument("--feature", metavar="F")
            parser.add_argument("--for", dest="until", required=True, metavar="4h")
        if name == "freeze":
            parser.add_argument("--until", required=True, metavar="T")
        if name == "reference":
            parser.add_argument("--data", metavar="PATH", help="a table with day, time and label")
            parser.add_argument("--from", dest="first", metavar="D", help="first known day")
            parser.add_argument("--to", dest="last", metavar="D", help="last known day")


def _add_author(parser: argparse.ArgumentParser) -> None:
    """Add the options that record who asked, and why."""
    parser.add_argument("--by", default=None, metavar="NAME")
    parser.add_argument("--reason", default="", metavar="TEXT")


def _on_fleet(commands: Commands, name: str, run: Handler, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text)
    default = Path(os.environ.get("DRIFTWARDEN_FLEET", "fleet.yaml"))
    parser.add_argument("--fleet", type=Path, default=default, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)
    return parser


#: In the order of `driftwarden --help`.
COMMANDS: tuple[Callable[[Commands], None], ...] = (
    _add_check,
    _add_init,
    _add_validate,
    _add_replay,
    _add_serve,
    _add_views,
    _add_backtest,
    _add_report,
    _add_changes,
)
