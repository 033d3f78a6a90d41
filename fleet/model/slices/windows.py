"""Windows: open for rows or labels, past, and the reference they are compared with."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from fleet.model.records import Batch, Collection
from monitoring.drift.verdict import Verdict


@dataclass(frozen=True)
class Window:
    """One business day that is still open for rows or labels.

    `assess_of`, `join_of` and `outputs_of` name what an assessment, a join and labels would look
    at: each row that comes changes them, and merging batches does not. `merging` names the batches
    that are being merged; the first `kept` blobs of labels stay as they are.
    """

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
    assess_of: str = ""
    join_of: str = ""
    outputs_of: str = ""
    merging: str = ""
    kept: int = 0

    def holds(self, batch: Batch, collection: Collection, deployment: str) -> bool:
        """Tell whether a batch is here already."""
        return batch in self.batches(collection, deployment)

    def batches(self, collection: Collection, deployment: str) -> tuple[Batch, ...]:
        """Return the batches of a collection; outputs are those of one deployment."""
        match collection:
            case Collection.inputs:
                return self.inputs
            case Collection.outputs:
                return tuple(batch for by, batch in self.outputs if by == deployment)
            case _:
                return self.traffic

    def add(self, batch: Batch, collection: Collection, deployment: str) -> Window:
        """Return the window with one more batch."""
        more = self._with((*self.batches(collection, deployment), batch), collection, deployment)
        more = replace(more, join_of=added(self.join_of, batch.rows))
        if collection is Collection.inputs:
            more = replace(more, assess_of=added(self.assess_of, batch.sketch))
        if collection is Collection.outputs:
            more = replace(more, outputs_of=added(self.outputs_of, batch.rows))
        return more

    def add_labels(self, name: str) -> Window:
        """Return the window with one more blob of labels."""
        return replace(self, labels=(*self.labels, name), join_of=added(self.join_of, name))

    def merged(
        self,
        names: Container[str],
        batches: Sequence[Batch],
        collection: Collection,
        deployment: str,
    ) -> Window:
        """Return the window with batches in the place of those whose rows are so named."""
        if collection is Collection.labels:
            others = tuple(name for name in self.labels if name not in names)
            made = tuple(batch.rows for batch in batches)
            return replace(self, labels=(*others[: self.kept], *made, *others[self.kept :]))
        known = self.batches(collection, deployment)
        rest = tuple(one for one in known if one.rows not in names)
        return self._with((*batches, *rest), collection, deployment)

    def unmerged(self) -> Window:
        """Return the window with every batch left as it is from now on."""
        return replace(
            self,
            inputs=tuple(replace(batch, apart=True) for batch in self.inputs),
            outputs=tuple((by, replace(batch, apart=True)) for by, batch in self.outputs),
            traffic=tuple(replace(batch, apart=True) for batch in self.traffic),
            kept=len(self.labels),
            merging="",
        )

    def _with(self, batches: tuple[Batch, ...], collection: Collection, by: str) -> Window:
        match collection:
            case Collection.inputs:
                return replace(self, inputs=batches)
            case Collection.outputs:
                others = tuple(one for one in self.outputs if one[0] != by)
                return replace(self, outputs=(*others, *((by, batch) for batch in batches)))
            case _:
                return replace(self, traffic=batches)


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

    @property
    def outputs_of(self) -> str:
        """Fingerprint of all outputs that labels are matched with."""
        of = {day: window.outputs_of for day, window in self.open.items() if window.outputs}
        return fingerprint([f"{day}:{one}" for day, one in of.items()])

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


def added(known: str, name: str) -> str:
    """Return the fingerprint of what is known and one more blob, in whatever order they come."""
    one = int(sha256(name.encode()).hexdigest()[:16], 16)
    return f"{(int(known or '0', 16) + one) % 2**64:016x}"
