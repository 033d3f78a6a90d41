"""From joins to signals, and to runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fleet.model.effects import Submit, Tell
from fleet.work.join.findings import repeated_finding, segments_finding
from monitoring.alerts.lifecycle import Severity, Status
from monitoring.finding import Finding
from monitoring.performance import Verdict as Health
from tests.unit.fleet.model.days import DAY, HOUR, condition, degrade, tickets


def test_degraded_performance_pages_and_trains(begun: Any) -> None:
    begun.batch("2024-03-03")
    degrade(begun, DAY)
    begun.tell()
    assert ("performance-1", Status.FIRING, Severity.PAGE) in tickets(begun)
    # One new labelled day is known, two are needed: the refusal is written down once.
    refusals = [line for line in begun.said("trigger") if not line["fire"]]
    assert [line["kind"] for line in refusals] == ["performance"]
    assert refusals[0]["reason"].startswith("1 labelled days since the last training, 2 are needed")
    begun.tell(after=HOUR)
    begun.tell(after=HOUR)
    assert len(begun.said("trigger")) == 1
    assert begun.ever(Submit) == []
    degrade(begun, "2024-03-05")
    (fired,) = [line for line in begun.said("trigger") if line["fire"]]
    assert (fired["kind"], fired["run"]) == ("performance", "demand-run-1")
    (submitted,) = begun.ever(Submit)
    job = submitted.job
    assert job.days == tuple(fired["days"])
    assert len(job.days) == 10
    assert len(job.holdout_days) == 3
    assert max(job.days) < min(job.holdout_days)
    assert max(job.holdout_days) == "2024-03-05"
    assert job.inputs[job.days[0]] == f"rows-{job.days[0]}"
    assert (job.model, job.time_limit) == ("demand", timedelta(hours=4))


def test_few_labels_are_a_ticket(begun: Any) -> None:
    degrade(begun, DAY, health=Health.INSUFFICIENT, labelled=40, reason="too few labels")
    assert tickets(begun) == [("labels-1", Status.FIRING, Severity.TICKET)]
    assert begun.state.alerting.signals["labels"].reason == (
        f"40 of 100 rows of {DAY} have a label (40 %; 50 % are needed)"
    )
    assert begun.state.alerting.signals["performance"].active is None


def test_an_explained_degradation_asks_for_nothing(begun: Any) -> None:
    for day in (DAY, "2024-03-05", "2024-03-06"):
        degrade(begun, day, explained_by="strike")
    assert begun.ever(Tell) == []
    assert begun.ever(Submit) == []


def test_a_segment_that_alone_is_degraded_is_a_ticket_until_it_is_not(begun: Any) -> None:
    said = "1 of 4 segments degraded: kind=a (300 labels): calibration gap +0.1"

    def joined(day: str, degraded: str) -> None:
        degrade(begun, day, health=Health.HEALTHY, findings=(segments_finding(day, degraded),))

    joined(DAY, "")
    assert condition(begun, "segments") is None
    joined("2024-03-05", said)
    told = condition(begun, "segments")
    assert (told.active, told.severity) == (True, Severity.TICKET)
    assert told.reason == f"{said} (up to 2024-03-05)"
    joined("2024-03-06", "")
    assert condition(begun, "segments").active is False


def test_rows_logged_again_are_a_ticket_above_the_policys_share(begun: Any) -> None:
    policy = begun.watched.policy.quality

    def joined(day: str, again: int) -> None:
        found = repeated_finding(day, again, 100, policy)
        degrade(begun, day, health=Health.HEALTHY, findings=(found,))

    joined(DAY, 5)
    assert condition(begun, "repeated") is None
    joined("2024-03-05", 6)
    told = condition(begun, "repeated")
    assert (told.active, told.severity) == (True, Severity.TICKET)
    assert told.reason.startswith(
        "6 of 106 rows of 2024-03-05 repeat an earlier id (5.7 %, limit 5 %)"
    )


def test_a_model_that_leans_on_other_features_is_a_ticket_explained_by_the_days_event(
    begun: Any,
) -> None:
    reason = "agrees by NDCG 0.700: x from rank 1 to 3 on 2024-03-05"
    found = Finding("association", True, reason, features=("x",))
    degrade(begun, health=Health.HEALTHY)
    assert condition(begun, "association") is None
    degrade(begun, "2024-03-05", health=Health.HEALTHY, findings=(found,), event="strike")
    told = condition(begun, "association")
    assert (told.active, told.severity, told.features) == (True, Severity.TICKET, ("x",))
    assert told.explained_by == "strike"
    assert told.reason.endswith("x from rank 1 to 3 on 2024-03-05")
