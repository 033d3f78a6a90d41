"""From a new version to production, or not: gate, queue, shadow, canary, promotion."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fleet.model.effects import Publish, SetTraffic, Tag, Tell
from fleet.model.facts import Asked, Declined, Gated, LogGrew, Registered, RunChanged
from fleet.model.records import Batch, Collection, DayPair, TrafficCount
from fleet.model.results import LogRead
from fleet.model.tasks import BuildReference, Gate
from retrain.gate import Decision, Verdict
from retrain.ports import JobPhase
from retrain.registry import Stage
from retrain.rollout.state import Phase

PASSED = Decision(Verdict.passed, "better than the champion")
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def registered(story: Any, version: str = "v2", **fields: Any) -> Any:
    return story.tell(Registered(version, **fields))


def gated(story: Any, decision: Decision = PASSED, bad_rate: float | None = 0.2) -> Any:
    """Answer the gate that was asked for last."""
    asked = story.ever(Gate)[-1]
    return story.tell(Gated(asked.id, asked.version, decision, f"scores-{asked.version}", bad_rate))


def traffic(story: Any, ours: tuple[int, int, int], theirs: tuple[int, int, int]) -> Any:
    """An hour of traffic: requests, errors and slow answers of challenger and champion."""
    start = story.now - HOUR
    active = story.state.promotion.rollout
    names = (active.challenger, active.champion) if active is not None else ("", "v1")
    counts = tuple(
        TrafficCount(name, start, story.now, *numbers)
        for name, numbers in zip(names, (ours, theirs), strict=True)
        if numbers[0]
    )
    blob = f"traffic/{story.now:%d%H%M}"
    story.tell(LogGrew(blob, 5, Collection.traffic))
    day = (story.now + HOUR).date().isoformat()
    read = (Batch(day, 10, f"rows-{blob}"),)
    return story.tell(LogRead(blob, 0, 5, 5, read, counts))


def shadow_days(story: Any, difference: float, days: int = 3) -> Any:
    """Paired losses of the shadow's days, each a thousand rows whose champion loses 0.2 a row."""
    first = story.state.promotion.rollout.since
    for i in range(days):
        day = (first + i * DAY).date().isoformat()
        story.batch(day, Collection.outputs)
        ends = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + 23 * HOUR
        story.tell(at=max(story.now, ends + 9 * HOUR))
        pair = DayPair(1000, difference * 1000 * (1 + 0.01 * i), 200.0, 250.0)
        story.tell(story.joined(day, shadow=pair))
    return story


@pytest.fixture
def known(begun: Any) -> Any:
    """A partition that knows its usual traffic: 2 % errors, 1 % slow, a hundred an hour."""
    start = begun.now - HOUR
    count = TrafficCount("v1", start, begun.now, 10_000, 200, 100)
    begun.tell(LogGrew("traffic/before", 5, Collection.traffic))
    return begun.tell(LogRead("traffic/before", 0, 5, 5, (), (count,)))


def test_a_registered_version_goes_to_the_gate_with_recent_days(begun: Any) -> None:
    registered(begun, reason="from the lab")
    (gate,) = begun.owed(Gate)
    assert (gate.version, gate.champion) == ("v2", "v1")
    assert len(gate.days) == 14
    assert gate.days[-1] == ("2024-03-03", "rows-2024-03-03")
    assert gate.need.reason() is None
    (line,) = begun.said("registered")
    assert (line["version"], line["reason"]) == ("v2", "from the lab")


def test_a_version_is_registered_once(begun: Any) -> None:
    registered(begun)
    registered(begun)
    registered(begun, "v1")
    assert len(begun.ever(Gate)) == 1
    gated(begun)
    registered(begun)
    assert len(begun.ever(Gate)) == 1


@pytest.mark.parametrize("verdict", [Verdict.failed, Verdict.inconclusive])
def test_what_does_not_pass_the_gate_leaves_the_queue(begun: Any, verdict: Verdict) -> None:
    registered(begun)
    gated(begun, Decision(verdict, "not shown"))
    (line,) = begun.said("gate")
    assert (line["version"], line["verdict"], line["reason"]) == ("v2", verdict, "not shown")
    assert begun.state.promotion.queue == ()
    assert begun.state.promotion.rollout is None
    assert "v2" not in begun.state.promotion.scores
    # The answer once more finds nobody.
    gated(begun)
    assert begun.state.promotion.rollout is None


def test_a_gate_that_was_refused_lets_its_version_go(begun: Any) -> None:
    registered(begun)
    (gate,) = begun.owed(Gate)
    begun.tell(Declined("gate", gate.key, "v2: not in the registry"))
    assert begun.state.promotion.queue == ()
    (tell,) = begun.owed(Tell)
    assert tell.notice.reason == "gate was refused: v2: not in the registry"


