"""The end of a log file that is no whole line: waited for, told once, and read if it grows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine import codec
from fleet.document.logs import FILES_KEPT
from fleet.model.facts import FACTS, LogGrew
from fleet.model.parts.unfinished import QUIET
from fleet.model.records import Batch, Collection
from fleet.model.results import LabelsRead, LogRead
from fleet.model.slices.logs import AWAY, LONGEST_WAIT, Cursor
from fleet.model.state import Model
from fleet.model.tasks import ReadLabels, ReadLog
from fleet.model.upgrade import upgrade

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
INPUTS = Collection.inputs
ROWS = Batch("2024-03-04", 5, "rows", "sketch")


def grew(size: int, kind: Collection = INPUTS) -> LogGrew:
    return LogGrew("a", size, kind, "v1")


def read(start: int, end: int, limit: int, seen: int | None, *batches: Batch) -> LogRead:
    return LogRead("a", start, end, limit, batches, seen=seen)


def told(story: Any) -> list[tuple[int, str]]:
    return [(line["start"], line["reason"]) for line in story.said("unfinished")]


def test_a_cut_last_line_is_told_when_the_file_has_been_quiet(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, 10, 10, ROWS))
    assert (told(begun), begun.state.counts.get("bad")) == ([], None)
    assert begun.wake_at == NOW + QUIET
    begun.tell(after=QUIET)
    assert told(begun) == [(7, "byte 7: 3 bytes of an unfinished line, read when it grows")]
    assert begun.state.counts["bad"] == 1


def test_it_is_told_once_however_often_the_file_is_announced(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, 10, 10)).tell(after=QUIET)
    begun.tell(grew(10)).tell(read(7, 7, 10, 10)).tell(after=QUIET)
    begun.tell(grew(12)).tell(read(7, 7, 12, 12)).tell(after=10 * QUIET)
    assert (len(told(begun)), begun.state.counts["bad"]) == (1, 1)


def test_a_file_that_grows_after_all_is_read_from_the_lines_begin(begun: Any) -> None:
    """What was told to be lost is found: it counts as a row, and as bad no more."""
    begun.tell(grew(10)).tell(read(0, 7, 10, 10)).tell(after=QUIET)
    begun.tell(grew(22))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(7, 22)]
    begun.tell(read(7, 22, 22, 22, ROWS)).tell(after=10 * QUIET)
    assert begun.state.windows.open["2024-03-04"].inputs == (ROWS,)
    assert (len(told(begun)), begun.state.counts["bad"]) == (1, 0)


def test_growing_puts_the_telling_off(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, 10, 10))
    begun.tell(grew(12), after=QUIET / 2).tell(read(7, 7, 12, 12))
    begun.tell(after=QUIET * 0.75)
    assert told(begun) == []
    begun.tell(after=QUIET / 4)
    assert told(begun) == [(7, "byte 7: 5 bytes of an unfinished line, read when it grows")]


def test_a_read_that_is_under_way_is_waited_for(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, 10, 10)).tell(grew(20))
    begun.tell(after=2 * QUIET)
    assert told(begun) == []


@pytest.mark.parametrize(("seen", "ends"), [(8, 8), (7, 7), (0, 0)])
def test_a_file_shorter_than_announced_is_told(begun: Any, seen: int, ends: int) -> None:
    whole = min(7, seen)
    begun.tell(grew(10)).tell(read(0, whole, 10, seen)).tell(after=QUIET)
    begun.tell(read(whole, whole, 10, seen))
    ((_, reason),) = told(begun)
    assert reason == f"announced with 10 bytes, but the file ends at byte {ends}"


def test_a_file_that_was_away_for_a_moment_is_read_when_it_is_back(begun: Any) -> None:
    """It is announced with the same size as before, which is no news: nobody tells again."""
    begun.tell(grew(10)).tell(read(0, 0, 10, 0))
    assert begun.wake_at == NOW + AWAY
    waits = []
    for _ in range(3):
        begun.tell(at=begun.wake_at)
        (owed,) = begun.owed(ReadLog)
        assert (owed.start, owed.end) == (0, 10)
        waits.append(begun.now)
        begun.tell(read(0, 0, 10, 0))
    assert [(at - NOW).seconds / 60 for at in waits] == [1, 5, 21]
    begun.tell(at=NOW + QUIET)
    assert len(told(begun)) == 1
    begun.tell(at=begun.wake_at)
    keys = {effect.key for effect in begun.ever(ReadLog)}
    assert len(keys) == 5
    begun.tell(read(0, 10, 10, 10, ROWS)).tell(after=timedelta(days=2))
    assert begun.state.windows.open["2024-03-04"].inputs == (ROWS,)
    assert (begun.owed(ReadLog), begun.state.counts["bad"]) == ([], 0)


def test_a_file_that_never_comes_back_is_let_go_of(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 0, 10, 0))
    for _ in range(20):
        begun.tell(at=begun.wake_at)
        if not begun.state.logs.blobs:
            break
        if begun.owed(ReadLog):
            begun.tell(read(0, 0, 10, 0))
    assert NOW + FILES_KEPT <= begun.now < NOW + FILES_KEPT + LONGEST_WAIT
    assert len(begun.ever(ReadLog)) < 20
    assert len(told(begun)) == 1


def test_labels_are_told_of_as_rows_are(begun: Any) -> None:
    begun.tell(grew(10, Collection.labels))
    assert begun.owed(ReadLabels)
    begun.tell(LabelsRead("a", 0, 4, 10, "", {}, 0, seen=10)).tell(after=QUIET)
    assert told(begun) == [(4, "byte 4: 6 bytes of an unfinished line, read when it grows")]


def test_a_file_that_was_read_to_its_end_is_quiet(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 10, 10, 10, ROWS)).tell(after=10 * QUIET)
    assert (told(begun), "bad" in begun.state.counts) == ([], False)


def test_it_is_told_before_its_cursor_is_let_go_of(begun: Any) -> None:
    """Nobody was there for days."""
    begun.tell(grew(10)).tell(read(0, 7, 10, 10)).tell(after=timedelta(days=9))
    assert len(told(begun)) == 1
    assert begun.state.logs.blobs == {}


def test_bad_lines_add_up(begun: Any) -> None:
    begun.tell(grew(10)).tell(LogRead("a", 0, 10, 10, (), bad=3, bad_reason="line 1: x", seen=10))
    begun.tell(LogRead("a", 0, 10, 10, (), bad=3, bad_reason="line 1: x", seen=10))
    assert begun.state.counts["bad"] == 3


def test_what_an_older_app_stored_is_read() -> None:
    """Cursors and results of before know nothing of what was left."""
    cursor = {"size": 9, "collection": "model_inputs", "deployment": "v1",
              "touched": NOW.isoformat(), "read": 9, "asked": -1}  # fmt: skip
    model = codec.decode(Model, json.dumps(upgrade(1, {"blobs": {"a": cursor}})).encode())
    assert model.logs.blobs == {"a": Cursor(9, INPUTS, "v1", NOW, 9)}
    fact = {"kind": "log_read", "blob": "a", "start": 0, "end": 7, "limit": 10, "batches": []}
    assert FACTS.decode(json.dumps(fact).encode()) == LogRead("a", 0, 7, 10, ())


def test_nothing_is_said_of_what_an_older_reader_left(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, 10, None)).tell(after=QUIET)
    assert told(begun) == []
