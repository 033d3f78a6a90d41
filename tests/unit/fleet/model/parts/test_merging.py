"""Small batches of a window become one, and nothing is judged otherwise for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine import codec
from fleet.model.facts import Declined
from fleet.model.parts.merging import FEW, MANY_LABELS, MOST
from fleet.model.records import Batch, Collection
from fleet.model.results import LogRead, Merged
from fleet.model.tasks import LARGE, Assess, Join, Merge, ReadLabels
from tests.unit.fleet.model.days import (
    CLOSES,
    DAY,
    ENDS,
    INPUTS,
    LABELS,
    OUTPUTS,
    TRAFFIC,
    grew,
    matched,
)  # fmt: skip

KINDS = [INPUTS, OUTPUTS, TRAFFIC]


def small(name: str, size: int = 1000, count: int = 5, **outside: int) -> Batch:
    return Batch(DAY, count, f"rows-{name}", f"sketch-{name}", outside, size)


def come(story: Any, *batches: Batch, kind: Collection = INPUTS) -> Any:
    """A file of that kind grows by a range for each batch, and each is read."""
    blob = f"{kind}.jsonl"
    for batch in batches:
        cursor = story.state.logs.blobs.get(blob)
        start = cursor.read if cursor is not None else 0
        story.tell(grew(start + 10, blob, kind))
        story.tell(LogRead(blob, start, start + 10, start + 10, (batch,)))
    return story


def done(merge: Merge, size: int = 0, name: str = "merged") -> Merged:
    names = tuple(batch.rows for batch in merge.batches)
    batch = Batch(merge.window, 5 * len(names), f"rows-{name}", f"sketch-{name}", size=size)
    return Merged(merge.window, merge.collection, merge.deployment, merge.of, names, (batch,))


def asked(merge: Merge) -> list[str]:
    return [batch.rows for batch in merge.batches]


def held(story: Any, kind: Collection) -> list[str]:
    window = story.state.windows.open[DAY]
    return [batch.rows for batch in window.batches(kind, "v1")]


@pytest.mark.parametrize("kind", KINDS)
def test_eight_batches_of_a_size_become_one(begun: Any, kind: Collection) -> None:
    come(begun, *(small(str(i)) for i in range(FEW - 1)), kind=kind)
    assert begun.ever(Merge) == []
    come(begun, small("7"), kind=kind)
    (merge,) = begun.ever(Merge)
    assert (merge.collection, asked(merge)) == (kind, [f"rows-{i}" for i in range(FEW)])
    come(begun, small("8"), kind=kind)
    begun.tell(done(merge))
    assert held(begun, kind) == ["rows-merged", "rows-8"]
    assert begun.state.windows.open[DAY].merging == ""


def test_the_scores_of_two_versions_are_not_mixed(begun: Any) -> None:
    for i in range(FEW - 1):
        for by in ("v1", "v2"):
            begun.tell(grew(10, f"{by}{i}", OUTPUTS, by))
            begun.tell(LogRead(f"{by}{i}", 0, 10, 10, (small(f"{by}-{i}"),)))
    assert begun.ever(Merge) == []
    begun.tell(grew(10, "last", OUTPUTS, "v2"))
    begun.tell(LogRead("last", 0, 10, 10, (small("v2-7"),)))
    (merge,) = begun.ever(Merge)
    assert merge.deployment == "v2"
    begun.tell(done(merge))
    window = begun.state.windows.open[DAY]
    assert len(window.batches(OUTPUTS, "v1")) == FEW - 1
    assert [batch.rows for batch in window.batches(OUTPUTS, "v2")] == ["rows-merged"]


@pytest.mark.parametrize(
    "sizes",
    [
        [LARGE] * 20,  # large ones stay
        [1000, 10**6] * (FEW - 1),  # of two sizes, too few of each
        [0] * (FEW - 1),
    ],
)
def test_what_is_not_merged(begun: Any, sizes: list[int]) -> None:
    come(begun, *(small(str(i), size) for i, size in enumerate(sizes)))
    assert begun.ever(Merge) == []


def test_rows_that_were_only_counted_are_not_merged(begun: Any) -> None:
    come(begun, *(replace(small(str(i)), rows="") for i in range(FEW + 1)))
    assert begun.ever(Merge) == []


def test_a_merge_fits_into_memory(begun: Any) -> None:
    size = LARGE - 1
    come(begun, *(small(str(i), size) for i in range(FEW)))
    (merge,) = begun.ever(Merge)
    assert len(merge.batches) == MOST // size == 2
    # The next two are merged then.
    begun.tell(done(merge, 2 * size))
    come(begun, small("8", size), small("9", size))
    assert asked(begun.ever(Merge)[1]) == ["rows-2", "rows-3"]


def test_batches_of_an_older_app_have_no_size(begun: Any) -> None:
    come(begun, *(small(str(i), size=0, count=10**5 * i) for i in range(FEW)))
    assert begun.ever(Merge) == []
    come(begun, *(small(f"b{i}", size=0) for i in range(FEW - 1)))
    (merge,) = begun.ever(Merge)
    assert asked(merge) == ["rows-0", *(f"rows-b{i}" for i in range(FEW - 1))]


def test_a_merged_day_is_assessed_and_joined_once(begun: Any) -> None:
    """Merging changes the names of what is looked at, not what is looked at."""
    come(begun, *(small(str(i)) for i in range(FEW)))
    come(begun, small("o"), kind=OUTPUTS)
    (merge,) = begun.ever(Merge)
    begun.tell(at=CLOSES)
    (assess,) = begun.ever(Assess)
    begun.tell(done(merge))
    begun.tell(begun.assessed(DAY, of=assess.of))
    assert begun.state.windows.past[DAY].verdict is not None
    begun.tell(grew(10, "l", LABELS)).tell(matched("l", DAY))
    (join,) = begun.ever(Join)
    begun.tell(begun.joined(DAY, of=join.of))
    assert (len(begun.ever(Assess)), len(begun.ever(Join))) == (1, 1)
    assert begun.state.windows.open[DAY].join_of == join.of
    # Rows that come after it are assessed.
    come(begun, small("late"))
    assert begun.ever(Assess)[1].sketches == ("sketch-merged", "sketch-late")


def test_many_blobs_of_labels_become_one(begun: Any) -> None:
    come(begun, small("o"), kind=OUTPUTS)
    for i in range(MANY_LABELS):
        begun.tell(grew(10, f"l{i:02}", LABELS)).tell(matched(f"l{i:02}", DAY))
    (merge,) = begun.ever(Merge)
    assert (merge.collection, len(merge.batches)) == (LABELS, MANY_LABELS)
    begun.tell(grew(10, "m", LABELS)).tell(matched("m", DAY))
    begun.tell(done(merge))
    assert begun.state.windows.open[DAY].labels == ("rows-merged", "labels-m")


def test_a_window_that_closes_while_it_is_merged_stays_closed(begun: Any) -> None:
    come(begun, *(small(str(i)) for i in range(FEW)))
    (merge,) = begun.ever(Merge)
    begun.tell(at=ENDS + begun.watched.open_for)
    begun.tell(done(merge))
    assert DAY not in begun.state.windows.open


def test_a_refused_merge_is_not_tried_again_and_later_batches_are_merged(begun: Any) -> None:
    come(begun, *(small(str(i)) for i in range(FEW)))
    (merge,) = begun.ever(Merge)
    begun.tell(Declined("merge", merge.key, "blob abc does not hold rows"))
    come(begun, *(small(f"b{i}") for i in range(FEW)))
    assert asked(begun.ever(Merge)[1]) == [f"rows-b{i}" for i in range(FEW)]
    begun.tell(at=CLOSES)
    assert len(begun.ever(Assess)[0].sketches) == 2 * FEW


def test_a_refused_merge_of_labels_is_not_tried_again(begun: Any) -> None:
    come(begun, small("o"), kind=OUTPUTS)
    for i in range(2 * MANY_LABELS - 1):
        begun.tell(grew(10, f"l{i:03}", LABELS)).tell(matched(f"l{i:03}", DAY))
        for merge in begun.owed(Merge):
            begun.tell(Declined("merge", merge.key, "x"))
    assert len(begun.ever(Merge)) == 1
    assert len(begun.state.windows.open[DAY].labels) == 2 * MANY_LABELS - 1


def test_batches_that_fit_with_no_others_stay(begun: Any) -> None:
    come(begun, *(small(str(i)) for i in range(FEW)))
    (merge,) = begun.ever(Merge)
    apart = tuple(replace(batch, apart=True) for batch in merge.batches)
    begun.tell(replace(done(merge), batches=apart))
    assert begun.state.windows.open[DAY].inputs == apart
    come(begun, *(small(f"b{i}") for i in range(FEW)))
    assert asked(begun.ever(Merge)[1]) == [f"rows-b{i}" for i in range(FEW)]


def test_labels_that_are_merged_are_given_to_a_day_once(begun: Any) -> None:
    """Some of each range wait for predictions: they are matched again as these come."""
    come(begun, small("o"), kind=OUTPUTS)
    for i in range(MANY_LABELS):
        begun.tell(grew(10, f"l{i:02}", LABELS)).tell(matched(f"l{i:02}", DAY, unknown=1))
    (merge,) = begun.ever(Merge)
    begun.tell(done(merge))
    joined = begun.state.windows.open[DAY].join_of
    begun.tell(grew(10, "p", OUTPUTS)).tell(
        LogRead("p", 0, 10, 10, (replace(small("p"), window="2024-03-05"),))
    )
    again = begun.owed(ReadLabels)
    assert len(again) == MANY_LABELS
    begun.tell(*(replace(matched(e.blob, DAY, unknown=1), of=e.of) for e in again))
    window = begun.state.windows.open[DAY]
    assert (window.labels, window.join_of) == (("rows-merged",), joined)
    assert len(begun.ever(Merge)) == 1


def test_merged_predictions_match_no_labels_again(begun: Any) -> None:
    come(begun, *(small(str(i)) for i in range(FEW)), kind=OUTPUTS)
    begun.tell(grew(10, "l", LABELS)).tell(matched("l", DAY, unknown=1))
    (merge,) = begun.ever(Merge)
    begun.tell(done(merge))
    assert begun.owed(ReadLabels) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_of_a_growing_file_stays_small(begun: Any, kind: Collection) -> None:
    """A range a minute, of two hundred rows: the state holds some batches of each size."""
    most = 0
    for i in range(1440):
        come(begun, small(f"{i}", size=20_000), kind=kind)
        while begun.state.windows.open[DAY].merging:
            merge = begun.ever(Merge)[-1]
            size = sum(
                batch.size
                for batch in begun.state.windows.open[DAY].batches(kind, "v1")
                if batch.rows in asked(merge)
            )
            begun.tell(done(merge, size, f"{i}-{size}"))
        most = max(most, len(held(begun, kind)))
    window = begun.state.windows.open[DAY]
    assert sum(batch.size for batch in window.batches(kind, "v1")) == 1440 * 20_000
    assert most <= 4 * FEW
    assert len(codec.pack(codec.encode(begun.state))) < 12_000
