"""Temporary files of the local host: named by their process, and removed when it has ended."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from hosts import folders
from hosts.local.models.processes import mark_of, runs

SUFFIX = ".part"
_NAME = re.compile(rf"\.(\d+)-(\d+)-.*{re.escape(SUFFIX)}")


def prefix() -> str:
    """Return what the names of this process's temporary files begin with."""
    return _prefix(os.getpid())


@cache
def _prefix(pid: int) -> str:
    return f".{mark_of(pid).replace(':', '-')}-"


def remove(root: Path, *, own: bool = False) -> int:
    """Remove temporary files and folders below `root` whose process has ended; count them.

    With `own` those of this process, too: it is about to end.
    """
    gone = 0
    for path in folders.below(root):
        found = _NAME.fullmatch(path.name)
        if found is None:
            continue
        maker = f"{found[1]}:{found[2]}"
        if runs(maker) and not (own and maker == mark_of(os.getpid())):
            continue
        with suppress(OSError):
            folders.remove(path)
        gone += 1
    return gone
