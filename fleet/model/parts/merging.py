"""Merging: many small batches of a window become few, so that a state stays small.

The collector appends to its files as requests come, and each range that is read is a batch, which
the state names while its window is open. Batches of about one size are merged, eight at a time:
each row is written again once per size, and at most seven batches of each size are left, beside
those whose columns fit together with no others.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from fleet.model.facts import Declined
from fleet.model.part import Part, take
from fleet.model.records import Batch, Collection
from fleet.model.results import Merged
from fleet.model.slices.windows import Window
from fleet.model.tasks import LARGE, Merge, merge_key
from fleet.model.turn import Turn

#: So many batches of about one size are merged.
FEW = 8
#: Blobs of labels, of which no size is known.
MANY_LABELS = 64
MOST = 2 * LARGE
SMALL = 64 * 1024
#: Bytes of a row where the size of a batch is not known.
ROW = 256


def merged(turn: Turn, fact: Merged) -> Merged:
    """Put merged batches in the place of those that they were made of."""
    window = turn.windows.open.get(fact.window)
    if window is not None and window.merging == fact.of:
        done = window.merged(fact.names, fact.batches, fact.collection, fact.deployment)
        large = fact.collection is Collection.labels and any(
            batch.size >= LARGE for batch in fact.batches
        )
        done = replace(done, merging="", kept=done.kept + large)
        turn.windows = turn.windows.put(fact.window, done)
    return fact


def declined(turn: Turn, fact: Declined) -> Declined:
    """Leave the batches of a window as they are where a merge was refused; later ones are merged.

    The refusal is told. It comes again where the rows are needed for a judgement.
    """
    for day, window in turn.windows.open.items():
        if window.merging and fact.key == merge_key(day) + window.merging:
            turn.windows = turn.windows.put(day, window.unmerged())
    return fact


def follow(turn: Turn) -> None:
    """Owe the merges that are due, one at a time for each window."""
    if not turn.windows.reference:
        return
    for day, window in sorted(turn.windows.open.items()):
        merge = None if window.merging else _due(turn, day, window)
        if merge is not None:
            turn.owe(merge)
            turn.windows = turn.windows.put(day, replace(window, merging=merge.of))


def _due(turn: Turn, day: str, window: Window) -> Merge | None:
    reference = turn.windows.reference
    for collection, deployment, batches in _groups(window):
        for some in _alike(batches):
            return Merge(day, collection, deployment, tuple(some), reference)
    if len(window.labels) >= window.kept + MANY_LABELS:
        labels = tuple(Batch(day, 0, name) for name in window.labels[window.kept :])
        return Merge(day, Collection.labels, "", labels[:MANY_LABELS], reference)
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
        if batch.rows and not batch.apart and _size(batch) < LARGE:
            sizes[max(_size(batch), SMALL).bit_length() // 3].append(batch)
    for _, alike in sorted(sizes.items()):
        if len(alike) >= FEW:
            total = itertools.accumulate(_size(batch) for batch in alike)
            yield [batch for batch, size in zip(alike, total, strict=True) if size <= MOST]


def _size(batch: Batch) -> int:
    return batch.size or batch.count * ROW


PART = Part("merging", (take(Merged, merged), take(Declined, declined)), follow)
