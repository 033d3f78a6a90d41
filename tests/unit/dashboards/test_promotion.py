from __future__ import annotations

from datetime import UTC, datetime

from dashboards.promotion import retrains, rollouts


def at(hour: int) -> datetime:
    return datetime(2013, 4, 1, hour, tzinfo=UTC)


def test_a_retrain_from_its_trigger_to_the_gate(line) -> None:
    told = {
        "trigger": [(at(1), line("trigger")), (at(2), line("trigger", fire=False, run=None))],
        "run": [(at(3), line("run"))],
        "gate": [(at(4), line("gate", verdict="failed", reason="no better"))],
    }
    (retrain,) = retrains(told)
    assert (retrain.id, retrain.trigger, retrain.at) == ("m-run-1", "performance", at(1))
    assert (retrain.version, retrain.outcome, retrain.ended) == ("v2", "succeeded", at(3))
    assert (retrain.gate, retrain.verdict_reason, retrain.gated) == ("failed", "no better", at(4))
    assert retrain.left_out == ("2013-04-03: event",)


def test_a_version_from_outside_stands_among_them(line) -> None:
    told = {
        "registered": [(at(1), line("registered", waived_by="ada"))],
        "gate": [(at(2), line("gate", id="m-leak", version="leaky", trigger="registered"))],
    }
    (retrain,) = retrains(told)
    assert (retrain.id, retrain.version, retrain.trigger) == ("m-leak", "leaky", "registered")
    assert (retrain.waived_by, retrain.gate) == ("ada", "passed")


def test_without_a_gate_the_reason_says_why(line) -> None:
    trigger = [(at(1), line("trigger"))]
    failed = line("run", phase="failed", version=None, reason="exit 1")
    assert retrains({"trigger": trigger})[0].verdict_reason == "not trained yet"
    run = [(at(2), line("run"))]
    assert retrains({"trigger": trigger, "run": run})[0].verdict_reason == "not judged yet"
    (lost,) = retrains({"trigger": trigger, "run": [(at(2), failed)]})
    assert (lost.gate, lost.verdict_reason) == (None, "run failed: exit 1")


def test_a_rollout_to_its_end(line) -> None:
    told = [
        (at(1), line("rollout")),
        (at(2), line("rollout", phase="canary")),
        (at(3), line("rollout", phase="canary", stage=1)),
        (
            at(4),
            line("rollout", phase="rolled_back", reason="bad", guards={"large_loss": "rejected"}),
        ),
    ]
    (rollout,) = rollouts(told)
    assert (rollout.began, rollout.ended, rollout.outcome) == (at(1), at(4), "rolled_back")
    assert (rollout.reason, rollout.guards) == ("bad", {"large_loss": "rejected"})
    stages = [(stage.phase, stage.stage, stage.at) for stage in rollout.stages]
    assert stages[:3] == [("shadow", 0, at(1)), ("canary", 0, at(2)), ("canary", 1, at(3))]


def test_a_rollout_under_way_has_no_outcome(line) -> None:
    (rollout,) = rollouts([(at(1), line("rollout"))])
    assert (rollout.outcome, rollout.ended) == (None, None)
