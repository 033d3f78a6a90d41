"""Spares a receiver that just failed: no message is tried until its delay is over, then one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock

SHORTEST = timedelta(seconds=10)
#: Two minutes with the jitter of a try: no page waits longer for its receiver.
LONGEST = timedelta(seconds=96)


@dataclass(frozen=True)
class Trip:
    """A receiver that failed `failures` times in a row, for a reason; no try before `until`.

    `exact` is the delay that it asked for by name, which nothing shortens.
    """

    reason: str
    failures: int
    delay: timedelta
    until: datetime
    exact: timedelta = timedelta(0)


class Breaker:
    """Remembers failed receivers as long as the process lives; threads may share it."""

    def __init__(self) -> None:
        self._trips: dict[str, Trip] = {}
        self._lock = Lock()

    def admit(self, name: str, now: datetime) -> Trip | None:
        """Return None where receiver `name` may be tried; the caller tells how that ended.

        The next try is due after the delay of the last, even if nobody tells.
        """
        with self._lock:
            trip = self._trips.get(name)
            # A clock that was set back must not extend the delay.
            if trip is not None and timedelta(0) < trip.until - now <= trip.delay:
                return trip
            if trip is not None:
                self._trips[name] = replace(trip, until=now + trip.delay)
            return None

    def failed(self, name: str, reason: str, delay: timedelta, now: datetime) -> None:
        """Note a failure and the delay that the receiver asked for; it doubles with each."""
        with self._lock:
            failures = self._trips[name].failures + 1 if name in self._trips else 1
            grown = max(delay, SHORTEST) * 2 ** min(failures - 1, 8)
            bounded = min(grown, LONGEST)
            self._trips[name] = Trip(reason, failures, bounded, now + bounded)

    def limited(self, name: str, reason: str, delay: timedelta, now: datetime) -> None:
        """Note that a receiver takes nothing before `delay` is over."""
        with self._lock:
            failures = self._trips[name].failures + 1 if name in self._trips else 1
            waits = max(delay, SHORTEST)
            self._trips[name] = Trip(reason, failures, waits, now + waits, exact=waits)

    def answered(self, name: str) -> None:
        """Note that the receiver answered."""
        with self._lock:
            self._trips.pop(name, None)
