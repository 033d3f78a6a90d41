"""What a host must offer to a worker that pays effects; training and serving are in retrain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.blobs import Blobs
from engine.store import Store
from fleet.counting import Counting
from monitoring.alerts.paging import Page
from retrain.ports import Registry, Serving, Trainer


@dataclass(frozen=True)
class LogFile:
    """A file of a log, and its length in bytes when it was listed."""

    path: str
    size: int


@dataclass(frozen=True)
class Listing:
    """What lies directly in a folder: names of folders, and files by their whole path."""

    folders: tuple[str, ...] = ()
    files: tuple[LogFile, ...] = ()


class LogFiles(Protocol):
    """Feature logs as the collector writes them, by path within a container.

    `container` is empty for the host's own. On one machine all containers are one folder.
    """

    def read(self, path: str, start: int, end: int, container: str = "") -> bytes:
        """Return the bytes [start, end), fewer where the file is shorter; Refused without it.

        `path` may be the whole address of a file in a service's container: that is this one, or
        on one machine a copy of it.
        """
        ...

    def listing(self, folder: str, container: str = "") -> Listing:
        """Return what lies directly in a folder; nothing where there is no such folder."""
        ...

    def files(self, folder: str, container: str = "") -> tuple[LogFile, ...]:
        """Return every file in a folder and the folders below it."""
        ...


@dataclass(frozen=True)
class ListedVersion:
    """A version in the registry, and what was written beside it."""

    version: str
    created: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)


class Arrivals(Protocol):
    """The versions that anybody registers, by the service's own clock."""

    def newest(self, model: str) -> datetime | None:
        """Return when the newest version was created, archived ones included; None without any."""
        ...

    def since(self, model: str, after: datetime) -> tuple[ListedVersion, ...]:
        """Return the versions created after a moment, oldest first, without archived ones."""
        ...


class Tables(Protocol):
    """Tables that the user's configuration names."""

    def read(self, path: str) -> pa.Table:
        """Return the whole table; Refused where it cannot be read."""
        ...

    def asked(self, path: str) -> pa.Table:
        """Return a table that an operator's command names; Refused without a word of its content.

        It is a file of a known format, or a folder of them, below the folder of fleet.yaml or in
        the service's storage; nothing that is hidden, and nothing of the store.
        """
        ...


class Scoring(Protocol):
    """Scores rows by a version outside the live traffic."""

    def score(self, model: str, version: str, rows: pa.Table) -> npt.NDArray[np.float64]:
        """Return one score a row; Refused where the version fails on them."""
        ...

    def evaluation(self, model: str, version: str) -> pa.Table | None:
        """Return the held-out rows that a version was registered with, where it has any."""
        ...


class Pager(Protocol):
    """Reaches people."""

    def page(self, page: Page, at: datetime, now: datetime) -> str | None:
        """Send one message that was decided at `at`; the same key is the same message.

        Return what the receiver calls its message, where later pages of the incident change it.
        Refused: the receiver will never accept it. Unavailable: try it again later.
        """
        ...


class Publisher(Protocol):
    """Publishes events for other systems."""

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        """Publish one event; the same key is the same event."""
        ...


class Anchors(Protocol):
    """Keeps the anchors of the journals beside the store."""

    def keep(self, key: str, hour: str, anchors: Sequence[str]) -> None:
        """Append the anchors of an hour; the same key is the same line."""
        ...


class Reports(Protocol):
    """Draws the rows of a window beside those of its reference."""

    def html(
        self,
        title: str,
        notes: Sequence[str],
        current: Iterable[pa.Table],
        reference: Iterable[pa.Table],
    ) -> bytes:
        """Return a page that is complete in itself; Refused, with why, where it can't be drawn.

        Unavailable while somebody else draws it: the same title asks for the same page again.
        `current` and `reference` are read at most once, and not where the page is drawn already.
        Numbers are float64 and levels are texts; there may be no reference rows. What is left out
        of the rows is said in the page, below `notes`.
        """
        ...


@dataclass(frozen=True)
class World:
    """Every port that a worker uses.

    `counting` is there where a log service keeps rows, `reports` where reports can be drawn,
    `arrivals` where others register versions, and `store` where states and journals can be read for
    digests.
    """

    blobs: Blobs
    logs: LogFiles
    tables: Tables
    scoring: Scoring
    trainer: Trainer
    serving: Serving
    registry: Registry
    pager: Pager
    publisher: Publisher
    anchors: Anchors
    counting: Counting | None = None
    reports: Reports | None = None
    arrivals: Arrivals | None = None
    store: Store | None = None
