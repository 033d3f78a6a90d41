"""Windows: open for rows or labels, past, and the reference they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from fleet.model.records import Batch
from monitoring.drift.verdict import Verdict


@dataclass(frozen=True)
class Window:
    """One business day that is still open for rows or labels."""

    closes: datetime
    ends: datetime
    inputs: tuple[Batch, ...] = ()
    outputs: tuple[tuple[str, Batch], ...] = ()
    traffic: tuple[Batch, ...] = ()
    labels: tuple[str, ...] = ()
    assess_asked: str = ""
    assessed: str = ""
    join_asked: str = ""
    joined: str = ""

    @property
    def assess_of(self) -> str:
        """Fingerprint of what an assessment would look at."""
        return fingerprint([batch.sketch for batch in self.inputs])

    @property
    def join_of(self) -> str:
        """Fingerprint of what a join would look at."""
        names = [batch.rows for batch in self.inputs + self.traffic]
        return fingerprint([*names, *(batch.rows for _, batch in self.outputs), *self.labels])


@dataclass(frozen=True)
class Past:
    """A past day: its merged sketch, its joined rows, and the verdict."""

    rows: int = 0
    labelled: int = 0
    sketch: str = ""
    joined: str = ""
    event: str | None = None
    verdict: Verdict | None = None
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Windows:
    """The windows of a model by day.

    `reference_asked` is the champion whose first reference was asked for, `reference_again` when it
    is asked for again after a refusal, `renewal` the reference whose bins were asked to be renewed,
    `recount_to` the last day whose rows may have been counted with the bins before.
    """

    open: dict[str, Window] = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=dict)
    reference: str = ""
    reference_asked: str = ""
    renewal: str = ""
    recount_to: str = ""
    reference_again: datetime | None = None

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Blobs with the outputs of every open window that has any."""
        return {
            day: tuple(batch.rows for _, batch in window.outputs)
            for day, window in self.open.items()
            if window.outputs
        }

    def counted(self, first: str, last: str) -> tuple[tuple[str, str, str], ...]:
        """Return the days from `first` to `last` that have counts: day, sketch, joined rows."""
        return tuple(
            (day, past.sketch, past.joined)
            for day, past in sorted(self.past.items())
            if first <= day <= last and past.sketch
        )

    def put(self, day: str, window: Window) -> Windows:
        """Return the windows with that open one put in place."""
        return replace(self, open={**self.open, day: window})

    def remember(self, day: str, past: Past) -> Windows:
        """Return the windows with that day's record put in place."""
        return replace(self, past={**self.past, day: past})


def fingerprint(names: Sequence[str]) -> str:
    """Name a set of blobs by content; empty for an empty set."""
    if not names:
        return ""
    return sha256("\n".join(sorted(set(names))).encode()).hexdigest()[:16]


def outputs_of(outputs: Mapping[str, Sequence[str]]) -> str:
    """Return the fingerprint of all outputs that labels are matched with."""
    return fingerprint([name for names in outputs.values() for name in names])
