"""What is remembered of what happened around a model."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.model.changes import CHANGED
from fleet.model.effects import Tell
from fleet.model.facts import Asked, AzureAlerted, Noted, Registered, TrafficSet
from fleet.model.happenings import LONGEST
from fleet.model.parts.happened import KEPT, REPORTED
from fleet.model.records import Collection
from fleet.model.results import Joined
from fleet.model.tasks import Assess
from monitoring.alerts.azure import Phase, Sev
from monitoring.performance import Verdict as Health

AT = datetime(2024, 3, 4, 8, tzinfo=UTC)
HOUR_AGO, DAY = AT.replace(hour=9), timedelta(days=1)


def whats(story: Any) -> list[str]:
    return [one.what for one in story.state.happened]


def test_registrations_splits_references_and_notes_are_remembered(begun: Any) -> None:
    begun.tell(Noted("DeploymentCompleted", "endpoints/shop", begun.now - timedelta(hours=3)))
    begun.tell(Registered("v7"), after=timedelta(hours=1))
    begun.tell(TrafficSet("k", {"v1": 80, "v7": 20, "v0": 0}), after=timedelta(hours=1))
    assert whats(begun)[-4:] == [
        "reference of v1", "DeploymentCompleted endpoints/shop",
        "registered v7", "traffic v1 80 %, v7 20 %",
    ]  # fmt: skip
    assert begun.state.happened[-3].at == begun.now - timedelta(hours=5)
    assert begun.state.happened[-1].at == begun.now


def test_the_same_split_set_again_is_no_news(begun: Any) -> None:
    begun.tell(TrafficSet("k", {"v1": 100}))
    before = whats(begun)
    begun.tell(TrafficSet("k2", {"v1": 100}), after=timedelta(hours=1))
    assert whats(begun) == before
    begun.tell(TrafficSet("k3", {"v1": 90, "v0": 10}), after=timedelta(hours=1))
    assert len(whats(begun)) == len(before) + 1


def test_memory_is_bounded(begun: Any) -> None:
    for i in range(2 * KEPT):
        begun.tell(Noted("Pipeline", f"runs/{i}/{'x' * 300}"), after=timedelta(minutes=1))
    assert len(whats(begun)) == KEPT
    assert max(map(len, whats(begun))) == LONGEST


def test_an_assessment_is_handed_what_may_be_why(begun: Any) -> None:
    begun.tell(Noted("DeploymentCompleted", "endpoints/shop"))
    begun.batch("2024-03-04").batch("2024-03-04", Collection.outputs)
    begun.tell(at=begun.now + timedelta(days=1))
    (asked,) = begun.ever(Assess)
    assert [day for day, _, _ in asked.history][-2:] == ["2024-03-02", "2024-03-03"]
    assert asked.history[-1][1:] == ("sketch-2024-03-03", None)
    assert asked.happened[-1].what == "DeploymentCompleted endpoints/shop"
    assert asked.health == ""


def test_what_labels_say_is_handed_on_too(begun: Any) -> None:
    for day, health in (("2024-03-04", Health.DEGRADED), ("2024-03-05", Health.HEALTHY)):
        begun.batch(day).batch(day, Collection.outputs)
        begun.tell(at=begun.now + timedelta(days=2))
        joined: Joined = begun.joined(day, health=health, reason="the reason")
        begun.tell(begun.assessed(day), joined)
    begun.batch("2024-03-08")
    begun.tell(at=begun.now + timedelta(days=2))
    first, *_, last = begun.ever(Assess)
    assert first.health == ""
    assert last.health == "performance did not move: the reason (up to 2024-03-05)"


def test_a_reported_change_is_kept_with_its_author_and_its_end(begun: Any) -> None:
    at, until = begun.now - timedelta(hours=3), begun.now + timedelta(days=2)
    begun.tell(Noted(CHANGED, "summer sale", at, "campaign", "ada", until))
    begun.tell(Asked("note", "bob", "new prices", "c1", "demand", change="schema", at=at))
    begun.tell(Asked("note", "bob", "nothing special", "c2", "demand"))
    assert [str(one) for one in begun.state.happened if one.reported] == [
        "campaign: summer sale, by ada (2024-03-04 07:00 to 2024-03-06 10:00 UTC)",
        "schema: new prices, by bob (2024-03-04 07:00 UTC)",
        "note: nothing special, by bob (2024-03-04 10:00 UTC)",
    ]
    told = begun.said("noted")
    assert [line.get("kind") for line in told] == ["campaign", "schema", "note"]
    assert [line["id"] for line in begun.said("command")] == ["c1", "c2"]


def test_whoever_reports_many_changes_drops_none_of_the_models_own(begun: Any) -> None:
    own = whats(begun)
    lasting = Noted(CHANGED, "sale", begun.now, "campaign", "", begun.now + timedelta(days=9))
    begun.tell(lasting)
    for i in range(2 * REPORTED):
        begun.tell(Noted(CHANGED, f"{i}", None, "deployment"), after=timedelta(minutes=1))
    told = [one for one in begun.state.happened if one.reported]
    assert len(told) == REPORTED
    assert told[0].what == "campaign: sale"
    assert told[1].what == f"deployment: {REPORTED + 1}"
    assert [one for one in whats(begun) if one in own] == own
    for i in range(2 * KEPT):
        begun.tell(Registered(f"v{i + 2}"), after=timedelta(minutes=1))
    assert len([one for one in begun.state.happened if one.reported]) == REPORTED


def test_the_same_report_twice_is_kept_once(begun: Any) -> None:
    for _ in range(2):
        begun.tell(Noted(CHANGED, "sale", begun.now - timedelta(hours=1), "campaign"))
    assert whats(begun).count("campaign: sale") == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"reason": ""}, "the text is empty"),
        ({"reason": " \n\t "}, "the text is empty"),
        ({"change": "party"}, "kind 'party'; known are note, deployment"),
        ({"change": "\u202e"}, r"kind '\\u202e'|kind '\\\\u202e'"),
        ({"at": AT, "until": AT - timedelta(minutes=1)}, "is before at"),
        ({"at": AT.replace(year=9999)}, "at the year 9999"),
        ({"until": AT.replace(year=9998)}, "until the year 9998"),
    ],
)
def test_a_note_that_says_nothing_is_refused_and_halts_nothing(
    begun: Any, more: dict[str, Any], reason: str
) -> None:
    before = begun.state.happened
    given = {"reason": "sale", **more}
    begun.tell(Asked("note", "ada", id="c1", target="demand", **given))
    (line,) = begun.said("refused")
    assert re.search(reason, line["reason"])
    assert begun.state.happened == before


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (Noted(CHANGED, "v7 of the app", HOUR_AGO, "deployment", "ci"),
         ("deployment: v7 of the app, by ci (2024-03-04 09:00 UTC)",)),
        (Noted(CHANGED, "sale", HOUR_AGO - 9 * DAY, "campaign", "", HOUR_AGO),
         ("campaign: sale (2024-02-24 09:00 to 2024-03-04 09:00 UTC)",)),
        (Noted(CHANGED, "outage", HOUR_AGO - 3 * DAY, "incident"), ()),
        (Noted(CHANGED, "sale", HOUR_AGO + DAY, "campaign"), ()),
        (Noted("ModelDeployed", "shop", HOUR_AGO), ()),
    ],
)  # fmt: skip
def test_a_page_names_what_changed_before(begun: Any, note: Noted, told: tuple[str, ...]) -> None:
    begun.tell(note)
    begun.tell(AzureAlerted("a", "Latency", Sev.SEV1, Phase.FIRED, "endpoint shop-demand"))
    (notice,) = [one.notice for one in begun.owed(Tell)]
    changed = [line for line in notice.lines if line.startswith("what changed before: ")]
    assert changed == [f"what changed before: {one}" for one in told]


def test_a_reminder_names_a_change_that_was_reported_after_the_page(begun: Any) -> None:
    begun.tell(AzureAlerted("a", "Latency", Sev.SEV1, Phase.FIRED, "endpoint shop-demand"))
    for i in range(5):
        at = begun.now - timedelta(minutes=30 - i)
        begun.tell(Noted(CHANGED, f"step {i}", at, "deployment"))
    assert begun.owed(Tell) == []
    begun.tell(after=DAY)
    (notice,) = [one.notice for one in begun.owed(Tell)]
    assert notice.lines[-1] == (
        "what changed before: deployment: step 4 (2024-03-04 09:34 UTC); "
        "deployment: step 3 (2024-03-04 09:33 UTC); deployment: step 2 (2024-03-04 09:32 UTC); "
        "and 2 more"
    )
