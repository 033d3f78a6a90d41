"""The words and options of every command; a command's modules are imported when it runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from commands import on_files, on_fleet
from commands.changes import add_changes
from commands.check.options import add_arguments
from commands.options import (
    MODEL,
    PARTITION,
    add_author,
    add_limits,
    add_target,
    described,
    fleet_command,
    path,
)

if TYPE_CHECKING:
    from commands.options import Commands


def _add_check(commands: Commands) -> None:
    text = "compare two data sets: which features moved, and whether it is more than noise"
    parser = described(commands, "check", text)
    add_arguments(parser)
    parser.set_defaults(run=on_files.check)


def _add_init(commands: Commands) -> None:
    init = described(commands, "init", "write a first fleet.yaml from a sample of your data")
    init.add_argument(
        "--from",
        dest="sample",
        type=path,
        required=True,
        metavar="PATH",
        help="sample rows: a Parquet, CSV or JSON Lines file, or a folder of them",
    )
    init.add_argument(
        "--out",
        type=Path,
        default=Path("fleet.yaml"),
        metavar="FILE",
        help="file to write; it must not exist (default: %(default)s)",
    )
    add_limits(init)
    init.set_defaults(run=on_files.init)


def _add_validate(commands: Commands) -> None:
    text = "report every problem in a fleet.yaml and in the files that it names"
    validate = described(commands, "validate", text)
    validate.add_argument("file", type=Path, metavar="FILE", help="the fleet.yaml to check")
    validate.add_argument(
        "--document-only",
        action="store_true",
        help="leave out references and trainings, which may not be there yet",
    )
    validate.set_defaults(run=on_files.validate)


def _add_slo(commands: Commands) -> None:
    text = "show which alerts of OpenSLO files would have fired on past minutes, and the budgets"
    parser = described(commands, "slo", text)
    parser.add_argument(
        "files", nargs="+", type=path, metavar="FILE", help="OpenSLO documents to validate"
    )
    parser.add_argument(
        "--counts",
        action="append",
        default=[],
        metavar="INDICATOR=TABLE",
        help="minutes of an indicator (or SLO), CSV or Parquet: `minute` in UTC, and total,bad or "
        "total,good or value or values; no row means no data",
    )
    for option, name, which in (
        ("--from", "first", "begins after this minute, as 2026-01-31T18:00Z (default: first row)"),
        ("--to", "last", "ends at this minute (default: the end of the last row)"),
    ):
        parser.add_argument(option, dest=name, metavar="TIME", help=f"evaluation {which}")
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="TIME",
        help="show the budgets at this minute; may be repeated (default: --to)",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=on_files.slo)


def _add_push(commands: Commands) -> None:
    text = "validate a fleet.yaml, and upload it with its files to $DRIFTWARDEN_FLEET in Azure"
    push = described(commands, "push", text)
    push.add_argument("file", type=Path, metavar="FILE", help="the fleet.yaml to upload")
    push.set_defaults(run=on_files.push)


def _add_replay(commands: Commands) -> None:
    text = "replay the recorded days of the scenario.yaml beside fleet.yaml through the app"
    replay = fleet_command(commands, "replay", on_files.replay, text)
    for option, name, which in (("--from", "first", "first"), ("--to", "last", "last")):
        replay.add_argument(
            option,
            dest=name,
            type=date.fromisoformat,
            metavar="DAY",
            help=f"{which} day to replay, as 2026-01-31 (default: the {which} recorded day)",
        )
    replay.add_argument(
        "--summary",
        type=Path,
        metavar="FILE",
        help="where to write the summary as JSON (default: the path in scenario.yaml)",
    )
    replay.add_argument("--fresh", action="store_true", help="do not resume an interrupted replay")


def _add_serve(commands: Commands) -> None:
    text = "serve triggers, API and dashboard on 127.0.0.1"
    serve = fleet_command(commands, "serve", on_fleet.serve, text)
    serve.add_argument(
        "--port", type=int, default=7071, metavar="PORT", help="TCP port (default: %(default)s)"
    )


def _add_views(commands: Commands) -> None:
    text = "list models: champion, newest verdict, firing alerts"
    fleet_command(commands, "status", on_fleet.status, text)
    fleet_command(commands, "alerts", on_fleet.alerts, "list alerts, and why any is muted")
    text = "print the journal: decisions and reasons"
    shown = fleet_command(commands, "journal", on_fleet.journal, text)
    add_target(shown, PARTITION, dest="model")
    shown.add_argument(
        "--since",
        metavar="TIME",
        help="leave out records before this time, as 2026-01-31T18:00Z or 4h (default: print all)",
    )
    text = "verify every journal and blob: that nobody but the app wrote it, and nothing is lost"
    proven = fleet_command(commands, "verify", on_fleet.verify, text)
    proven.add_argument(
        "--anchors",
        type=Path,
        metavar="FILE",
        help="also find each of these anchors in the journals (anchors.jsonl, or published events)",
    )


def _add_drill(commands: Commands) -> None:
    text = "play faults against a scratch copy of a fleet: what is seen, who is told, how soon"
    parser = fleet_command(commands, "drill", on_fleet.drill, text)
    parser.add_argument(
        "fault", nargs="?", metavar="FAULT", help="one fault of docs/drills.md (default: all)"
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="whose team and alert rules are used (default: the first model in fleet.yaml)",
    )


def _add_page_test(commands: Commands) -> None:
    text = "send a marked test to a receiver, and its end: what the vendor answers"
    parser = fleet_command(commands, "page-test", on_fleet.page_test, text)
    add_target(parser, ("RECEIVER", "name of a receiver in fleet.yaml"))


def _add_backtest(commands: Commands) -> None:
    text = (
        "replay past days: the alerts that would have fired, and thresholds for a budget of pages"
    )
    parser = fleet_command(commands, "backtest", on_files.backtest, text)
    parser.add_argument(
        "of",
        nargs="*",
        metavar="MODEL",
        help="needed where there are several models; a fleet.yaml may precede it",
    )
    parser.add_argument(
        "--data",
        type=path,
        metavar="PATH",
        help="past rows with a column `day` (default: the windows in the store)",
    )
    parser.add_argument(
        "--months",
        type=float,
        default=6.0,
        metavar="N",
        help="replay the newest N months (default: %(default)g)",
    )
    parser.add_argument(
        "--budget",
        default="1 page/month",
        metavar="TEXT",
        help="most pages per day, week, month, quarter or year (default: %(default)s)",
    )
    add_limits(parser)
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write an HTML page to FILE")
    parser.add_argument("--write", action="store_true", help="write the thresholds to fleet.yaml")


def _add_report(commands: Commands) -> None:
    text = "draw a window's rows beside its reference's, with Evidently"
    parser = fleet_command(commands, "report", on_fleet.report, text)
    add_target(parser, MODEL)
    parser.add_argument(
        "--window",
        dest="first",
        metavar="DAY",
        help="day of the window, as 2026-01-31 (default: the newest)",
    )
    parser.add_argument(
        "--html",
        type=Path,
        metavar="FILE",
        help="write the report to FILE (default: report-MODEL-ID.html)",
    )
    add_author(parser)


#: In the order of `driftwarden --help`.
COMMANDS: tuple[Callable[[Commands], None], ...] = (
    _add_check,
    _add_init,
    _add_validate,
    _add_slo,
    _add_push,
    _add_replay,
    _add_serve,
    _add_views,
    _add_drill,
    _add_page_test,
    _add_backtest,
    _add_report,
    add_changes,
)
