"""The stages of a rollout: the split that each holds, and when it is looked at again."""

from __future__ import annotations

from datetime import datetime

from retrain.ports import Traffic
from retrain.rollout.state import Phase, Policy, Rollout


def traffic(rollout: Rollout) -> Traffic | None:
    """The split that has to hold now; None while the rollout waits and owns no traffic."""
    old, new = rollout.champion, rollout.challenger
    match rollout.phase:
        case Phase.waiting:
            return None
        case Phase.shadow:
            return Traffic({old: 100}, shadow=(new,))
        case Phase.canary:
            weight = rollout.stages[rollout.stage].weight
            return Traffic({old: 100 - weight, new: weight})
        case Phase.bake:
            return Traffic({old: 0, new: 100})
        case Phase.promoted:
            return Traffic({new: 100})
        case Phase.rolled_back | Phase.stopped:
            return Traffic({old: 100})


def wake_at(rollout: Rollout, policy: Policy, now: datetime) -> datetime | None:
    """The next moment at which time alone may move the rollout."""
    match rollout.phase:
        case Phase.shadow:
            end = rollout.since + policy.shadow
            due = [end, end + policy.label_wait, end + policy.label_wait + policy.approval_wait]
        case Phase.canary:
            end = rollout.since + rollout.stages[rollout.stage].hold
            due = [end, end + policy.label_wait]
        case Phase.bake:
            end = rollout.since + policy.bake
            due = [end, end + policy.label_wait]
        case _:
            due = []
    return min((moment for moment in due if moment > now), default=None)
