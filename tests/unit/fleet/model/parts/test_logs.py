"""From announced log files to windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.model.facts import Declined
from fleet.model.parts.logs import RANGE, READS_AT_ONCE
from fleet.model.records import Batch, Collection, Dropped
from fleet.model.results import Counted, LogRead
from fleet.model.tasks import ReadLabels, ReadLog
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
    rows,
)  # fmt: skip


def read(start: int, end: int, *batches: Batch, limit: int | None = None) -> LogRead:
    return LogRead("a", start, end, end if limit is None else limit, batches)


def test_a_growing_file_is_read_from_where_the_cursor_stands(begun: Any) -> None:
    begun.tell(grew(10))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(0, 10)]
    # It grows twice while the first range is read.
    begun.tell(grew(25)).tell(grew(30))
    assert begun.owed(ReadLog) == []
    begun.tell(read(0, 10, rows("1")))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(10, 30)]
    begun.tell(read(10, 30, rows("2")))
    assert begun.owed(ReadLog) == []
    assert begun.state.windows.open[DAY].inputs == (rows("1"), rows("2"))
    assert begun.state.logs.blobs["a"].read == 30


def test_a_file_announced_twice_at_one_size_is_read_once(begun: Any) -> None:
    begun.tell(grew(10), grew(10)).tell(grew(10))
    begun.tell(read(0, 10, rows("1"))).tell(grew(10)).tell(grew(4))
    assert [(e.start, e.end) for e in begun.ever(ReadLog)] == [(0, 10)]


def test_an_incomplete_last_line_waits_for_the_next_announcement(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, rows("1"), limit=10))
    assert begun.owed(ReadLog) == []
    assert begun.state.logs.blobs["a"].read == 7
    begun.tell(grew(22))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(7, 22)]


def test_an_incomplete_line_announced_again_is_looked_at_again_and_read_on(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, rows("1"), limit=10))
    begun.tell(grew(10)).tell(grew(22))
    begun.tell(read(7, 7, limit=10))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(7, 22)]


def test_a_file_that_grew_behind_an_incomplete_line_is_read_on(begun: Any) -> None:
    begun.tell(grew(10)).tell(grew(20))
    begun.tell(read(0, 7, rows("1"), limit=10))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(7, 20)]


def test_the_result_of_an_outdated_cursor_is_ignored(begun: Any) -> None:
    begun.tell(grew(20))
    begun.tell(read(0, 20, rows("1")))
    known, said = begun.state, len(begun.lines)
    begun.tell(read(0, 20, rows("1")), read(0, 10, rows("x")), read(20, 30, rows("y")))
    assert (begun.state, len(begun.lines)) == (known, said)
    begun.tell(LogRead("never-announced", 0, 5, 5, (rows("z"),)))
    assert begun.state == known


def test_a_large_file_is_read_in_ranges(begun: Any) -> None:
    begun.tell(grew(2 * RANGE + 5))
    begun.tell(read(0, RANGE)).tell(read(RANGE, 2 * RANGE)).tell(read(2 * RANGE, 2 * RANGE + 5))
    assert [(e.start, e.end) for e in begun.ever(ReadLog)] == [
        (0, RANGE), (RANGE, 2 * RANGE), (2 * RANGE, 2 * RANGE + 5),
    ]  # fmt: skip


def test_a_line_longer_than_a_range_does_not_stop_the_file(begun: Any) -> None:
    """Nothing whole was in the range: the next one is asked for only once there is more."""
    begun.tell(grew(RANGE)).tell(read(0, 0, limit=RANGE))
    assert begun.owed(ReadLog) == []


def test_only_so_many_reads_are_under_way_at_once(begun: Any) -> None:
    begun.tell(*(grew(10, f"f{i:03}") for i in range(READS_AT_ONCE + 5)))
    assert len(begun.owed(ReadLog)) == READS_AT_ONCE
    begun.tell(LogRead("f000", 0, 10, 10, ()))
    assert len(begun.owed(ReadLog)) == 1


def test_rows_go_to_the_windows_they_fall_into(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 10, rows("1"), rows("2", "2024-03-05")))
    assert set(begun.state.windows.open) == {DAY, "2024-03-05"}
    window = begun.state.windows.open[DAY]
    assert (window.ends, window.closes) == (ENDS, CLOSES)


def test_copies_of_the_inputs_do_not_count(begun: Any) -> None:
    begun.tell(grew(10, "copy", by="v0"))
    assert begun.last == []
    assert begun.state.counts["ignored"] == 1
    begun.tell(grew(10, "scores-of-a-copy", OUTPUTS, "v0"))
    assert len(begun.owed(ReadLog)) == 1


def test_every_range_of_a_labels_file_waits_for_its_outputs(begun: Any) -> None:
    """The second range is read before the first one's rows were logged; neither is forgotten."""
    begun.batch(DAY)
    begun.tell(grew(10, "l", LABELS), at=ENDS + timedelta(hours=9))
    begun.tell(matched("l", unknown=5))
    begun.tell(grew(20, "l", LABELS))
    begun.tell(matched("l", start=10, end=20, unknown=3))
    begun.batch(DAY, OUTPUTS)
    asked = [(one.blob, one.start, one.end) for one in begun.ever(ReadLabels)[-2:]]
    assert asked == [("l", 0, 10), ("l", 10, 20)]
    outputs = begun.ever(ReadLabels)[-1].of
    first = replace(matched("l", DAY), of=outputs, rows="labels-0")
    begun.tell(first, replace(matched("l", DAY, start=10, end=20), of=outputs, rows="labels-10"))
    assert begun.state.windows.open[DAY].labels == ("labels-0", "labels-10")
    assert begun.state.logs.loose == {}