def test_a_passed_version_begins_in_the_shadow(known: Any) -> None:
    registered(known)
    gated(known)
    rollout = known.state.promotion.rollout
    assert (rollout.id, rollout.phase) == ("demand-rollout-1", Phase.shadow)
    (split,) = known.owed(SetTraffic)
    assert (split.weights, split.shadow) == ({"v1": 100}, ("v2",))
    (tag,) = known.owed(Tag)
    assert (tag.version, tag.stage) == ("v2", Stage.staging)
    (line,) = known.said("rollout")
    assert (line["phase"], line["challenger"], line["champion"]) == ("shadow", "v2", "v1")
    plan = {guard.name: guard.powered for guard in rollout.guards}
    # 100 rows a day, 20 and 50 of them on the canary's two days: times 2 % errors 1.4, times 1 %
    # slow 0.7, times 20 % large losses 14 expected bad events; one is needed.
    assert plan == {"errors": True, "latency": False, "large_loss": True}


def test_copies_served_in_the_shadow_do_not_count_as_inputs(known: Any) -> None:
    registered(known)
    gated(known)
    known.tell(LogGrew("shadow-inputs", 5, Collection.inputs, "v2"))
    assert known.state.counts["ignored"] == 1


def test_a_challenger_registered_during_a_rollout_waits_its_turn(known: Any) -> None:
    registered(known)
    gated(known)
    registered(known, "v3")
    gated(known)
    assert known.state.promotion.rollout.challenger == "v2"
    assert [challenger.version for challenger in known.state.promotion.queue] == ["v3"]
    known.tell(Asked("rollback", "g.hopper", "no", "c1"))
    assert known.state.promotion.rollout.challenger == "v3"
    assert (known.state.promotion.rollout.id, known.state.promotion.queue) == (
        "demand-rollout-2",
        (),
    )
    told = [(line["challenger"], line["phase"]) for line in known.said("rollout")]
    assert told == [("v2", "shadow"), ("v2", "stopped"), ("v3", "shadow")]


def test_a_waived_shadow_begins_with_live_traffic(known: Any) -> None:
    registered(known, waived_by="m.okafor", reason="wanted before the weekend")
    gated(known)
    rollout = known.state.promotion.rollout
    assert (rollout.phase, rollout.waived_by) == (Phase.canary, "m.okafor")
    (split,) = known.owed(SetTraffic)
    assert (split.weights, split.shadow) == ({"v1": 80, "v2": 20}, ())
    (line,) = known.said("rollout")
    assert line["waived_by"] == "m.okafor"
    assert line["reason"].startswith("shadow waived by m.okafor")


def test_a_shadow_that_is_worse_stops(known: Any) -> None:
    registered(known)
    gated(known)
    shadow_days(known, +0.1)
    assert known.state.promotion.rollout.phase is Phase.stopped
    assert known.ever(SetTraffic)[-1].weights == {"v1": 100}
    assert known.ever(Tag)[-1].stage is Stage.archived
    assert known.state.champion == "v1"


def canary(story: Any) -> Any:
    registered(story)
    gated(story)
    shadow_days(story, -0.05)
    assert story.state.promotion.rollout.phase is Phase.canary
    return story


def test_errors_of_the_challenger_alone_roll_it_back(known: Any) -> None:
    canary(known)
    known.tell(after=HOUR)
    traffic(known, (200, 60, 2), (800, 16, 8))
    rollout = known.state.promotion.rollout
    assert rollout.phase is Phase.rolled_back
    assert rollout.reason.startswith("errors rejected: 60 of 200 (30 %) bad on the challenger")
    (split,) = known.owed(SetTraffic)
    assert split.weights == {"v1": 100}
    assert known.state.champion == "v1"
    (tell,) = known.owed(Tell)
    assert tell.notice.alert == "rollout-1"
    known.tell(after=DAY)
    known.tell(after=DAY)
    assert known.state.alerting.alerts["rollout"].phase == "resolved"


def test_silence_promotes_nothing(known: Any) -> None:
    canary(known)
    known.tell(after=timedelta(days=2))
    assert known.state.promotion.rollout.phase is Phase.stopped
    assert known.state.promotion.rollout.reason == (
        "no live request of the challenger was counted in the stage of 20 %"
    )


