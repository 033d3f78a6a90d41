"""How many messages a vendor takes in a time, and what waits when that is nearly used up.

Tickets leave the last fifth of a limit to pages. In that fifth a message lists what waits, too, so
that no limit, however low, loses a page.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock

from engine.errors import Unavailable
from fleet.document.limits import Limit
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import LISTED, Page

#: How long a page waits for others before the last message of a limit lists them.
COLLECT = timedelta(seconds=10)
#: Messages that are remembered: more than wait for one receiver.
KEPT = 2000
#: Events that nobody is woken by.
QUIET = ("acknowledged", "resolved", "unsilenced", "restored", "changed")


class Held(Unavailable):
    """A message that waits for a vendor's limit; `quiet` where nobody is woken by it."""

    def __init__(self, page: Page, delay: timedelta, limit: Limit) -> None:
        words = f"waits, because it takes {limit.count} messages in {limit.per} (rateLimited)"
        super().__init__(f"receiver {page.receiver}: {words}", delay, delay)
        self.quiet = not wakes(page)


def wakes(page: Page) -> bool:
    """Tell whether somebody is woken by a message."""
    return page.severity is Severity.PAGE and page.event not in QUIET


class Budget:
    """Counts the messages to one receiver as long as the process lives; threads may share it."""

    def __init__(self, limits: tuple[Limit, ...]) -> None:
        self._limits = limits
        self._tried: deque[datetime] = deque()
        self._waiting: dict[str, Page] = {}
        self._since: dict[str, datetime] = {}
        self._listed: dict[str, None] = {}
        self._telling: dict[str, tuple[str, ...]] = {}
        self._lock = Lock()

    def admit(self, page: Page, now: datetime) -> Page | None:
        """Return what may be sent now in place of a page; None where a list has told of it.

        Raises
        ------
        Held
            It has to wait.
        """
        with self._lock:
            if page.key in self._listed:
                return None
            limit, room, free = self._tightest(now)
            if room <= (0 if wakes(page) else limit.reserve):
                self._hold(page, max(free - now, COLLECT), limit, now)
            lists = room <= limit.reserve
            if lists and room == 1 and now < self._since.get(page.key, now) + COLLECT:
                self._hold(page, COLLECT, limit, now)
            self._tried.append(now)
            if not lists:
                return page
            rest = [one for key, one in self._waiting.items() if key != page.key]
            self._telling[page.key] = tuple(one.key for one in rest)
            return listing(page, rest)

    def sent(self, page: Page) -> None:
        """Note that what `admit` returned for a page was accepted."""
        with self._lock:
            for key in (page.key, *self._telling.pop(page.key, ())):
                self._waiting.pop(key, None)
                self._since.pop(key, None)
                if key != page.key:
                    self._listed[key] = None
            for key in list(self._listed)[:-KEPT]:
                del self._listed[key]

    def returned(self, now: datetime) -> None:
        """Note that a message tried at `now` did not get as far as to be counted."""
        with self._lock:
            if now in self._tried:
                self._tried.remove(now)

    def _tightest(self, now: datetime) -> tuple[Limit, int, datetime]:
        """Return the limit with the least room, that room, and when there is more."""
        longest = max(limit.per for limit in self._limits)
        while self._tried and not now - longest < self._tried[0] <= now:
            self._tried.popleft()
        found: list[tuple[int, datetime, Limit]] = []
        for limit in self._limits:
            within = [at for at in self._tried if at > now - limit.per]
            room = limit.count - len(within)
            found.append((room, within[0] + limit.per if within else now, limit))
        full = [one for one in found if one[0] <= 0]
        room, free, limit = (
            max(full, key=lambda one: one[1])
            if full
            else min(found, key=lambda one: one[0] - one[2].reserve)
        )
        return limit, room, free

    def _hold(self, page: Page, delay: timedelta, limit: Limit, now: datetime) -> None:
        if len(self._waiting) < KEPT or page.key in self._waiting:
            self._waiting[page.key] = page
            self._since.setdefault(page.key, now)
        raise Held(page, delay, limit)


def listing(page: Page, rest: list[Page]) -> Page:
    """Return a page that tells of others, too: pages first, by their titles."""
    if not rest:
        return page
    ordered = sorted(rest, key=lambda one: (not wakes(one), one.key))
    lines = [f"- {one.severity}: {one.title}" for one in ordered[: LISTED * 5]]
    if len(rest) > LISTED * 5:
        lines.append(f"and {len(rest) - LISTED * 5} more")
    title = f"{page.title} (and {len(rest)} more messages)"
    head = f"Messages that are near the vendor's limit, {len(rest)} more in this one:"
    return replace(page, title=title, lines=(*lines_of(head, lines), *page.lines))


def lines_of(head: str, lines: list[str]) -> tuple[str, ...]:
    """Return a list with its heading, and an empty line after it."""
    return (head, *lines, "")
