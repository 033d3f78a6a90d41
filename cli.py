"""The operator's command line: decode, one service verb or host command, encode."""

from __future__ import annotations

import argparse
import getpass
import io
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.errors import Broken, Refused, Unavailable

if TYPE_CHECKING:
    from fleet.commands import Command
    from hosts.local.host import LocalHost
    from monitoring.drift.report import Report

OK, FAILED, REFUSED = 0, 1, 2
Handler = Callable[[argparse.Namespace], int]


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 what broke, 2 what was refused."""
    _spell_all()
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except Refused as error:
        return _say(f"driftwarden {arguments.command}: {error}", REFUSED)
    except (Broken, Unavailable) as error:
        return _say(f"driftwarden {arguments.command}: {error}", FAILED)
    except UnicodeEncodeError as error:
        text = f"{error.object!a} cannot be spelled in this locale; set PYTHONUTF8=1"
        return _say(f"driftwarden {arguments.command}: {text}", REFUSED)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _spell_all() -> None:
    """Let no name stop the output: what the locale cannot spell is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="driftwarden", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_check(commands)
    init = commands.add_parser("init", help="write a first fleet.yaml from a sample of your data")
    init.add_argument("--from", dest="sample", type=Path, required=True, metavar="PATH")
    init.add_argument("--out", type=Path, default=Path("fleet.yaml"), metavar="FILE")
    init.set_defaults(run=_init)
    validate = commands.add_parser("validate", help="name everything wrong with a fleet.yaml")
    validate.add_argument("file", type=Path)
    validate.set_defaults(run=_validate)
    replay = _on_fleet(commands, "replay", _replay, "push a recorded time through the fleet")
    replay.add_argument("--from", dest="first", type=date.fromisoformat, metavar="D")
    replay.add_argument("--to", dest="last", type=date.fromisoformat, metavar="D")
    replay.add_argument("--summary", type=Path, metavar="FILE")
    replay.add_argument("--fresh", action="store_true", help="do not resume an interrupted replay")
    serve = _on_fleet(commands, "serve", _serve, "serve triggers, API and dashboard")
    serve.add_argument("--port", type=int, default=7071)
    _on_fleet(commands, "status", _view("models"), "who serves, and how it stands")
    _on_fleet(commands, "alerts", _view("alerts"), "what fires, and what mutes it")
    shown = _on_fleet(commands, "journal", _journal, "what was decided, and why")
    shown.add_argument("model")
    shown.add_argument("--since", metavar="T")
    _on_fleet(commands, "verify", _verify, "walk every journal's chain of hashes")
    _add_backtest(commands)
    _add_report(commands)
    _add_commands(commands)
    return parser


def _add_check(commands: Any) -> None:
    from commands.check import check

    parser = commands.add_parser("check", help="compare two data sets, once")
    check.add_arguments(parser)
    parser.set_defaults(run=check.run, draw=_draw_check)


def _draw_check(report: Report, sides: tuple[str, str], now: datetime) -> str:
    from dashboards import pages

    return pages.check(report, sides, now)


def _add_backtest(commands: Any) -> None:
    text = "what would have fired over past days, and thresholds for a budget of pages"
    parser = _on_fleet(commands, "backtest", _backtest, text)
    parser.add_argument(
        "of", nargs="*", metavar="MODEL", help="left out where there is one; fleet.yaml before it"
    )
    parser.add_argument("--data", type=Path, metavar="PATH", help="past rows with a column `day`")
    parser.add_argument("--months", type=float, default=6.0, metavar="N")
    parser.add_argument("--budget", default="1 page/month", metavar="TEXT")
    parser.add_argument("--html", type=Path, metavar="FILE", help="draw it, too")
    parser.add_argument("--write", action="store_true", help="put the thresholds into fleet.yaml")


def _backtest(arguments: argparse.Namespace) -> int:
    from commands import backtest
    from dashboards import pages

    words = list(arguments.of)
    if words and Path(words[0]).suffix in (".yaml", ".yml"):
        arguments.fleet = Path(words.pop(0))
    if len(words) > 1:
        raise Refused(f"backtest plays one model at a time; these are {', '.join(words)}")
    arguments.model = words[0] if words else None
    backtest.run(arguments, pages.backtest)
    return OK


