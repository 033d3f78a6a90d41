from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dashboards.journal import Journal
from dashboards.promotion import retrains, rollouts
from fleet.model.lines.training import Trigger


def at(hour: int) -> datetime:
    return datetime(2013, 4, 1, hour, tzinfo=UTC)


def test_a_retrain_from_its_trigger_to_the_gate(said: Callable[..., Any]) -> None:
    told = [
        (at(1), said("trigger")),
        (at(2), Trigger(False, "performance", "cooling down")),
        (at(3), said("run")),
        (at(4), said("gate", verdict="failed", reason="no better")),
    ]
    (retrain,) = retrains(Journal(told))
    assert (retrain.id, retrain.trigger, retrain.at) == ("m-run-1", "performance", at(1))
    assert (retrain.version, retrain.outcome, retrain.ended) == ("v2", "succeeded", at(3))
    assert (retrain.gate, retrain.verdict_reason, retrain.gated) == ("failed", "no better", at(4))
    assert retrain.left_out == ("2013-04-03: event",)


def test_a_version_from_outside_stands_among_them(said: Callable[..., Any]) -> None:
    told = [
        (at(1), said("registered", waived_by="ada")),
        (at(2), said("gate", id="m-leak", version="leaky", trigger="registered")),
    ]
    (retrain,) = retrains(Journal(told))
    assert (retrain.id, retrain.version, retrain.trigger) == ("m-leak", "leaky", "registered")
    assert (retrain.waived_by, retrain.gate) == ("ada", "passed")


def test_without_a_gate_the_reason_says_why(said: Callable[..., Any]) -> None:
    trigger = (at(1), said("trigger"))
    failed = said("run", phase="failed", version=None, reason="exit 1")
    assert retrains(Journal([trigger]))[0].verdict_reason == "not trained yet"
    run = (at(2), said("run"))
    assert retrains(Journal([trigger, run]))[0].verdict_reason == "not judged yet"
    (lost,) = retrains(Journal([trigger, (at(2), failed)]))
    assert (lost.gate, lost.verdict_reason) == (None, "run failed: exit 1")


def test_a_rollout_to_its_end(said: Callable[..., Any]) -> None:
    told = [
        (at(1), said("rollout")),
        (at(2), said("rollout", phase="canary")),
        (at(3), said("rollout", phase="canary", stage=1)),
        (
            at(4),
            said("rollout", phase="rolled_back", reason="bad", guards={"large_loss": "rejected"}),
        ),
    ]
    (rollout,) = rollouts(told)
    assert (rollout.began, rollout.ended, rollout.outcome) == (at(1), at(4), "rolled_back")
    assert (rollout.reason, rollout.guards) == ("bad", {"large_loss": "rejected"})
    stages = [(stage.phase, stage.stage, stage.at) for stage in rollout.stages]
    assert stages[:3] == [("shadow", 0, at(1)), ("canary", 0, at(2)), ("canary", 1, at(3))]


def test_a_rollout_under_way_has_no_outcome(said: Callable[..., Any]) -> None:
    (rollout,) = rollouts([(at(1), said("rollout"))])
    assert (rollout.outcome, rollout.ended) == (None, None)
