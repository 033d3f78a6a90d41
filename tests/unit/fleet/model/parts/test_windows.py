"""From windows to assessments and joins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.document.logs import FILES_KEPT
from fleet.document.policies import Fleet, Watched
from fleet.model.facts import Configured, Declined
from fleet.model.records import Collection
from fleet.model.results import LogRead, Referenced
from fleet.model.tasks import Assess, BuildReference, Join, ReadLabels, ReadLog
from monitoring.performance import Verdict as Health
from tests.unit.fleet.model.days import (
    CLOSES,
    DAY,
    ENDS,
    LABELS,
    OUTPUTS,
    TRAFFIC,
    grew,
    matched,
    rows,
)


def test_the_reference_is_asked_for_once_and_before_anything_is_read(story: Any) -> None:
    story.tell(Configured(story.watched.hash))
    assert story.owed(BuildReference) == [BuildReference("v1", "file", (), "", "")]
    story.tell(grew(10))
    assert story.last == []
    story.tell(Referenced("v1", "ref", ("2024-03-03",), 100, "scores"))
    (reading,) = story.owed(ReadLog)
    assert (reading.blob, reading.start, reading.end, reading.reference) == ("a", 0, 10, "ref")
    assert story.ever(BuildReference) == [BuildReference("v1", "file", (), "", "")]


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
    assert begun.state.windows.past[DAY].sketch == f"sketch-{DAY}"
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
    words = "compared with 8 days of class weekday"
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
    assert begun.state.windows.past[DAY].rows == 105


def test_the_answer_to_an_older_question_is_ignored(begun: Any) -> None:
    begun.batch(DAY).tell(at=CLOSES)
    older = begun.assessed(DAY, rows=1)
    begun.tell(grew(30, "late")).tell(LogRead("late", 0, 30, 30, (rows("late"),)))
    begun.tell(older)
    assert begun.said("assessed") == []
    assert DAY not in begun.state.windows.past
    begun.tell(begun.assessed(DAY, rows=105))
    assert begun.state.windows.past[DAY].rows == 105


def test_usual_rows_come_from_the_same_weekday_without_events(begun: Any) -> None:
    begun.batch("2024-03-11").tell(at=CLOSES + timedelta(days=7))
    (asked,) = begun.owed(Assess)
    # 4 March is not known; 26 and 19 February are, with 100 rows each.
    assert asked.expected == 100
    assert asked.event == "strike"


def test_labels_reach_the_windows_whose_rows_they_name(begun: Any) -> None:
    begun.batch(DAY).batch(DAY, OUTPUTS).batch(DAY, OUTPUTS, "v0")
    begun.tell(grew(10, "l", LABELS), at=ENDS + timedelta(hours=9))
    (asked,) = begun.owed(ReadLabels)
    assert asked.outputs == {DAY: (f"rows-model_outputs-v1-{DAY}", f"rows-model_outputs-v0-{DAY}")}
    begun.tell(matched("l", DAY, "2001-01-01", unknown=3))
    assert begun.state.windows.open[DAY].labels == ("labels-l",)
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
    assert begun.state.windows.past[DAY].labelled == 60
    begun.tell(grew(10, "m", LABELS)).tell(matched("m", DAY))
    (join,) = begun.owed(Join)
    assert join.labels == ("labels-l", "labels-m")
    begun.tell(begun.joined(DAY, labelled=100))
    assert begun.state.windows.past[DAY].labelled == 100


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
    labels, known = (
        begun.state.alerting.signals["labels"],
        begun.state.alerting.signals["performance"],
    )
    assert (labels.active, known.active) == (True, None)
    assert labels.reason == f"0 of 100 rows of {DAY} have a label (0 %; 50 % are needed)"


def test_windows_and_files_are_let_go_when_nothing_can_come_any_more(begun: Any) -> None:
    begun.batch(DAY).batch(DAY, OUTPUTS)
    last = ENDS + timedelta(days=3) + timedelta(days=2)
    begun.tell(at=CLOSES)
    begun.tell(begun.assessed(DAY))
    begun.tell(at=last - timedelta(microseconds=1))
    assert DAY in begun.state.windows.open
    begun.tell(at=last)
    assert DAY not in begun.state.windows.open
    assert begun.state.windows.past[DAY].sketch
    touched = max(cursor.touched for cursor in begun.state.logs.blobs.values())
    begun.tell(at=touched + FILES_KEPT - timedelta(microseconds=1))
    assert begun.state.logs.blobs
    begun.tell(at=touched + FILES_KEPT)
    assert begun.state.logs.blobs == {}
    begun.batch(DAY)
    assert begun.said("late")[-1] == {"what": "late", "window": DAY, "rows": 100}
    assert DAY not in begun.state.windows.open


@pytest.mark.parametrize("kind", [TRAFFIC, OUTPUTS])
def test_a_window_without_inputs_is_not_assessed(begun: Any, kind: Collection) -> None:
    begun.batch(DAY, kind).tell(at=CLOSES)
    assert begun.ever(Assess) == []


def test_a_window_whose_assessment_was_refused_holds_up_no_other(begun: Any) -> None:
    begun.batch(DAY).batch("2024-03-05")
    begun.tell(at=CLOSES + timedelta(days=1))
    (asked,) = begun.owed(Assess)
    begun.tell(Declined("assess", asked.key, "blob x: not found"))
    assert begun.said("unjudged") == [
        {"what": "unjudged", "window": DAY, "of": "inputs", "reason": "blob x: not found"}
    ]
    assert [e.window for e in begun.owed(Assess)] == ["2024-03-05"]
    # More rows are another question.
    begun.tell(begun.assessed("2024-03-05"))
    begun.tell(grew(10)).tell(LogRead("a", 0, 10, 10, (rows("1"),)))
    assert [e.window for e in begun.owed(Assess)] == [DAY]


def test_a_join_that_was_refused_is_told(begun: Any) -> None:
    begun.batch(DAY, OUTPUTS)
    begun.tell(at=ENDS + timedelta(days=2))
    (asked,) = begun.owed(Join)
    begun.tell(Declined("join", asked.key, "blob x: not found"))
    assert begun.said("unjudged")[0]["of"] == "labels"
    assert begun.owed(Join) == []
