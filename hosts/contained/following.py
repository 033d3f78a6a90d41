"""Follows a document while the app runs: each process looks for a changed one once a minute."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from engine.clock import Clock
from engine.errors import Unavailable
from fleet.service import Service
from hosts.contained.documents import Documents, Taken

logger = logging.getLogger("driftwarden.host")


class Following:
    """Takes over a valid version, and tells the fleet's partition which one holds.

    Parameters
    ----------
    first : the version that the host was opened on.
    take : makes the host use another one from now on, and returns its service.
    """

    def __init__(
        self,
        documents: Documents,
        clock: Clock,
        first: Taken,
        service: Service,
        take: Callable[[Taken], Service],
    ) -> None:
        self._documents, self._clock, self._take = documents, clock, take
        self._version, self._service = first.version, service
        self._begun, self._kept = True, False
        self._looked: datetime | None = None
        self._told: tuple[str, str] | None = None
        self._lock = threading.Lock()

    def follow(self) -> None:
        """Look for a changed document, unless this minute's look is done or under way."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._follow(self._clock.now())
        except Unavailable as error:
            # The store does not answer: what is left to do is done at the next look.
            logger.warning("%s", error)
        finally:
            self._lock.release()

    def _follow(self, now: datetime) -> None:
        minute = now.replace(second=0, microsecond=0)
        if minute == self._looked:
            return
        self._looked = minute
        taken = self._documents.look(now)
        if taken is not None:
            self._version, self._service = taken.version, self._take(taken)
            self._begun = self._kept = False
        if not self._begun:
            self._service.begin()
            self._begun = True
        if not self._kept:
            self._documents.keep()
            self._kept = True
        told = (self._version, self._documents.fault)
        if told != self._told:
            self._service.documented(*told)
            self._told = told
