"""Merging: many small batches of a window become one, so that a state stays small.

The collector appends to its files as requests come, and each range that is read is a batch, which
the state names while its window is open. Batches of about one size are merged, eight at a time:
each row is written again once per size, and at most seven batches of each size are left.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fleet.model.part import Part, take
from fleet.model.records import Batch, Collection
from fleet.model.results import Merged
from fleet.model.slices.windows import Window, fingerprint
from fleet.model.tasks import Merge
from fleet.model.turn import Turn

#: So many batches of about one size are merged.
FEW = 8
#: Blobs of labels, of which no size is known.
MANY_LABELS = 64
#: Larger batches stay as they are: merging needs the rows of all in memory.
LARGE = 64 * 1024 * 1024
MOST = 2 * LARGE
SMALL = 64 * 1024
#: Bytes of a row where the size of a batch is not known.
ROW = 256


def merged(turn: Turn, fact: Merged) -> Merged:
    """Put a merged batch in the place of those that it was made of."""
    window = turn.windows.open.get(fact.window)
    if window is not None and window.merging == fingerprint(fact.names):
        done = window.merged(fact.names, fact.batch, fact.collection, fact.deployment)
        turn.windows = turn.windows.put(fact.window, replace(done, merging=""))
    return fact


def follow(turn: Turn) -> None:
    """Owe the merges that are due, one at a time for each window.

    A merge that is refused for good leaves its window as it is; the refusal is told.
    """
    if not turn.windows.reference:
        return
    for day, window in sorted(turn.windows.open.items()):
        merge = None if window.merging else _due(turn, day, window)
        if merge is not None:
            turn.owe(merge)
            asked = replace(window, merging=fingerprint(merge.rows))
            turn.windows = turn.windows.put(day, asked)


def _due(turn: Turn, day: str, window: Window) -> Merge | None:
    reference = turn.windows.reference
    for collection, deployment, batches in _groups(window):
        for some in _alike(batches):
            rows, sketches = tuple(b.rows for b in some), tuple(b.sketch for b in some)
            return Merge(day, collection, deployment, rows, sketches, _outside(some), reference)
    if len(window.labels) >= MANY_LABELS:
        return Merge(day, Collection.labels, "", window.labels, (), {}, reference)
    return None


def _groups(window: Window) -> Iterator[tuple[Collection, str, tuple[Batch, ...]]]:
    yield Collection.inputs, "", window.inputs
    for by in sorted({by for by, _ in window.outputs}):
        yield Collection.outputs, by, window.batches(Collection.outputs, by)
    yield Collection.traffic, "", window.traffic


def _alike(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Yield batches of about one size, where there are enough of them."""
    sizes: defaultdict[int, list[Batch]] = defaultdict(list)
    for batch in batches:
        # Batches that a log service only counted have no rows.
        if batch.rows and _size(batch) < LARGE:
            sizes[max(_size(batch), SMALL).bit_length() // 3].append(batch)
    for _, alike in sorted(sizes.items()):
        if len(alike) >= FEW:
            total = itertools.accumulate(_size(batch) for batch in alike)
            yield [batch for batch, size in zip(alike, total, strict=True) if size <= MOST]


def _size(batch: Batch) -> int:
    return batch.size or batch.count * ROW


def _outside(some: Sequence[Batch]) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for batch in some:
        for name, count in batch.outside.items():
            total[name] += count
    return dict(total)


PART = Part("merging", (take(Merged, merged),), follow)
