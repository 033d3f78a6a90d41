"""Cursors of files that are read leave the state; no row is lost or read twice for that."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine import codec
from fleet.document.logs import FILES_KEPT
from fleet.model.facts import Declined, LogGrew
from fleet.model.parts.archive import MANY, QUIET
from fleet.model.results import Archived, LogRead, Recalled
from fleet.model.slices.logs import Cursor
from fleet.model.tasks import Archive, ReadLog, Recall
from tests.unit.fleet.model.days import HOUR, INPUTS

MINUTE = timedelta(minutes=1)


def names(number: int, first: int = 0) -> list[str]:
    return [f"f{i:05}" for i in range(first, first + number)]


def written(story: Any, blobs: Iterable[str], size: int = 10) -> Any:
    """Files grow to a size and are read, as far as they are asked for."""
    story.tell(*(LogGrew(blob, size, INPUTS, "v1") for blob in blobs))
    while asked := story.owed(ReadLog):
        story.tell(*(LogRead(e.blob, e.start, e.end, e.end, ()) for e in asked))
    return story


def reads(owed: Archive) -> dict[str, int]:
    return {blob: cursor.read for blob, cursor in owed.cursors.items()}


def put_away(story: Any, name: str = "archive") -> dict[str, Cursor]:
    """Pay the archive that was owed last, and return what it holds."""
    owed = story.ever(Archive)[-1]
    story.tell(Archived(owed.at, name, reads(owed)))
    held: dict[str, Cursor] = owed.cursors
    return held


@pytest.fixture
def shelved(begun: Any) -> Any:
    """As many files as it takes, read and archived."""
    written(begun, names(MANY)).tell(after=QUIET)
    assert put_away(begun).keys() == set(names(MANY))
    assert begun.state.logs.blobs == {}
    return begun


def test_few_files_stay_in_the_state(begun: Any) -> None:
    written(begun, names(MANY - 1)).tell(after=2 * QUIET)
    assert begun.ever(Archive) == []


def test_files_that_may_still_grow_stay_in_the_state(begun: Any) -> None:
    written(begun, names(MANY))
    begun.tell(after=QUIET - MINUTE)
    assert begun.ever(Archive) == []


@pytest.mark.parametrize("seen", [4, 10])
def test_a_file_with_an_end_that_is_owed_to_be_told_stays(begun: Any, seen: int) -> None:
    written(begun, names(MANY))
    begun.tell(LogGrew("cut", 10, INPUTS, "v1"))
    begun.tell(LogRead("cut", 0, 4, 10, (), seen=seen)).tell(after=QUIET)
    (archive,) = begun.ever(Archive)
    assert "cut" not in archive.cursors or begun.said("unfinished")


def test_a_file_that_grows_while_it_is_archived_stays(begun: Any) -> None:
    written(begun, names(MANY)).tell(after=QUIET)
    (archive,) = begun.ever(Archive)
    begun.tell(LogGrew("f00007", 25, INPUTS, "v1"))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(10, 25)]
    begun.tell(Archived(archive.at, "archive", reads(archive)))
    assert list(begun.state.logs.blobs) == ["f00007"]


def test_a_file_that_grows_later_is_read_on(shelved: Any) -> None:
    held = shelved.ever(Archive)[0].cursors
    shelved.tell(LogGrew("f00007", 25, INPUTS, "v1"))
    (recall,) = shelved.owed(Recall)
    assert (recall.blobs, recall.archives) == (("f00007",), ("archive",))
    assert shelved.ever(ReadLog)[MANY:] == []
    shelved.tell(LogGrew("f00007", 30, INPUTS, "v1"))
    shelved.tell(Recalled(recall.blobs, {"f00007": held["f00007"]}))
    assert [(e.start, e.end) for e in shelved.owed(ReadLog)] == [(10, 30)]


def test_a_file_that_is_announced_again_is_not_read_again(shelved: Any) -> None:
    held = shelved.ever(Archive)[0].cursors
    for size in (10, 7):
        shelved.tell(LogGrew("f00007", size, INPUTS, "v1"))
        shelved.tell(Recalled(("f00007",), {"f00007": held["f00007"]}))
    assert len(shelved.ever(ReadLog)) == MANY


def test_a_new_file_is_read_from_its_begin(shelved: Any) -> None:
    shelved.tell(LogGrew("new", 25, INPUTS, "v1"))
    (recall,) = shelved.owed(Recall)
    shelved.tell(LogGrew("newer", 5, INPUTS, "v1"))
    assert shelved.owed(Recall) == []
    shelved.tell(Recalled(recall.blobs, {}))
    assert [(e.blob, e.start, e.end) for e in shelved.owed(ReadLog)] == [("new", 0, 25)]
    (recall,) = shelved.owed(Recall)
    assert recall.blobs == ("newer",)
    shelved.tell(Recalled(recall.blobs, {}))
    assert [(e.blob, e.start, e.end) for e in shelved.owed(ReadLog)] == [("newer", 0, 5)]


def test_a_file_leaves_the_state_as_often_as_it_must(shelved: Any) -> None:
    """The same question has another key each time, since its answer is another."""
    keys = []
    for round_ in range(3):
        shelved.tell(LogGrew("f00007", 20 + round_, INPUTS, "v1"))
        (recall,) = shelved.owed(Recall)
        keys.append(recall.key)
        held = next(e.cursors for e in reversed(shelved.ever(Archive)) if "f00007" in e.cursors)
        shelved.tell(Recalled(recall.blobs, {"f00007": held["f00007"]}))
        (read,) = shelved.owed(ReadLog)
        assert read.end == 20 + round_
        shelved.tell(LogRead("f00007", read.start, read.end, read.end, ()))
        more = names(MANY, first=MANY * (round_ + 1))
        shelved.tell(*(LogGrew(blob, 10, INPUTS, "v1") for blob in more))
        shelved.tell(Recalled(tuple(more), {}))
        while asked := shelved.owed(ReadLog):
            shelved.tell(*(LogRead(e.blob, e.start, e.end, e.end, ()) for e in asked))
        shelved.tell(after=QUIET)
        put_away(shelved, f"archive-{round_}")
    assert len(set(keys)) == 3
    assert shelved.state.logs.archives[0].archive == "archive"


def test_a_refused_look_up_is_told_and_tried_again(shelved: Any) -> None:
    """Nothing is read of a file of which it is not known how far it was read."""
    shelved.tell(LogGrew("f00007", 25, INPUTS, "v1"))
    (recall,) = shelved.owed(Recall)
    shelved.tell(Declined("recall", recall.key, "stored bytes are damaged"))
    assert [line["reason"] for line in shelved.said("unread")] == ["stored bytes are damaged"]
    assert shelved.wake_at == shelved.now + HOUR
    shelved.tell(after=HOUR)
    (again,) = shelved.owed(Recall)
    assert again.key != recall.key
    shelved.tell(Declined("recall", again.key, "stored bytes are damaged"))
    assert len(shelved.said("unread")) == 1
    shelved.tell(after=4 * HOUR)
    shelved.tell(Recalled(("f00007",), {"f00007": Cursor(10, INPUTS, "v1", shelved.now, 10)}))
    assert [(e.start, e.end) for e in shelved.owed(ReadLog)] == [(10, 25)]


def test_a_refused_archive_is_tried_again_the_next_day(begun: Any) -> None:
    written(begun, names(MANY)).tell(after=QUIET)
    (archive,) = begun.ever(Archive)
    begun.tell(Declined("archive", archive.key, "no room"))
    begun.tell(after=timedelta(hours=23))
    assert len(begun.ever(Archive)) == 1
    begun.tell(after=HOUR)
    assert len(begun.ever(Archive)) == 2


def test_an_answer_that_nobody_waits_for_changes_nothing(shelved: Any) -> None:
    known = shelved.state
    shelved.tell(Archived(datetime.fromisoformat("2024-03-04T00:00Z"), "other", {"f00001": 10}))
    shelved.tell(Recalled(("f00001",), {"f00001": Cursor(1, INPUTS, "v1", shelved.now)}))
    assert shelved.state == known


def test_archives_are_kept_as_long_as_files(shelved: Any) -> None:
    shelved.tell(at=shelved.state.logs.archives[0].at + FILES_KEPT - MINUTE)
    assert shelved.state.logs.archives
    shelved.tell(after=MINUTE)
    assert shelved.state.logs.archives == ()


def test_a_week_of_many_instances_stays_small(begun: Any) -> None:
    """Sixty files an hour: ten thousand in a week, of which some hundreds are in the state."""
    most = 0
    for hour in range(7 * 24):
        blobs = [f"mdc/shop/v1/model_inputs/2024/03/{hour:03}/instance-{i:03}" for i in range(60)]
        begun.tell(*(LogGrew(blob, 10, INPUTS, "v1") for blob in blobs), after=HOUR)
        for recall in begun.owed(Recall):
            begun.tell(Recalled(recall.blobs, {}))
        while asked := begun.owed(ReadLog):
            begun.tell(*(LogRead(e.blob, e.start, e.end, e.end, ()) for e in asked))
        if begun.state.logs.archiving is not None:
            put_away(begun, f"archive-{hour}")
        most = max(most, len(begun.state.logs.blobs))
    assert most < 2 * MANY
    assert len(codec.pack(codec.encode(begun.state))) < 32_000
    assert len({e.blob for e in begun.ever(ReadLog)}) == len(begun.ever(ReadLog)) == 7 * 24 * 60
