"""A team's on-call partition as a timeline: what is pushed when, and which messages follow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from monitoring.alerts.group import Phase
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.routing import Fact, OnCall, Page, Policy, Step, step

T0 = datetime(2013, 7, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy(
    page=("first", "second"),
    ticket=("queue",),
    group_wait=2 * MINUTE,
    escalate_after=30 * MINUTE,
)


def fire(
    model: str,
    minute: int = 0,
    kind: Kind = Kind.PERFORMANCE,
    number: int = 1,
    severity: Severity = Severity.PAGE,
    n: int = 1,
    features: tuple[str, ...] = (),
) -> Notify:
    return Notify(
        key=f"{model}:{kind}-{number}:firing:{n}",
        model=model,
        alert=f"{kind}-{number}",
        kind=kind,
        severity=severity,
        status=Status.FIRING,
        reason="got worse",
        at=T0 + minute * MINUTE,
        features=features,
        lines=("calibration gap +0.12",),
    )


def over(model: str, minute: int, kind: Kind = Kind.PERFORMANCE, number: int = 1) -> Notify:
    return Notify(
        key=f"{model}:{kind}-{number}:resolved",
        model=model,
        alert=f"{kind}-{number}",
        kind=kind,
        severity=Severity.PAGE,
        status=Status.RESOLVED,
        reason="got worse",
        at=T0 + minute * MINUTE,
    )


class Timeline:
    """Drives one partition; `at` returns the messages as (receiver, event, alerts)."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.state = OnCall("ml")
        self.last = Step(self.state)
        self.keys: list[str] = []
        self.walked: set[tuple[Phase, Phase]] = set()

    def at(self, minute: float, *facts: Fact) -> list[tuple[str, str, str]]:
        now = T0 + minute * MINUTE
        out = step(self.state, facts, self.policy, now)
        for name, group in out.state.groups.items():
            before = self.state.groups.get(name)
            self.walked.add((before.phase if before else Phase.CLOSED, group.phase))
        assert step(out.state, (), self.policy, now) == Step(out.state, (), out.wake_at)
        self.state, self.last = out.state, out
        self.keys += [e.key for e in out.effects]
        pages = [e for e in out.effects if isinstance(e, Page)]
        return [(p.receiver, str(p.event), " ".join(p.alerts)) for p in pages]
