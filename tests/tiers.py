"""Which tests are quick, and what holds them to it.

`make quick` runs the unit tests and the doctests that stay inside the process. A fixture that
starts a process or opens a socket asks for the fixture `outside`; a test that does it itself is
marked with it (`pytest.mark.usefixtures("outside")`). Every other test below `tests/unit` gets the
marker `quick`, and fails in every run when it goes outside nevertheless.
"""

from __future__ import annotations

import multiprocessing.util
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
UNIT = TESTS / "unit"
OUTSIDE = "outside"
#: Audit events of the interpreter: https://docs.python.org/3/library/audit_events.html
EVENTS = frozenset(
    {
        "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn",
        "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname",
        "socket.sendmsg", "socket.sendto", "subprocess.Popen",
    }
)  # fmt: skip


class WentOutside(AssertionError):
    """A quick test started a process or opened a socket."""


class Guard:
    """Refuse what leaves the process, in the thread that watches and while it does.

    Audit hooks see what the interpreter does, by whatever name it was called. Python cannot remove
    one, so there is one a process, which does nothing while nobody watches.
    """

    def __init__(self) -> None:
        self._thread = 0
        self._seen: list[str] = []
        sys.addaudithook(self._audit)
        # The one way to start a process that the interpreter does not audit.
        spawn = multiprocessing.util.spawnv_passfds

        def audited(path: bytes, words: Sequence[str], kept: Sequence[int]) -> int:
            sys.audit("subprocess.Popen", path, words, None, None)
            return spawn(path, words, kept)

        multiprocessing.util.spawnv_passfds = audited

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Refuse, and fail afterwards where the refusal was swallowed."""
        self._thread = threading.get_ident()
        self._seen = []
        try:
            yield
        finally:
            self._thread = 0
        if self._seen:
            raise WentOutside(f"{', '.join(self._seen)}: {ADVICE}")

    def _audit(self, event: str, _: tuple[object, ...]) -> None:
        if self._thread and event in EVENTS and threading.get_ident() == self._thread:
            self._seen.append(event)
            raise WentOutside(f"{event}: {ADVICE}")


ADVICE = 'quick tests start no process and open no socket; ask for the fixture "outside"'


def quick(item: pytest.Item) -> bool:
    """Tell whether a test has to stay inside the process."""
    below_unit = item.path.is_relative_to(UNIT)
    doctest = isinstance(item, pytest.DoctestItem)
    named = getattr(item, "fixturenames", ())
    return (below_unit or doctest) and OUTSIDE not in named


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick ones, before `-m` selects."""
    for item in items:
        if quick(item) and item.get_closest_marker("slow") is None:
            item.add_marker(pytest.mark.quick)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Hold a quick test's fixtures to it."""
    with _held(item):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold a quick test to it."""
    with _held(item):
        yield


GUARD = Guard()


@contextmanager
def _held(item: pytest.Item) -> Iterator[None]:
    if quick(item):
        with GUARD.watching():
            yield
    else:
        yield
