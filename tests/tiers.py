"""Which tests are quick, and what holds them to it.

`make quick` runs the unit tests and the doctests that stay in the process. A fixture that starts a
process or opens a socket asks for the fixture `outside`, one that computes for more than a second
for `heavy`; a test that does so itself is marked with it (`pytest.mark.usefixtures("outside")`).
Every other test below `tests/unit` gets the marker `quick`. A unit test that leaves the process
without asking for `outside` fails in every run.
"""

from __future__ import annotations

import multiprocessing.util
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.doctest import DoctestModule

TESTS = Path(__file__).parent
UNIT = TESTS / "unit"
OUTSIDE, HEAVY = "outside", "heavy"
#: Audit events of the interpreter: https://docs.python.org/3/library/audit_events.html
EVENTS = frozenset(
    {
        "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn",
        "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname",
        "socket.sendmsg", "socket.sendto", "subprocess.Popen",
    }
)  # fmt: skip


ADVICE = 'a unit test that starts a process or opens a socket asks for the fixture "outside"'


class WentOutside(AssertionError):
    """A unit test started a process or opened a socket without asking for `outside`."""


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

        def audited(path: bytes, args: Sequence[Any], passfds: Sequence[int]) -> int:
            sys.audit("subprocess.Popen", path, args, None, None)
            return spawn(path, args, passfds)

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


def asks_for(item: pytest.Item, fixture: str) -> bool:
    """Tell whether a test uses a fixture, itself or by way of others."""
    return fixture in getattr(item, "fixturenames", ())


def inside(item: pytest.Item) -> bool:
    """Tell whether a test has to stay in the process."""
    unit = item.path.is_relative_to(UNIT) or isinstance(item, pytest.DoctestItem)
    return unit and not asks_for(item, OUTSIDE)


def quick(item: pytest.Item) -> bool:
    """Tell whether `make quick` runs a test."""
    slow = item.get_closest_marker("slow") is not None
    return inside(item) and not slow and not asks_for(item, HEAVY)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path,
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Look for no doctests below `tests`: there are none, and each file would be read twice."""
    found = yield
    if not file_path.is_relative_to(TESTS):
        return found
    return [one for one in found if not isinstance(one, DoctestModule)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick ones, before `-m` selects."""
    for item in items:
        if quick(item):
            item.add_marker(pytest.mark.quick)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Hold a unit test's fixtures to the process."""
    with _held(item):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Hold a unit test to the process."""
    with _held(item):
        yield


GUARD = Guard()


@contextmanager
def _held(item: pytest.Item) -> Iterator[None]:
    if inside(item):
        with GUARD.watching():
            yield
    else:
        yield
