"""How a command ends: its exit code, and the one line that tells why."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb
from types import FrameType

from commands.output import Lost
from engine.errors import Broken, DriftwardenError, Unavailable

OK, FAILED, REFUSED, INSUFFICIENT, INTERRUPTED = 0, 1, 2, 3, 130
#: `check`, `drill`, `slo` and `verify` judge: their 1 is a finding, and a failure without one is 2.
FINDING = FAILED
SIGNALLED = 128

#: The errors that a command answers with 1.
FAILURES: dict[str, tuple[type[DriftwardenError], ...]] = {
    "check": (),
    "drill": (),
    "slo": (),
    "verify": (Broken,),
}
OTHERS = (Broken, Unavailable)
#: The packages whose lines are named in a message.
OWN = frozenset(
    {"engine", "monitoring", "retrain", "fleet", "dashboards", "hosts", "commands", "cli"}
)


def code_of(command: str, error: Exception) -> int:
    """Return the exit code of a command that an error ended."""
    return FAILED if isinstance(error, FAILURES.get(command, OTHERS)) else REFUSED


def told(error: Exception) -> str:
    """Return what happened and where; one line, unless an expected error has several."""
    if isinstance(error, (DriftwardenError, Lost)):
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        return f"{error.object!a} cannot be encoded in this locale; set PYTHONUTF8=1"
    if isinstance(error, MemoryError):
        return f"out of memory in {_place(error)}; give it more, or less data"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror} ({type(error).__name__} in {_place(error)})"
    text = " ".join(str(error).split())
    said = f": {text}" if text else ""
    return f"unexpected {type(error).__name__} in {_place(error)}{said}; please report it"


def _place(error: Exception) -> str:
    """Return the innermost line of this project, or of a library where there is none."""
    frames = [
        (str(frame.f_globals.get("__name__")), line) for frame, line in walk_tb(error.__traceback__)
    ]
    own = [one for one in frames if one[0].split(".")[0] in OWN] or frames or [("driftwarden", 0)]
    return f"{own[-1][0]}, line {own[-1][1]}"


@contextmanager
def stoppable() -> Iterator[None]:
    """End the command at SIGTERM or SIGHUP as at an exception, so that its files are removed.

    A signal that is ignored, as under nohup, stays so.
    """
    held = {}
    if threading.current_thread() is threading.main_thread():
        kinds = (signal.SIGTERM, signal.SIGHUP)
        held = {one: signal.getsignal(one) for one in kinds}
    for one, handler in held.items():
        if handler is signal.SIG_DFL:
            signal.signal(one, _stop)
    try:
        yield
    finally:
        for one, handler in held.items():
            signal.signal(one, handler)


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(SIGNALLED + number)
