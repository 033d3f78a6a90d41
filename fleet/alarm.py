"""Rings for a partition at a moment, for wakes that cannot wait for the timer of each minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from engine.head import Head
from monitoring.alerts.routing import OnCall

#: From one run of the timer, which rings for what is due, to the next.
TICK = timedelta(minutes=1)
#: Rings for a partition at a moment; losing a call loses nothing but time.
Later = Callable[[str, datetime], None]


def by_the_timer(partition: str, at: datetime) -> None:
    """Leave a wake to the timer."""
    del partition, at


class Alarm:
    """Rings once for each moment; what it remembers may be lost."""

    def __init__(self, later: Later) -> None:
        self._later = later
        self._set: dict[str, datetime] = {}

    def after(self, partition: str, head: Head, now: datetime) -> None:
        """Ring when a team's partition wakes next, where a page may wait for its receiver."""
        if head.wake_at is None:
            return
        state: OnCall = head.state
        soon = now < head.wake_at < now + TICK and bool(state.receivers)
        if soon and self._set.get(partition) != head.wake_at:
            self._set[partition] = head.wake_at
            self._later(partition, head.wake_at)