def promote(story: Any) -> Any:
    """Good hours through both stages and the bake."""
    canary(story)
    for weight in (20, 50):
        assert story.ever(SetTraffic)[-1].weights == {"v1": 100 - weight, "v2": weight}
        story.tell(after=HOUR)
        ours = weight * 100
        traffic(story, (ours, ours // 100, 0), (10_000 - ours, (10_000 - ours) // 50, 100))
        story.tell(after=DAY)
    assert story.state.promotion.rollout.phase is Phase.bake
    assert story.ever(SetTraffic)[-1].weights["v2"] == 100
    story.tell(after=HOUR)
    traffic(story, (1000, 10, 0), (0, 0, 0))
    return story.tell(after=2 * DAY)


def test_every_step_of_a_rollout_is_published(known: Any) -> None:
    promote(known)
    events = [e for e in known.ever(Publish) if e.type.startswith("rollout.")]
    steps = [(e.type, e.fields.get("phase"), e.fields.get("weight")) for e in events]
    assert steps == [
        ("rollout.started", "shadow", 0),
        ("rollout.advanced", "canary", 20),
        ("rollout.advanced", "canary", 50),
        ("rollout.advanced", "bake", 100),
        ("rollout.promoted", None, None),
    ]
    assert len({e.key for e in events}) == len(events)
    named = {(e.fields["rollout"], e.fields["challenger"], e.fields["champion"]) for e in events}
    assert named == {("demand-rollout-1", "v2", "v1")}


def test_a_promotion_moves_the_champion(known: Any) -> None:
    promote(known)
    assert known.state.promotion.rollout.phase is Phase.promoted
    assert known.state.champion == "v2"
    assert known.state.champion_since == known.now
    assert known.ever(SetTraffic)[-1].weights == {"v2": 100}
    tags = {(tag.version, tag.stage) for tag in known.owed(Tag)}
    assert tags == {("v1", Stage.archived), ("v2", Stage.production)}
    assert any(e.type == "rollout.promoted" for e in known.owed(Publish))
    # It came from outside: nobody knows its days, so the reference stays.
    assert known.owed(BuildReference) == []
    assert known.state.windows.reference == "ref"
    assert set(known.state.promotion.scores) == {"v2"}


def test_a_promoted_run_moves_the_reference_to_its_days(known: Any) -> None:
    known.tell(Asked("retrain", "g.hopper", "", "c1"))
    days = known.state.training.run.job.days
    holdout = known.state.training.run.job.holdout_days
    known.tell(RunChanged("demand-run-1", JobPhase.succeeded, "v2"), after=HOUR)
    (gate,) = known.owed(Gate)
    assert tuple(day for day, _ in gate.days) == holdout
    assert gate.need.reason() == "asked for by an operator"
    gated(known)
    shadow_days(known, -0.05)
    for weight in (20, 50):
        known.tell(after=HOUR)
        ours = weight * 100
        traffic(known, (ours, ours // 100, 0), (10_000 - ours, (10_000 - ours) // 50, 100))
        known.tell(after=DAY)
    known.tell(after=HOUR)
    traffic(known, (1000, 10, 0), (0, 0, 0))
    known.tell(after=2 * DAY)
    assert known.state.champion == "v2"
    (build,) = known.owed(BuildReference)
    assert (build.version, build.ruler, build.scores) == ("v2", "ref", "scores-v2")
    assert build.days == tuple((day, f"sketch-{day}", f"rows-{day}") for day in days)


def test_a_freeze_holds_the_start_of_a_rollout(known: Any) -> None:
    registered(known)
    until = known.now + 2 * DAY
    known.tell(Asked("freeze", "e.noether", "launch", "c1", until=until))
    gated(known)
    assert not known.state.promotion.rollout
    known.tell(at=until)
    assert known.state.promotion.rollout.phase is Phase.shadow


def test_a_freeze_holds_a_step_towards_production_and_not_a_rollback(known: Any) -> None:
    canary(known)
    known.tell(after=HOUR)
    traffic(known, (2000, 20, 0), (8000, 160, 80))
    until = known.now + 5 * DAY
    known.tell(Asked("freeze", "e.noether", "launch", "c1", until=until))
    known.tell(after=2 * DAY)
    assert (known.state.promotion.rollout.phase, known.state.promotion.rollout.stage) == (
        Phase.canary,
        0,
    )
    known.tell(after=HOUR)
    traffic(known, (200, 100, 2), (800, 16, 8))
    assert known.state.promotion.rollout.phase is Phase.rolled_back


def test_an_operator_rolls_a_canary_back(known: Any) -> None:
    canary(known)
    known.tell(Asked("rollback", "g.hopper", "customers complain", "c1"))
    rollout = known.state.promotion.rollout
    assert (rollout.phase, rollout.reason) == (
        Phase.rolled_back, "by g.hopper: customers complain",
    )  # fmt: skip
    assert known.owed(SetTraffic)[0].weights == {"v1": 100}
    known.tell(Asked("rollback", "g.hopper", "again", "c2"))
    assert known.owed(SetTraffic) == []


def test_a_rollback_without_a_rollout_changes_nothing(begun: Any) -> None:
    begun.tell(Asked("rollback", "g.hopper", "?", "c1"))
    begun.tell(Asked("approve", "g.hopper", "?", "c2"))
    assert begun.ever(Tag) == []
    assert begun.said("command") == []
    assert begun.said("refused") == [
        {"what": "refused", "id": name, "reason": "demand never had a rollout"}
        for name in ("c1", "c2")
    ]


def test_approval_is_awaited_where_it_is_asked_for(resolve: Any, telling: Any) -> None:
    watched = resolve(("      shadow: P2D", "      approval: true\n      shadow: P2D"))
    story = telling(watched.models["demand"]).begin()
    registered(story)
    gated(story)
    shadow_days(story, -0.05)
    assert story.state.promotion.rollout.phase is Phase.shadow
    story.tell(Asked("approve", "a.lovelace", "looks right", "c1"))
    assert story.state.promotion.rollout.phase is Phase.canary
    assert story.state.promotion.rollout.approved_by == ("a.lovelace",)
