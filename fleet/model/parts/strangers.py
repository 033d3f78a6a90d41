"""Deployments in the logs that no known version has: each is journalled once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fleet.model.facts import LogGrew
from fleet.model.lines import logs
from fleet.model.part import Part, take
from fleet.model.results import LogRead, TrafficCounted
from fleet.model.turn import Turn

#: So many are remembered; a log that names more of them is not of this endpoint.
KEPT = 50


def log_grew(turn: Turn, fact: LogGrew) -> LogGrew:
    """Look at who a file of inputs or outputs is of."""
    if fact.deployment:
        _meet(turn, [fact.deployment], fact.blob)
    return fact


def log_read(turn: Turn, fact: LogRead) -> LogRead:
    """Look at who answered the requests of a traffic log."""
    _meet(turn, [count.deployment for count in fact.traffic], fact.blob)
    return fact


def counted(turn: Turn, fact: TrafficCounted) -> TrafficCounted:
    """Look at who answered the requests that a log service counted."""
    _meet(turn, [count.deployment for count in fact.counts], "AmlOnlineEndpointTrafficLog")
    return fact


def _meet(turn: Turn, deployments: Iterable[str], source: str) -> None:
    known = _known(turn)
    for deployment in dict.fromkeys(deployments):
        met = turn.logs.strangers
        if turn.traffic.version_of(deployment) in known or deployment in met or len(met) >= KEPT:
            continue
        turn.logs = replace(turn.logs, strangers=(*met, deployment))
        reason = (
            "no known version has this name: its answers are not joined with labels and not "
            "judged in rollouts; map it to its version under logs.deployments in fleet.yaml"
        )
        turn.say(logs.Stranger(deployment, source, reason))


def _known(turn: Turn) -> set[str]:
    """Every version that the state or fleet.yaml names."""
    traffic, promotion, policy = turn.traffic, turn.promotion, turn.watched.policy
    known = {policy.serving.champion, turn.model.champion, *policy.logs.deployments}
    known |= {*traffic.weights, *traffic.names.values(), *promotion.scores, *promotion.rates}
    known |= {challenger.version for challenger in promotion.queue}
    if policy.serving.baseline is not None:
        known.add(policy.serving.baseline)
    if traffic.wanted is not None:
        known |= {*traffic.wanted.weights, *traffic.wanted.shadow}
    if promotion.rollout is not None:
        known |= {promotion.rollout.champion, promotion.rollout.challenger}
    return known


PART = Part(
    "strangers",
    (take(LogGrew, log_grew), take(LogRead, log_read), take(TrafficCounted, counted)),
)
