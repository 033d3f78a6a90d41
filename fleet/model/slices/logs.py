"""Log files and log services: how far each is read, and the labels that wait for their rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fleet.model.records import Collection

#: How long a file waits for the next attempt, four times as long after each: where bytes of it are
#: not there, and where it cannot be read.
AWAY, REFUSED, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Cursor:
    """How far a log file has been read.

    `asked` is the start of the range that is being read, -1 for none. `rest` are bytes behind
    `read` that are no whole line, `missing` those that were announced and are not there; `told` is
    the `read` for which that was told (`fleet.model.parts.unfinished`). `again` is when a range
    that could not be read is read again, after `tries` attempts. `unsure`: an archive may say how
    far the file was read.
    """

    size: int
    collection: Collection
    deployment: str
    touched: datetime
    read: int = 0
    asked: int = -1
    rest: int = 0
    missing: int = 0
    told: int = -1
    again: datetime | None = None
    tries: int = 0
    unsure: bool = False

    @property
    def reading(self) -> bool:
        """Whether a range is being read, or will be without further delay."""
        return self.asked >= 0 or (self.read < self.size and self.again is None)

    def failed(self, now: datetime, first: timedelta) -> Cursor:
        """Return the cursor of a range that could not be read now; `first` waits the first time."""
        wait = min(first * 4 ** min(self.tries, 6), LONGEST_WAIT)
        return replace(self, asked=-1, again=now + wait, tries=self.tries + 1)


@dataclass(frozen=True)
class Loose:
    """A range of labels of which some rows are in no window's outputs yet.

    It stands in `Logs.loose` under `ranged(blob, start)`. `of` is the fingerprint of the outputs
    it was matched with, `asked` of those it is matched with now; `days` are the windows that have
    been given its labels.
    """

    start: int
    end: int
    since: datetime
    of: str
    asked: str = ""
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shelf:
    """An archive of cursors: the blob's name, and when it was asked for."""

    archive: str
    at: datetime


@dataclass(frozen=True)
class Cursors:
    """Cursors by the file's name: what an archive holds."""

    cursors: dict[str, Cursor]


@dataclass(frozen=True)
class Logs:
    """How far the logs are read.

    `blobs` are cursors by the file's name, `counted` the last day and `traffic_to` the end of the
    last hour that a log service was asked to count, `strangers` deployments of unknown versions.
    `collected` says that rows of requests have been found, `served_at` since when requests are
    answered of which none were. `archives` hold the cursors of older files, oldest first;
    `archiving` says when the one was asked for that is being written, `archive_again` when it may
    be asked for after a refusal, `recalling` which files are being looked up.
    """

    blobs: dict[str, Cursor] = field(default_factory=dict)
    loose: dict[str, Loose] = field(default_factory=dict)
    counted: str = ""
    traffic_to: datetime | None = None
    strangers: tuple[str, ...] = ()
    collected: bool = False
    served_at: datetime | None = None
    archives: tuple[Shelf, ...] = ()
    archiving: datetime | None = None
    archive_again: datetime | None = None
    recalling: tuple[str, ...] = ()


def ranged(blob: str, start: int) -> str:
    """Name a range of a file: one file may have several that wait."""
    return f"{blob}:{start}"
