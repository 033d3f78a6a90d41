"""Watch, retrain and roll out machine-learning models in production."""

from __future__ import annotations

import argparse
import sys

from commands import ending, output
from commands.app import App
from commands.parser import COMMANDS

NO_OUTPUT = "driftwarden: standard output is closed; to discard it, redirect it to /dev/null"


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code, which README lists.

    Whatever goes wrong is one line on standard error and no traceback.
    """
    with output.guarded(), ending.stoppable():
        if sys.stdout is None:
            return _say(NO_OUTPUT, ending.REFUSED)
        command = ""
        try:
            try:
                arguments = _parser().parse_args(words)
                command = arguments.command
                return int(arguments.run(arguments))
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            return _say("interrupted", ending.INTERRUPTED)
        except Exception as error:  # noqa: BLE001 - a traceback would exit with 1, a finding
            name = f"driftwarden {command}".rstrip()
            return _say(f"{name}: {ending.told(error)}", ending.code_of(command, error))


def _say(text: str, code: int) -> int:
    output.tell(text)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="driftwarden", description=__doc__)
    parser.set_defaults(app=_app)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser


def _app() -> App:
    import function_app

    return App(function_app.app, function_app.use)


if __name__ == "__main__":
    sys.exit(main())
