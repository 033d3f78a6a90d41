"""The machine's clock, and the pause after a lost race."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime


class SystemClock:
    """The clock of the machine, in UTC."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


def backing_off(seconds: float) -> Callable[[int], None]:
    """Return a pause that grows with every lost race: `seconds` after the first."""

    def pause(lost: int) -> None:
        # The process id spreads the workers out.
        time.sleep(seconds * lost * (1 + (os.getpid() % 7) / 7))

    return pause