def test_a_range_without_unknown_rows_leaves_an_earlier_one_waiting(begun: Any) -> None:
    begun.batch(DAY)
    begun.tell(grew(10, "l", LABELS), at=ENDS + timedelta(hours=9))
    begun.tell(matched("l", unknown=5))
    begun.tell(grew(20, "l", LABELS))
    begun.tell(matched("l", start=10, end=20))
    (waiting,) = begun.state.logs.loose.values()
    assert (waiting.start, waiting.end) == (0, 10)


def test_bad_lines_are_counted_with_a_reason(begun: Any) -> None:
    begun.tell(grew(10)).tell(LogRead("a", 0, 10, 10, (rows("1"),), (), 2, "line 3: not JSON"))
    (line,) = begun.said("read")
    assert (line["rows"], line["bad"], line["reason"]) == (5, 2, "line 3: not JSON")


@pytest.mark.parametrize("kind", [INPUTS, OUTPUTS, TRAFFIC, LABELS])
def test_a_range_whose_reading_was_refused_is_read_again_later(
    begun: Any, kind: Collection
) -> None:
    """Its size is no news: an announcement of the same size changes nothing."""
    begun.tell(grew(10, kind=kind))
    for wait in (1, 4, 16, 24, 24):
        (owed,) = begun.owed(ReadLog) + begun.owed(ReadLabels)
        begun.tell(Declined("read_log", owed.key, "it failed 5 times: KeyError: 'x'"))
        assert begun.wake_at is None or begun.wake_at <= begun.now + timedelta(hours=wait)
        begun.tell(after=timedelta(hours=wait) - timedelta(seconds=1))
        assert begun.owed(ReadLog) + begun.owed(ReadLabels) == []
        begun.tell(after=timedelta(seconds=1))
    assert [(line["blob"], line["start"]) for line in begun.said("unread")] == [("a", 0)]
    owed = begun.ever(ReadLog) + begun.ever(ReadLabels)
    assert len({effect.key for effect in owed}) == len(owed) == 6


def test_a_range_that_was_refused_is_read_at_once_when_its_file_grows(begun: Any) -> None:
    begun.tell(grew(10))
    (owed,) = begun.owed(ReadLog)
    begun.tell(Declined("read_log", owed.key, "x"))
    begun.tell(grew(12))
    assert [(e.start, e.end) for e in begun.owed(ReadLog)] == [(0, 12)]
    begun.tell(read(0, 12, rows("1"))).tell(after=timedelta(days=2))
    assert begun.owed(ReadLog) == []
    assert begun.state.windows.open[DAY].inputs == (rows("1"),)


def test_a_refused_file_of_outputs_holds_up_no_labels(begun: Any) -> None:
    begun.tell(grew(10, "o", OUTPUTS)).tell(grew(10, "l", LABELS))
    begun.tell(Declined("read_log", begun.ever(ReadLog)[0].key, "x"))
    begun.tell(matched("l", unknown=3))
    begun.tell(grew(10, "p", OUTPUTS)).tell(replace(read(0, 10, rows("p")), blob="p"))
    assert begun.owed(ReadLabels)[0].outputs == {DAY: ("rows-p",)}


def test_a_refusal_of_another_range_or_file_changes_nothing(begun: Any) -> None:
    begun.tell(grew(10))
    (owed,) = begun.owed(ReadLog)
    for key in (f"{owed.key}1", owed.key.replace("read:", "labels:x"), "read:b:0"):
        begun.tell(Declined("read_log", key, "x"))
    begun.tell(read(0, 10, rows("1")))
    assert begun.state.logs.blobs["a"].read == 10
    assert begun.said("unread") == []


def test_what_was_left_out_by_its_day_is_told_once(begun: Any) -> None:
    begun.tell(grew(10))
    late, ahead = Dropped(7, "1990-01-01", "2023-12-31"), Dropped(2, "2024-03-07", "2024-03-08")
    begun.tell(replace(read(0, 10), late=late, ahead=ahead))
    begun.tell(replace(read(0, 10), late=late, ahead=ahead))
    assert begun.said("late") == [
        {"what": "late", "window": "1990-01-01", "rows": 7, "last": "2023-12-31"}
    ]
    assert begun.said("ahead") == [
        {"what": "ahead", "blob": "a", "rows": 2, "first": "2024-03-07", "last": "2024-03-08"}
    ]


def test_a_reader_is_told_which_days_may_have_a_window(begun: Any) -> None:
    begun.tell(grew(10))
    (owed,) = begun.owed(ReadLog)
    assert owed.first < DAY <= owed.last


def test_answers_that_a_log_service_gave_and_nobody_can_use_are_told(begun: Any) -> None:
    read = Batch("2024-03-04", 2, "rows")
    begun.tell(Counted("2024-03-04", (("v1", read),), (), 3, "the score is not a finite number"))
    (line,) = begun.said("counted")
    assert (line["bad"], line["reason"]) == (3, "the score is not a finite number")
    assert begun.state.counts["bad"] == 3
