"""Log files and log services: how far each is read, and the labels that wait for their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from fleet.model.records import Collection


@dataclass(frozen=True)
class Cursor:
    """How far a log file has been read.

    `asked` is the start of the range that is being read, -1 for none. `rest` are bytes behind
    `read` that are no whole line, `missing` those that were announced and are not there; `told` is
    the `read` for which that was told (`fleet.model.parts.unfinished`).
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


@dataclass(frozen=True)
class Loose:
    """A range of labels of which some rows are in no window's outputs yet.

    It stands in `Logs.loose` under `ranged(blob, start)`. `of` is the fingerprint of the outputs
    it was matched with, `asked` of those it is matched with now.
    """

    start: int
    end: int
    since: datetime
    of: str
    asked: str = ""


@dataclass(frozen=True)
class Logs:
    """How far the logs are read.

    `blobs` are cursors by the file's name, `counted` the last day and `traffic_to` the end of the
    last hour that a log service was asked to count, `strangers` deployments of unknown versions.
    `collected` says that rows of requests have been found, `served_at` since when requests are
    answered of which none were.
    """

    blobs: dict[str, Cursor] = field(default_factory=dict)
    loose: dict[str, Loose] = field(default_factory=dict)
    counted: str = ""
    traffic_to: datetime | None = None
    strangers: tuple[str, ...] = ()
    collected: bool = False
    served_at: datetime | None = None


def ranged(blob: str, start: int) -> str:
    """Name a range of a file: one file may have several that wait."""
    return f"{blob}:{start}"
