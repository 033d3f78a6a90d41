"""Watch, retrain and roll out machine-learning models in production."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from commands.app import App
from commands.parser import COMMANDS
from engine.errors import Broken, Refused, Unavailable

OK, FAILED, REFUSED = 0, 1, 2


class Terminated(KeyboardInterrupt):
    """Somebody asked the process to end."""


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 what broke, 2 what was refused."""
    _spell_all()
    arguments = _parser().parse_args(words)
    try:
        with _terminable():
            return int(arguments.run(arguments))
    except Refused as error:
        return _say(f"driftwarden {arguments.command}: {error}", REFUSED)
    except (Broken, Unavailable) as error:
        return _say(f"driftwarden {arguments.command}: {error}", FAILED)
    except UnicodeEncodeError as error:
        text = f"{error.object!a} cannot be encoded in this locale; set PYTHONUTF8=1"
        return _say(f"driftwarden {arguments.command}: {text}", REFUSED)
    except Terminated:
        return _say("terminated", 128 + signal.SIGTERM)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that its temporary files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise Terminated


def _spell_all() -> None:
    """Escape characters that the locale cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
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