def _on_fleet(commands: Any, name: str, run: Handler, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    default = Path(os.environ.get("DRIFTWARDEN_FLEET", "fleet.yaml"))
    parser.add_argument("--fleet", type=Path, default=default, metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)
    return parser


def _add_commands(commands: Any) -> None:
    """Everything that changes something says who asked, and why."""
    for name, target, text in (
        ("ack", "alert", "take an alert: no more reminders"),
        ("silence", "model", "send nothing about a model for a while"),
        ("unsilence", "id", "lift a silence"),
        ("freeze", "model", "hold retraining and promotion"),
        ("unfreeze", "model", "lift a freeze"),
        ("retrain", "model", "start a retraining"),
        ("approve", "rollout", "let a rollout take live traffic"),
        ("rollback", "model", "end a rollout; the champion serves"),
        ("resume", "model", "lift a halt, once its cause is mended"),
        ("reference", "model", "hold windows against other days from now on"),
    ):
        parser = _on_fleet(commands, name, _command, text)
        several = name in ("freeze", "unfreeze")
        parser.add_argument("target", metavar=target.upper(), nargs="?" if several else None)
        parser.add_argument("--by", default=None, metavar="NAME")
        parser.add_argument("--reason", default="", metavar="TEXT")
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


def _add_report(commands: Any) -> None:
    text = "draw a window's rows beside its reference's, with Evidently"
    parser = _on_fleet(commands, "report", _report, text)
    parser.add_argument("target", metavar="MODEL")
    parser.add_argument(
        "--window",
        dest="first",
        metavar="D",
        help="a day that is still known; left out: the newest",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="where it is written")
    parser.add_argument("--by", default=None, metavar="NAME")
    parser.add_argument("--reason", default="", metavar="TEXT")


def _init(arguments: argparse.Namespace) -> int:
    from commands.init import write_first

    print(write_first(arguments.sample, arguments.out))
    return OK


def _validate(arguments: argparse.Namespace) -> int:
    from hosts import read_config

    try:
        config = read_config(arguments.file)
    except Refused as error:
        # Bare lines: editors and CI jump to `fleet.yaml:41:`.
        return _say(str(error), REFUSED)
    # Late: a document that is wrong is told without a second of imports.
    from commands.references import look

    seen = look(config, arguments.file)
    for line in (*seen.faults, *seen.notes):
        _say(line, REFUSED)
    if seen.faults:
        return REFUSED
    print(f"{arguments.file}: {len(config.fleet.models)} models, nothing wrong")
    return OK


@contextmanager
def _host(arguments: argparse.Namespace) -> Iterator[LocalHost]:
    import function_app
    from hosts import open_host

    host = cast("LocalHost", open_host(arguments.fleet))
    function_app.use(host)
    try:
        host.service.begin()
        yield host
    finally:
        host.close()


def _replay(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    import function_app
    from commands.replay import rehearse
    from dashboards import summary
    from hosts.local.files import replace_file

    options = rehearse.Options(
        arguments.fleet, arguments.first, arguments.last, arguments.summary, arguments.fresh
    )
    console = Console(stderr=arguments.json)
    told = rehearse.replay(function_app.app, function_app.use, options, console)
    document = summary.summary(told.model, told.records, told.rows.__getitem__, told.seconds)
    replace_file(told.target, json.dumps(document, indent=1).encode() + b"\n")
    if arguments.json:
        print(json.dumps(document))
    console.print(summary.text(document))
    console.print(f"summary: {told.target}")
    return OK


def _serve(arguments: argparse.Namespace) -> int:
    import function_app
    from hosts.local.opening import serve_fleet

    with _host(arguments) as host:
        serve_fleet(host, function_app.app, arguments.port)
    return OK


def _view(view: str) -> Handler:
    def show(arguments: argparse.Namespace) -> int:
        with _host(arguments) as host:
            return _print(host.service.read(view), arguments.json, view)

    return show


def _journal(arguments: argparse.Namespace) -> int:
    with _host(arguments) as host:
        found = host.service.read("journal", arguments.model, arguments.since)
        return _print(found, arguments.json, "journal")


def _verify(arguments: argparse.Namespace) -> int:
    from commands.operate import verify

    with _host(arguments) as host:
        found = verify(host)
        return _print({"verified": True, "records": found}, arguments.json, "verify")


def _command(arguments: argparse.Namespace) -> int:
    import function_app
    from commands import operate

    with _host(arguments) as host:
        command = _asked(arguments, host.clock.now())
        concerned = operate.ask(host, function_app.app, command)
        return _print({"id": command.id, "accepted": concerned}, arguments.json, "command")


def _asked(arguments: argparse.Namespace, now: datetime) -> Command:
    from commands import operate
    from fleet.commands import Command

    target = arguments.target
    if hasattr(arguments, "every"):
        target = operate.everybody(target, arguments.every)
    if getattr(arguments, "feature", None):
        target = f"{target}/{arguments.feature}"
    until = getattr(arguments, "until", None)
    return Command(
        arguments.command,
        target,
        arguments.by or getpass.getuser(),
        arguments.reason,
        uuid.uuid4().hex[:12],
        operate.instant(until, now) if until else None,
        *operate.source(arguments),
    )


def _report(arguments: argparse.Namespace) -> int:
    import function_app
    from commands import operate
    from fleet.model.report_links import place
    from hosts.local.files import replace_file

    with _host(arguments) as host:
        command = _asked(arguments, host.clock.now())
        page = operate.report(host, function_app.app, command)
        where = place(command.target, command.id)
        if page is not None:
            where = str(arguments.html or Path(f"report-{command.target}-{command.id}.html"))
            replace_file(Path(where), page)
        return _print({"id": command.id, "report": where}, arguments.json, "report")


def _print(found: Any, as_json: bool, view: str) -> int:
    if as_json:
        print(json.dumps(found))
    else:
        from commands.showing import show

        show(found, view)
    return OK


if __name__ == "__main__":
    sys.exit(main())
