"""From signals to alerts, and who may silence them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.document.policies import Fleet
from fleet.model.effects import Tell
from fleet.model.facts import LAPSED, Asked, Declined
from fleet.model.records import ObjectiveStatus, TrafficCount, Trouble
from fleet.model.results import LogRead, Measured
from fleet.model.tasks import Measure
from monitoring.alerts.lifecycle import Phase, Severity, Status
from monitoring.drift.verdict import Verdict as Drift
from monitoring.slo.objective import Objective, Sli
from monitoring.slo.objective import Verdict as Burn
from tests.unit.fleet.model.days import DAY, HOUR, assess, tickets

STRUCK = "2024-03-11"


def freeze(story: Any) -> None:
    until = story.now + timedelta(days=60)
    story.tell(Asked("freeze", "ann", "strike", "freeze-1", until=until))


def paged(story: Any) -> list[str]:
    """Alerts that ever paged."""
    notices = [e.notice for e in story.ever(Tell)]
    return [one.alert for one in notices if one.severity is Severity.PAGE]


@pytest.mark.parametrize("kind", ["no_rows", "type_change", "all_missing", "missing_jump"])
def test_no_event_and_no_freeze_lifts_a_page_for_broken_data(begun: Any, kind: str) -> None:
    freeze(begun)
    assess(
        begun,
        STRUCK,
        verdict=Drift.DRIFTED,
        stream={"x": Drift.DRIFTED},
        explained_by="strike",
        quality=(Trouble(kind, True, "1 of 6 features broke", ("x",)),),
    )
    assert begun.state.windows.past[STRUCK].event == "strike"
    assert begun.state.alerting.alerts["drift"].phase is Phase.PENDING
    assert paged(begun) == ["quality-1"]


def test_no_event_and_no_freeze_lifts_a_page_for_a_burning_objective(
    fleet: Fleet, telling: Callable[..., Any]
) -> None:
    objective = Objective("answers", "demand", Sli.AVAILABILITY, 0.99, timedelta(days=30))
    story = telling(replace(fleet.models["demand"], objectives=(objective,))).begin()
    freeze(story)
    noon = datetime.fromisoformat(STRUCK).replace(tzinfo=UTC, hour=12)
    heard = TrafficCount("v1", noon - HOUR, noon, 100, 90, 0)
    story.tell(LogRead("traffic", 0, 1, 1, (), (heard,)), at=noon)
    (measure,) = story.owed(Measure)
    burns = ObjectiveStatus("answers", Burn.BURNING, True, ("burns 90 times too fast",), 0.1, 0.0)
    story.tell(Measured(measure.at, "history", (burns,)))
    assert paged(story) == ["slo-answers-1"]


@pytest.mark.usefixtures("heavy")
def test_no_event_and_no_freeze_lifts_a_page_for_silence(begun: Any) -> None:
    """On a public holiday fewer requests are expected, and none at all is still too few."""
    freeze(begun)
    start, end = datetime(2024, 4, 8, tzinfo=UTC), datetime(2024, 4, 30, 22, tzinfo=UTC)
    hours = int((end - start) / HOUR)
    for at in (start + i * HOUR for i in range(hours)):
        heard = TrafficCount("v1", at, at + HOUR, 24 + at.hour % 3, 0, 0)
        begun.tell(LogRead("traffic", 0, 1, 1, (), (heard,)), at=at + HOUR)
    due = begun.state.silence.due
    assert end < due < end + timedelta(hours=24), "the holiday lasts a day"
    begun.tell(at=due)
    assert paged(begun) == ["silence-1"]


def test_an_alert_is_acknowledged_by_its_name(begun: Any) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    begun.tell(Asked("ack", "a.turing", "", "c1", "drift-1"))
    alert = begun.state.alerting.alerts["drift"]
    assert (alert.phase, alert.acknowledged_by) == (Phase.ACKNOWLEDGED, "a.turing")
    begun.tell(Asked("ack", "a.turing", "", "c2", "drift-9"))
    assert begun.said("refused")[-1]["reason"] == "drift-9: no alert of that name has fired"


def test_an_acknowledgement_that_expired_is_written_down_and_the_alert_fires_again(
    begun: Any,
) -> None:
    assess(begun, DAY, verdict=Drift.DRIFTED, stream={"x": Drift.DRIFTED})
    begun.tell(Asked("ack", "a.turing", "", "c1", "drift-1"))
    begun.tell(Asked(LAPSED, "a.turing", "", "c2", "drift-1"))
    alert = begun.state.alerting.alerts["drift"]
    assert (alert.phase, alert.acknowledged_by) == (Phase.FIRING, None)
    assert begun.said("command")[-1]["verb"] == LAPSED


def test_a_refused_effect_is_told_once_as_a_ticket(begun: Any) -> None:
    assess(begun, DAY)
    begun.tell(Declined("build_reference", "reference:v1:file", "reference.parquet: no column"))
    assert tickets(begun) == [("refused-build-reference-1", Status.FIRING, Severity.TICKET)]
    assert begun.state.counts["declined"] == 1


def test_a_refusal_is_news_for_a_day(begun: Any) -> None:
    refused = Declined("tag", "tag:v2", "v2: no such version")
    begun.tell(refused)
    begun.tell(refused, after=timedelta(hours=20))
    begun.tell(after=timedelta(hours=23))
    assert begun.state.alerting.signals["refused-tag"].active
    begun.tell(after=HOUR)
    assert not begun.state.alerting.signals["refused-tag"].active
    # Refused again while the ticket is still open, it is news again.
    begun.tell(refused, after=HOUR)
    assert begun.state.alerting.signals["refused-tag"].active
    assert begun.state.alerting.alerts["refused-tag"].quiet is None
    for _ in range(2):
        assert begun.state.alerting.alerts["refused-tag"].phase is Phase.FIRING
        begun.tell(after=timedelta(days=1))
    assert begun.state.alerting.alerts["refused-tag"].phase is Phase.RESOLVED
    assert [status for _, status, _ in tickets(begun)][-1] is Status.RESOLVED
    begun.tell(refused, after=HOUR)
    assert begun.state.alerting.alerts["refused-tag"].id == "refused-tag-2"


def test_a_partition_wakes_when_a_refusal_is_no_news_any_more(begun: Any) -> None:
    begun.tell(Declined("tag", "tag:v2", "v2: no such version"))
    over = begun.now + timedelta(days=1)
    for _ in range(50):
        if begun.now >= over:
            break
        begun.tell(at=begun.wake_at)
    assert begun.now == over
    assert not begun.state.alerting.signals["refused-tag"].active


def test_a_refused_split_stays_news_until_the_split_holds(begun: Any) -> None:
    begun.tell(Declined("set_traffic", "traffic:x", "no such deployment"))
    begun.tell(after=timedelta(days=3))
    assert begun.state.alerting.signals["refused-set-traffic"].active
