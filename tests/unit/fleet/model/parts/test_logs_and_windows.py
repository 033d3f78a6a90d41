"""From announced log files to windows, and from windows to assessments and joins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet, Watched
from fleet.model.effects import Assess, BuildReference, Join, ReadLabels, ReadLog
from fleet.model.facts import (
    Batch,
    Collection,
    Configured,
    LabelsRead,
    LogGrew,
    LogRead,
    Referenced,
)
from fleet.model.parts.logs import RANGE, READS_AT_ONCE
from monitoring.performance import Verdict as Health

DAY = "2024-03-04"
INPUTS, OUTPUTS, TRAFFIC, LABELS = (
    Collection.inputs, Collection.outputs, Collection.traffic, Collection.labels,
)  # fmt: skip
# Berlin's 4 March ends at 23:00 UTC; two hours later its late rows are in.
ENDS = datetime(2024, 3, 4, 23, tzinfo=UTC)
CLOSES = ENDS + timedelta(hours=2)


def grew(size: int, blob: str = "a", kind: Collection = INPUTS, by: str = "v1") -> LogGrew:
    return LogGrew(blob, size, kind, by)


def read(start: int, end: int, *batches: Batch, limit: int | None = None) -> LogRead:
    return LogRead("a", start, end, end if limit is None else limit, batches)


def rows(name: str, day: str = DAY) -> Batch:
    return Batch(day, 5, f"rows-{name}", f"sketch-{name}")


def test_the_reference_is_asked_for_once_and_before_anything_is_read(story: Any) -> None:
    story.tell(Configured(story.watched.hash))
    assert story.owed(BuildReference) == [BuildReference("v1", "file", (), "", "")]
    story.tell(grew(10))
    assert story.last == []
    story.tell(Referenced("v1", "ref", ("2024-03-03",), 100, "scores"))
    (reading,) = story.owed(ReadLog)
    assert (reading.blob, reading.start, reading.end, reading.reference) == ("a", 0, 10, "ref")
    assert story.ever(BuildReference) == [BuildReference("v1", "file", (), "", "")]


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
    assert begun.state.windows[DAY].inputs == (rows("1"), rows("2"))
    assert begun.state.blobs["a"].read == 30


def test_a_file_announced_twice_at_one_size_is_read_once(begun: Any) -> None:
    begun.tell(grew(10), grew(10)).tell(grew(10))
    begun.tell(read(0, 10, rows("1"))).tell(grew(10)).tell(grew(4))
    assert [(e.start, e.end) for e in begun.ever(ReadLog)] == [(0, 10)]


def test_an_incomplete_last_line_waits_for_the_next_announcement(begun: Any) -> None:
    begun.tell(grew(10)).tell(read(0, 7, rows("1"), limit=10))
    assert begun.owed(ReadLog) == []
    assert begun.state.blobs["a"].read == 7
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
    assert set(begun.state.windows) == {DAY, "2024-03-05"}
    window = begun.state.windows[DAY]
    assert (window.ends, window.closes) == (ENDS, CLOSES)


def test_copies_of_the_inputs_do_not_count(begun: Any) -> None:
    begun.tell(grew(10, "copy", by="v0"))
    assert begun.last == []
    assert begun.state.counts["ignored"] == 1
    begun.tell(grew(10, "scores-of-a-copy", OUTPUTS, "v0"))
    assert len(begun.owed(ReadLog)) == 1


def test_a_window_is_assessed_when_its_late_rows_had_their_time(begun: Any) -> None:
    begun.batch(DAY)
    assert begun.ever(Assess) == []
    assert begun.wake_at is not None
    assert begun.wake_at <= CLOSES
    begun.tell(at=CLOSES - timedelta(microseconds=1))
    assert begun.ever(Assess) == []
    begun.tell(at=CLOSES)
    (asked,) = begun.owed(Assess)
    assert (asked.window, asked.sketches, asked.reference) == (DAY, (f"sketch-{DAY}",), "ref")
    assert (asked.champion, asked.scores, asked.event) == ("v1", "scores-v1", None)
    begun.tell(begun.assessed(DAY))
    assert begun.state.past[DAY].sketch == f"sketch-{DAY}"
    assert begun.said("assessed")[0]["window"] == DAY


def test_windows_are_assessed_one_after_the_other(begun: Any) -> None:
    begun.batch(DAY).batch("2024-03-05")
    begun.tell(at=CLOSES + timedelta(days=1))
    assert [e.window for e in begun.owed(Assess)] == [DAY]
    begun.tell(begun.assessed(DAY, flagged=("x",)))
    (asked,) = begun.owed(Assess)
    assert asked.window == "2024-03-05"
    assert asked.before == (f"sketch-{DAY}",)
    assert asked.flags == (("x",),)


def test_days_are_told_apart_only_where_the_policy_asks(
    begun: Any, telling: Callable[[Watched], Any], resolve: Callable[..., Fleet]
) -> None:
    begun.batch(DAY).tell(at=CLOSES)
    assert begun.owed(Assess)[0].known is None
    rule = "    serving: {champion: v1, baseline: v0}"
    apart = resolve((rule, f"{rule}\n    drift: {{classes: true}}"))
    other = telling(apart.models["demand"]).begin()
    other.batch(DAY).batch("2024-03-05")
    other.tell(at=CLOSES + timedelta(days=1))
    assert other.owed(Assess)[0].known == CLOSES + timedelta(days=1)
    words = "held against 8 days of class weekday"
    other.tell(other.assessed(DAY, against=words))
    assert other.owed(Assess)[0].days == (DAY,)
    assert other.said("assessed")[0]["against"] == words
    assert "against" not in begun.tell(begun.assessed(DAY)).said("assessed")[0]


def test_late_rows_are_assessed_again(begun: Any) -> None:
    begun.batch(DAY).tell(at=CLOSES)
    begun.tell(begun.assessed(DAY))
    begun.tell(grew(30, "late")).tell(LogRead("late", 0, 30, 30, (rows("late"),)))
    (asked,) = begun.owed(Assess)
    assert asked.sketches == (f"sketch-{DAY}", "sketch-late")
    begun.tell(begun.assessed(DAY, rows=105))
    assert begun.state.past[DAY].rows == 105


def test_the_answer_to_an_older_question_is_ignored(begun: Any) -> None:
    begun.batch(DAY).tell(at=CLOSES)
    older = begun.assessed(DAY, rows=1)
    begun.tell(grew(30, "late")).tell(LogRead("late", 0, 30, 30, (rows("late"),)))
    begun.tell(older)
    assert begun.said("assessed") == []
    assert DAY not in begun.state.past
    begun.tell(begun.assessed(DAY, rows=105))
    assert begun.state.past[DAY].rows == 105


def test_usual_rows_come_from_the_same_weekday_without_events(begun: Any) -> None:
    begun.batch("2024-03-11").tell(at=CLOSES + timedelta(days=7))
    (asked,) = begun.owed(Assess)
    # 4 March is not known; 26 and 19 February are, with 100 rows each.
    assert asked.expected == 100
    assert asked.event == "strike"


def matched(blob: str, *days: str, start: int = 0, end: int = 10, unknown: int = 0) -> LabelsRead:
    return LabelsRead(blob, start, end, end, f"labels-{blob}", dict.fromkeys(days, 5), unknown)


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
    assert begun.state.windows[DAY].labels == ("labels-0", "labels-10")
    assert begun.state.loose == {}


def test_a_range_without_unknown_rows_leaves_an_earlier_one_waiting(begun: Any) -> None:
    begun.batch(DAY)
    begun.tell(grew(10, "l", LABELS), at=ENDS + timedelta(hours=9))
    begun.tell(matched("l", unknown=5))
    begun.tell(grew(20, "l", LABELS))
    begun.tell(matched("l", start=10, end=20))
    (waiting,) = begun.state.loose.values()
    assert (waiting.start, waiting.end) == (0, 10)


def test_labels_reach_the_windows_whose_rows_they_name(begun: Any) -> None:
    begun.batch(DAY).batch(DAY, OUTPUTS).batch(DAY, OUTPUTS, "v0")
    begun.tell(grew(10, "l", LABELS), at=ENDS + timedelta(hours=9))
    (asked,) = begun.owed(ReadLabels)
    assert asked.outputs == {DAY: (f"rows-model_outputs-v1-{DAY}", f"rows-model_outputs-v0-{DAY}")}
    begun.tell(matched("l", DAY, "2001-01-01", unknown=3))
    assert begun.state.windows[DAY].labels == ("labels-l",)
    assert begun.said("read")[-1]["unknown"] == 3
    (join,) = begun.owed(Join)
    assert (join.window, join.labels, join.baseline) == (DAY, ("labels-l",), "v0")
    assert join.outputs == (
        ("v1", f"rows-model_outputs-v1-{DAY}"), ("v0", f"rows-model_outputs-v0-{DAY}"),
    )  # fmt: skip
    assert (join.starts, join.ends) == (ENDS - timedelta(days=1), ENDS)
    assert [day for day, _, _ in join.trailing] == ["2024-03-02", "2024-03-03"]


def test_labels_of_a_day_that_goes_on_wait_for_its_end(begun: Any) -> None:
    begun.batch(DAY, OUTPUTS).tell(grew(10, "l", LABELS)).tell(matched("l", DAY))
    assert begun.ever(Join) == []
    begun.tell(at=ENDS)
    assert [join.window for join in begun.owed(Join)] == [DAY]


def test_more_labels_join_again(begun: Any) -> None:
    begun.batch(DAY, OUTPUTS).tell(grew(10, "l", LABELS), at=ENDS).tell(matched("l", DAY))
    begun.tell(begun.joined(DAY, labelled=60))
    assert begun.state.past[DAY].labelled == 60
    begun.tell(grew(10, "m", LABELS)).tell(matched("m", DAY))
    (join,) = begun.owed(Join)
    assert join.labels == ("labels-l", "labels-m")
    begun.tell(begun.joined(DAY, labelled=100))
    assert begun.state.past[DAY].labelled == 100


def test_overdue_labels_are_no_good_news(begun: Any) -> None:
    """A day after its end the window is joined without labels, and says that it knows nothing."""
    begun.batch(DAY, OUTPUTS)
    begun.tell(at=ENDS + timedelta(days=1) - timedelta(microseconds=1))
    assert begun.ever(Join) == []
    begun.tell(at=ENDS + timedelta(days=1))
    (join,) = begun.owed(Join)
    assert join.labels == ()
    nothing = begun.joined(DAY, labelled=0, health=Health.INSUFFICIENT, reason="no labels")
    begun.tell(nothing)
    labels, known = begun.state.signals["labels"], begun.state.signals["performance"]
    assert (labels.active, known.active) == (True, None)
    assert labels.reason == f"0 of 100 labels of {DAY} are in (0%)"


def test_windows_and_files_are_let_go_when_nothing_can_come_any_more(begun: Any) -> None:
    begun.batch(DAY).batch(DAY, OUTPUTS)
    last = ENDS + timedelta(days=3) + timedelta(days=2)
    begun.tell(at=CLOSES)
    begun.tell(begun.assessed(DAY))
    begun.tell(at=last - timedelta(microseconds=1))
    assert DAY in begun.state.windows
    begun.tell(at=last)
    assert DAY not in begun.state.windows
    assert begun.state.blobs == {}
    assert begun.state.past[DAY].sketch
    begun.batch(DAY)
    assert begun.said("late")[-1] == {"what": "late", "window": DAY, "rows": 100}
    assert DAY not in begun.state.windows


def test_bad_lines_are_counted_with_a_reason(begun: Any) -> None:
    begun.tell(grew(10)).tell(LogRead("a", 0, 10, 10, (rows("1"),), (), 2, "line 3: not JSON"))
    (line,) = begun.said("read")
    assert (line["rows"], line["bad"], line["reason"]) == (5, 2, "line 3: not JSON")


@pytest.mark.parametrize("kind", [TRAFFIC, OUTPUTS])
def test_a_window_without_inputs_is_not_assessed(begun: Any, kind: Collection) -> None:
    begun.batch(DAY, kind).tell(at=CLOSES)
    assert begun.ever(Assess) == []
