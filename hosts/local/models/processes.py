"""Processes that run the user's code: their environment, and whether one still runs."""

from __future__ import annotations

import ctypes
import os
import re
import signal
from contextlib import suppress
from pathlib import Path

SET_DUMPABLE = 4
CONTAINER = Path("/sys/fs/cgroup/memory.max")
PLAIN = re.compile(
    r"PATH|HOME|USER|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|VIRTUAL_ENV"
    r"|PYTHON(PATH|HASHSEED|UTF8)|\w+_NUM_THREADS"
)


def plain_environment() -> dict[str, str]:
    """Return the environment for the user's code, without this process's secrets."""
    return {name: value for name, value in os.environ.items() if PLAIN.fullmatch(name)}


def close_memory() -> None:
    """Close the memory and the first environment of this process to others of its user (Linux).

    The user's code runs as the same user, which may otherwise read /proc/PID/environ of its parent.
    Sources: prctl(2), PR_SET_DUMPABLE; proc(5). Root may read them all the same.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).prctl(SET_DUMPABLE, 0, 0, 0, 0)


def memory_limit() -> int:
    """Return the bytes that one process of the user's code may take: half of the memory there is.

    In a container that is the container's.
    """
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        # "max" is no limit: "Control Group v2", memory.max, in the Linux documentation.
        there = min(there, int(CONTAINER.read_text()))
    return there // 2


def mark_of(pid: int) -> str:
    """Return `pid:start`, which no later process shares, or "" where none runs (Linux procfs)."""
    try:
        # The name before the last parenthesis may hold blanks; proc(5) counts it as field 2.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, start = fields[0], fields[19]
    return "" if state == "Z" else f"{pid}:{start}"


def runs(mark: str) -> bool:
    """Tell whether the marked process itself still runs."""
    return mark != "" and mark_of(int(mark.partition(":")[0])) == mark


def kill_group(mark: str) -> None:
    """Kill a marked process and its group, if it still runs."""
    if runs(mark):
        with suppress(ProcessLookupError):
            os.killpg(int(mark.partition(":")[0]), signal.SIGKILL)
