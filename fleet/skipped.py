"""What a listing of log files leaves out: remembered until it was told, and told once."""

from __future__ import annotations

from collections import deque

from engine.errors import Refused
from engine.texts import cut, visible
from fleet.envelope import sound

#: Of a path that is told; a reason has 500 characters.
SHOWN = 300
#: Paths that are remembered as told; the oldest is forgotten first.
KNOWN = 5_000


class Skipped:
    """The paths that listings left out, each with the reason.

    A file is told again where 5,000 others were told meanwhile, or by another process.
    """

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._waiting: deque[tuple[str, str]] = deque()

    def keeps(self, path: str) -> bool:
        """Whether every store can keep a path; one that none can is skipped."""
        try:
            sound(path, "its path")
        except Refused as error:
            self.add(path, str(error))
            return False
        return True

    def add(self, path: str, reason: str) -> None:
        """Remember that a path was left out, unless that was told before."""
        if path in self._known:
            return
        if len(self._known) >= KNOWN:
            self._known.pop(next(iter(self._known)), None)
        self._known[path] = None
        self._waiting.append((cut(visible(path), SHOWN), reason))

    def first(self) -> tuple[str, str] | None:
        """Return what has waited for longest to be told: a path as it can be shown, and why."""
        return self._waiting[0] if self._waiting else None

    def told(self) -> None:
        """Forget what has waited for longest: it was told."""
        self._waiting.popleft()
