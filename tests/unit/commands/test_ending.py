"""Every error ends a command with its code and one line; a signal ends it in order."""

from __future__ import annotations

import errno
import os
import signal
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pytest

import cli
from commands import on_files, on_fleet
from commands.ending import code_of, stoppable, told
from engine.errors import Broken, NotFound, Refused, TooLarge, Unavailable

WORDS = {
    "check": ("check", "--reference", "a", "--current", "b"),
    "init": ("init", "--from", "a"),
    "validate": ("validate", "a"),
    "status": ("status",),
    "verify": ("verify",),
    "retrain": ("retrain", "churn"),
}
RUN = {
    "check": (on_files, "check"),
    "init": (on_files, "init"),
    "validate": (on_files, "validate"),
    "status": (on_fleet, "status"),
    "verify": (on_fleet, "verify"),
    "retrain": (on_fleet, "change"),
}


def raised(error: BaseException) -> Callable[[Namespace], int]:
    def run(_: Namespace) -> int:
        raise error

    return run


UNEXPECTED = [
    KeyError("x"),
    ValueError("one\ntwo"),
    AssertionError(),
    MemoryError(),
    RecursionError("too deep"),
    ZeroDivisionError("division by zero"),
    OSError(errno.ENOSPC, "No space left on device", "a.csv"),
    PermissionError(errno.EACCES, "Permission denied"),
    BrokenPipeError(errno.EPIPE, "Broken pipe"),
    pa.ArrowInvalid("a\nb"),
    pa.ArrowMemoryError("malloc of size 9 failed"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"),
]


@pytest.mark.parametrize("command", WORDS)
@pytest.mark.parametrize("error", UNEXPECTED, ids=lambda error: type(error).__name__)
def test_an_unexpected_error_is_two_and_one_line(
    command: str,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(*RUN[command], raised(error))
    assert cli.main(list(WORDS[command])) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert line.startswith(f"driftwarden {command}: ")


@pytest.mark.parametrize(
    ("command", "error", "code"),
    [
        ("check", Refused("no"), 2),
        ("check", Broken("no"), 2),
        ("check", Unavailable("no"), 2),
        ("drill", Broken("no"), 2),
        ("drill", Unavailable("no"), 2),
        ("verify", Broken("the chain"), 1),
        ("verify", TooLarge("a row"), 1),
        ("verify", Unavailable("the store"), 2),
        ("verify", Refused("no"), 2),
        ("status", Broken("no"), 1),
        ("status", Unavailable("no"), 1),
        ("status", NotFound("no"), 2),
        ("retrain", Unavailable("no"), 1),
        ("", ValueError("no"), 2),
    ],
)
def test_one_is_no_failure_of_a_command_that_judges(
    command: str, error: Exception, code: int
) -> None:
    assert code_of(command, error) == code


def _fails(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Refused("a.csv: no rows"), "a.csv: no rows"),
        (KeyError("x"), "unexpected KeyError in PLACE: 'x'; please report it"),
        (ValueError("one\n two"), "unexpected ValueError in PLACE: one two; please report it"),
        (AssertionError(), "unexpected AssertionError in PLACE; please report it"),
        (MemoryError(), "out of memory in PLACE; give it more, or less data"),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.csv"),
            "a.csv: Permission denied (PermissionError in PLACE)",
        ),
    ],
)
def test_a_line_says_what_and_where(error: Exception, line: str) -> None:
    place = f"{__name__}, line {_fails.__code__.co_firstlineno + 2}"
    assert told(_fails(error)) == line.replace("PLACE", place)


def test_the_place_is_the_innermost_line_of_the_project(tmp_path: Path) -> None:
    from hosts.tables.table_files import file_format

    with pytest.raises(OSError) as caught:
        file_format(tmp_path / "nowhere")
    assert "hosts.tables.table_files, line " in told(caught.value)


def test_an_interrupt_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(on_files, "check", raised(KeyboardInterrupt()))
    assert cli.main(list(WORDS["check"])) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_unwinds_what_is_open(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    closed: list[int] = []

    def killed() -> None:
        with stoppable(), ExitStack() as stack:
            stack.callback(closed.append, number)
            os.kill(os.getpid(), number)

    with pytest.raises(SystemExit) as ended:
        killed()
    assert (ended.value.code, closed) == (128 + number, [number])
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
