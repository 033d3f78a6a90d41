"""How often something outside is looked at: more rarely while it fails, and told if that lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.errors import DriftwardenError, Unavailable

#: A fault that lasts for so long is told.
PATIENCE = timedelta(minutes=10)
#: Ticks are not a minute apart to the millisecond.
EARLY = timedelta(seconds=30)


@dataclass
class Pace:
    """When it was looked at, since when that fails, and the wait that a service asked for.

    After a fault the next look waits as long as the fault has lasted, up to `longest`.
    """

    longest: timedelta
    looked: datetime | None = None
    failing: datetime | None = None
    delay: timedelta = timedelta(0)

    def due(self, every: timedelta, now: datetime) -> bool:
        """Whether it is time for a look."""
        wait = max(every, min(self.delay, self.longest))
        if self.failing is not None and self.looked is not None:
            wait = max(wait, min(self.looked - self.failing, self.longest))
        # The clock may have been set back.
        return self.looked is None or not self.looked < now < self.looked + wait - EARLY

    def failed(self, error: DriftwardenError, now: datetime) -> str:
        """Note a fault; return it where it has lasted, else an empty text."""
        self.looked, self.failing = now, self.failing or now
        self.delay = error.delay if isinstance(error, Unavailable) else timedelta(0)
        return str(error) if now - self.failing >= PATIENCE else ""

    def done(self, now: datetime) -> None:
        """Note a look that found out how things are."""
        self.looked, self.failing, self.delay = now, None, timedelta(0)
