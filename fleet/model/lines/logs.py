"""Lines about log files: ranges that were read, and rows that no window takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleet.model.lines.omitted import OMITTED


@dataclass(frozen=True)
class Read:
    """The range [start, end) of a file was read; `bad` lines were left out, for `reason`.

    `unknown` counts labels of rows that are in no window's outputs; None of other files.
    """

    blob: str
    start: int
    end: int
    rows: int
    unknown: int | None = field(default=None, metadata=OMITTED)
    bad: int = field(default=0, metadata=OMITTED)
    reason: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Counted:
    """A log service counted the rows of a window; `bad` rows were left out, for `reason`."""

    window: str
    rows: int
    bad: int = field(default=0, metadata=OMITTED)
    reason: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Late:
    """Rows came for a window that is closed, or for several of them, up to `last`."""

    window: str
    rows: int
    last: str = field(default="", metadata=OMITTED)


@dataclass(frozen=True)
class Ahead:
    """Rows were left out because their days, `first` to `last`, have not begun."""

    blob: str
    rows: int
    first: str
    last: str


@dataclass(frozen=True)
class Unmatched:
    """Labels were dropped because the rows that they name never came."""

    blob: str
    reason: str


@dataclass(frozen=True)
class Unfinished:
    """A file that has gone quiet ends, from byte `start` on, without a whole line."""

    blob: str
    start: int
    bad: int
    reason: str


@dataclass(frozen=True)
class Unread:
    """A range that begins at byte `start` could not be read; it is tried again for eight days."""

    blob: str
    start: int
    reason: str


@dataclass(frozen=True)
class Shrank:
    """A file that was read up to byte `read` ends at byte `size` now."""

    blob: str
    read: int
    size: int


@dataclass(frozen=True)
class Stranger:
    """A log names a deployment whose version is not known."""

    deployment: str
    source: str
    reason: str
