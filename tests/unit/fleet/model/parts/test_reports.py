"""Reports are owed with the first page of an alert and on request, and told once drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.model.effects import Tell
from fleet.model.facts import Asked
from fleet.model.records import Trouble
from fleet.model.results import Reported
from fleet.model.slices.windows import Past
from fleet.model.tasks import BuildReport
from monitoring.alerts.lifecycle import Severity, Status
from monitoring.drift.verdict import Verdict as Drift

DAY = "2024-03-04"
MOVED = {
    "verdict": Drift.DRIFTED, "stream": {"x": Drift.DRIFTED}, "flagged": ("x", "y"),
    "psi": {"x": 0.4},
}  # fmt: skip


@pytest.fixture
def asked_of(begun: Any) -> Any:
    """A window that waits for its assessment."""
    begun.batch(DAY)
    begun.tell(after=timedelta(days=1))
    return begun


def drifted(story: Any, **fields: Any) -> Any:
    return story.tell(story.assessed(DAY, **{**MOVED, **fields}))


def test_a_page_owes_a_report_of_its_window_behind_all_notices(asked_of: Any) -> None:
    drifted(asked_of)
    (owed,) = asked_of.owed(BuildReport)
    assert (owed.window, owed.of, owed.reference) == (DAY, "drift-1", "ref")
    assert owed.rows == (f"rows-model_inputs-v1-{DAY}",)
    assert owed.features == ("x", "y")
    assert owed.past[0] == ("2024-02-13", "rows-2024-02-13")
    assert len(owed.past) == 20
    kinds = [type(effect) for effect in asked_of.last]
    assert kinds.index(BuildReport) > max(n for n, kind in enumerate(kinds) if kind is Tell)


def test_the_page_names_where_the_report_will_be(asked_of: Any) -> None:
    drifted(asked_of)
    (told,) = asked_of.owed(Tell)
    assert told.notice.severity is Severity.PAGE
    assert told.notice.lines[-1] == ("Evidently report, once drawn: /models/demand?report=drift-1")


def test_reminders_and_the_end_owe_no_second_report(asked_of: Any) -> None:
    drifted(asked_of)
    asked_of.tell(after=timedelta(days=1, hours=1))
    (reminder,) = asked_of.owed(Tell)
    assert reminder.notice.status is Status.FIRING
    assert reminder.notice.lines[-1].endswith("?report=drift-1")
    assert len(asked_of.ever(BuildReport)) == 1


def test_a_ticket_owes_none_until_it_becomes_a_page(asked_of: Any) -> None:
    drifted(asked_of, calibrated=False)
    (told,) = asked_of.owed(Tell)
    assert told.notice.severity is Severity.TICKET
    assert not any("report" in line for line in told.notice.lines)
    assert asked_of.ever(BuildReport) == []
    asked_of.batch("2024-03-05").tell(after=timedelta(days=1))
    asked_of.tell(asked_of.assessed("2024-03-05", **MOVED))
    (owed,) = asked_of.owed(BuildReport)
    assert (owed.window, owed.of) == ("2024-03-05", "drift-1")


def test_broken_data_owes_one_too(asked_of: Any) -> None:
    asked_of.tell(asked_of.assessed(DAY, quality=(Trouble("missing", True, "x is gone", ("x",)),)))
    (owed,) = asked_of.owed(BuildReport)
    assert (owed.of, owed.features) == ("quality-1", ("x",))


def test_joined_rows_go_before_those_that_came_in(asked_of: Any) -> None:
    known = asked_of.state.windows.remember(DAY, Past(joined="joined"))
    asked_of.state = replace(asked_of.state, windows=known)
    drifted(asked_of)
    assert asked_of.owed(BuildReport)[0].rows == ("joined",)


def test_rows_that_are_not_kept_are_told(asked_of: Any) -> None:
    asked_of.tell(asked_of.assessed(DAY))
    closed = replace(asked_of.state.windows, open={})
    asked_of.state = replace(asked_of.state, windows=closed)
    asked_of.tell(Asked("report", "g.hopper", "", "c1", "demand"))
    assert asked_of.ever(BuildReport) == []
    assert asked_of.said("report") == [
        {
            "what": "report", "window": DAY, "of": "c1",
            "note": f"no report: the rows of {DAY} are not kept",
        }
    ]  # fmt: skip


def test_an_operator_gets_the_newest_window_or_the_one_that_is_named(asked_of: Any) -> None:
    asked_of.tell(asked_of.assessed(DAY))
    asked_of.tell(Asked("report", "g.hopper", "", "c1", "demand"))
    assert asked_of.owed(BuildReport)[0].window == DAY
    asked_of.tell(Asked("report", "g.hopper", "", "c2", "demand", days=("2024-03-01", "")))
    (owed,) = asked_of.owed(BuildReport)
    assert (owed.window, owed.of, owed.rows) == ("2024-03-01", "c2", ("rows-2024-03-01",))


def test_a_window_that_nobody_knows_is_refused(begun: Any) -> None:
    begun.tell(Asked("report", "g.hopper", "", "c1", "demand"))
    begun.tell(Asked("report", "g.hopper", "", "c2", "demand", days=("2019-01-01",)))
    assert [line["note"] for line in begun.said("report")] == [
        "no report: there is no window yet",
        "no report: window '2019-01-01' is not known",
    ]
    assert begun.ever(BuildReport) == []


def test_a_report_is_written_down(begun: Any) -> None:
    begun.tell(Reported(DAY, "drift-1", "blob"), Reported(DAY, "c1", "", "install it"))
    assert begun.said("report") == [
        {"what": "report", "window": DAY, "of": "drift-1", "report": "blob"},
        {"what": "report", "window": DAY, "of": "c1", "note": "no report: install it"},
    ]
