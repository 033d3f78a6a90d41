"""Errors by what the caller does next."""

from __future__ import annotations

from datetime import timedelta


class DriftwardenError(Exception):
    """Base of every error this project raises on purpose."""


class Refused(DriftwardenError):
    """The caller's fault: 4xx over HTTP, parked with its reason elsewhere, never retried."""


class Newer(Refused):
    """A newer version of the app wrote it: this version must not change it."""


class NotFound(Refused):
    """What was asked for does not exist: 404 over HTTP."""


class Unavailable(DriftwardenError):
    """An outside service's fault: the effect stays owed; try again after `delay`.

    The delay grows with every try, up to `longest`. Nobody is told of a wait that is `quiet`.
    """

    quiet = False

    def __init__(
        self,
        reason: str,
        delay: timedelta = timedelta(seconds=30),
        longest: timedelta = timedelta(hours=1),
    ) -> None:
        super().__init__(reason)
        self.delay, self.longest = delay, longest


class Conflict(DriftwardenError):
    """Another worker committed first: the loop reads again and retries, and never raises it."""


class Broken(DriftwardenError):
    """Our fault: stop that partition and tell the operators."""


class TooLarge(Broken):
    """A unit or a row of it is over the limits of the strictest store."""
