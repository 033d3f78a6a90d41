"""From assessments to signals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fleet.model.effects import Publish, Tell
from fleet.model.facts import LogGrew
from fleet.model.records import Batch, Collection, Trouble
from fleet.model.results import LogRead
from monitoring.alerts.lifecycle import Phase, Severity, Status
from monitoring.drift.verdict import Verdict as Drift
from tests.unit.fleet.model.days import DAY, assess, condition, tickets


def test_drift_that_lasts_pages(begun: Any) -> None:
    moved = {"x": Drift.DRIFTED, "size": Drift.DRIFTING}
    assess(begun, DAY, verdict=Drift.DRIFTED, stream=moved, psi={"x": 0.4, "size": 0.05})
    (tell,) = begun.owed(Tell)
    assert (tell.team, tell.notice.alert, tell.notice.severity) == ("shop", "drift-1", "page")
    assert tell.notice.reason == f"drifted on {DAY}: x (psi 0.4)"
    assert tell.notice.features == ("size", "x")
    assert [published.type for published in begun.owed(Publish)] == [
        "drift.drifted",
        "alert.firing",
    ]
    (line,) = begun.said("alert")
    assert (line["alert"], line["phase"]) == ("drift-1", "firing")


def test_the_streams_verdict_is_published_when_it_is_another_one(begun: Any) -> None:
    x, y = {"x": Drift.DRIFTED}, {"x": Drift.DRIFTING}
    days = [f"2024-03-{day:02}" for day in range(4, 12)]
    streams = [{}, y, y, x, None, x, {}, {}]
    for day, stream in zip(days, streams, strict=True):
        verdict = Drift.INSUFFICIENT if stream is None else Drift.STABLE
        assess(begun, day, verdict=verdict, stream=stream or {}, explained_by=None)
    events = [e for e in begun.ever(Publish) if e.type.startswith("drift.")]
    found = [(e.type, e.fields["window"], e.fields["before"]) for e in events]
    # Neither that all is well at first nor that nothing is known is news.
    assert found == [
        ("drift.drifting", days[1], "stable"),
        ("drift.drifted", days[3], "drifting"),
        ("drift.stable", days[6], "drifted"),
    ]
    assert events[1].fields == {
        "window": days[3], "verdict": "drifted", "before": "drifting", "features": ("x",),
        "rows": 100, "explained_by": None,
    }  # fmt: skip
    assert len({e.key for e in events}) == 3


def test_a_window_that_is_assessed_again_is_another_event(begun: Any) -> None:
    assess(begun, DAY, stream={"x": Drift.DRIFTED})
    begun.tell(LogGrew("late", 5, Collection.inputs, "v1"))
    begun.tell(LogRead("late", 0, 5, 5, (Batch(DAY, 9, "rows-late", "sketch-late"),)))
    begun.tell(begun.assessed(DAY))
    keys = [e.key for e in begun.ever(Publish) if e.type.startswith("drift.")]
    assert len(set(keys)) == 2


def test_drift_against_an_uncalibrated_reference_is_a_ticket(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED}, calibrated=False)
    assert tickets(begun) == [("drift-1", Status.FIRING, Severity.TICKET)]


def test_drifting_is_a_ticket_and_names_five_features(begun: Any) -> None:
    moved = {f"f{i}": Drift.DRIFTING for i in range(7)}
    assess(begun, DAY, verdict=Drift.DRIFTING, stream=moved, psi=dict.fromkeys(moved, 0.03))
    (tell,) = begun.owed(Tell)
    assert tell.notice.severity is Severity.TICKET
    assert tell.notice.reason.endswith("f4 (psi 0.03) and 2 more")


def test_drift_that_an_event_explains_is_held(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED}, explained_by="strike")
    assert begun.ever(Tell) == []
    assert begun.state.alerting.alerts["drift"].phase is Phase.PENDING
    (line,) = begun.said("alert")
    assert (line["phase"], line["explained_by"]) == ("pending", "strike")
    # It stays when the event is over: now it is news.
    assess(begun, "2024-03-05", verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    assert tickets(begun) == [("drift-1", Status.FIRING, Severity.PAGE)]


def test_too_little_to_say_neither_fires_nor_resolves(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    assess(begun, "2024-03-05", verdict=Drift.INSUFFICIENT)
    begun.tell(after=timedelta(hours=20))
    assert begun.state.alerting.alerts["drift"].phase is Phase.FIRING


def test_quiet_for_long_enough_resolves(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    assess(begun, "2024-03-05")
    begun.tell(after=timedelta(days=1) - timedelta(microseconds=1))
    assert begun.state.alerting.alerts["drift"].phase is Phase.FIRING
    begun.tell(after=timedelta(microseconds=1))
    assert tickets(begun)[-1] == ("drift-1", Status.RESOLVED, Severity.PAGE)


def test_broken_data_pages_whatever_the_calendar_says(begun: Any) -> None:
    trouble = Trouble("all_missing", True, "3 of 6 features 100 % missing", ("b", "a", "c"))
    minor = Trouble("low_volume", False, "only 3 rows")
    assess(begun, DAY, quality=(minor, trouble), explained_by="strike")
    (tell,) = begun.owed(Tell)
    assert (tell.notice.alert, tell.notice.severity) == ("quality-1", Severity.PAGE)
    assert tell.notice.reason == "3 of 6 features 100 % missing; only 3 rows"
    assert tell.notice.features == ("a", "b", "c")


def test_lesser_trouble_with_data_is_a_ticket(begun: Any) -> None:
    assess(begun, DAY, quality=(Trouble("low_volume", False, "only 3 rows"),))
    assert tickets(begun) == [("quality-1", Status.FIRING, Severity.TICKET)]


def test_scores_that_moved_are_a_ticket(begun: Any) -> None:
    assess(begun, DAY, score=Drift.DRIFTED, score_psi=0.4)
    (tell,) = begun.owed(Tell)
    assert (tell.notice.alert, tell.notice.severity) == ("score-1", Severity.TICKET)
    assert tell.notice.reason == (
        f"the scores drifted: psi 0.4 over the 7 days up to {DAY} (limit 0.25)"
    )


def test_drift_of_features_the_model_hardly_looks_at_is_a_ticket_and_says_why(begun: Any) -> None:
    both = {"x": Drift.DRIFTED, "z": Drift.DRIFTED}
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"z": Drift.DRIFTED}, negligible={"z": 0.003})
    told = condition(begun, "drift")
    assert (told.active, told.severity) == (True, Severity.TICKET)
    assert "negligible importance: 0.3 % of the model's" in told.reason
    assess(begun, "2024-03-05", verdict=Drift.DRIFTED, stream=both, negligible={"z": 0.003})
    assert condition(begun, "drift").severity is Severity.PAGE
