"""Whether everything steps and can tell: halted partitions, and receivers out of reach."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from engine import codec
from engine.loop import Loop
from fleet.document.policies import Fleet
from fleet.partitions import ONCALL
from fleet.read import Json
from monitoring.alerts import receivers
from monitoring.alerts.routing import OnCall


def halted(loop: Loop) -> list[Json]:
    """Return every halted partition with the time and the reason of its halt, in name order."""
    return _halted(loop, loop.store.partitions())


def _halted(loop: Loop, partitions: Iterable[str]) -> list[Json]:
    found: list[Json] = []
    for partition in partitions:
        head = loop.head(partition)
        if head.halted:
            since = codec.plain(head.halted_at)
            found.append({"partition": partition, "since": since, "reason": head.halted})
    return found


def unreachable(loop: Loop, fleet: Fleet, now: datetime) -> list[Json]:
    """Return every receiver that cannot be reached, since when and why, and who is paged instead.

    `left` is empty where nobody of the team can be paged any more.
    """
    found: list[Json] = []
    for team in fleet.teams:
        policy, _ = fleet.duty(team).at(now)
        state: OnCall = loop.head(ONCALL + team).state
        left = list(receivers.left(policy, state.receivers).page)
        for name, down in receivers.unreachable(state.receivers).items():
            since = codec.plain(down.since)
            told: Json = {"team": team, "receiver": name, "since": since, "reason": down.reason}
            found.append({**told, "left": left})
    return found


def health(loop: Loop, fleet: Fleet, now: datetime) -> Json:
    """Return the number of partitions, those that are halted, and the receivers out of reach.

    The status is `ok` while every partition steps and every team can be paged; raises without a
    store.
    """
    partitions = loop.store.partitions()
    stopped, lost = _halted(loop, partitions), unreachable(loop, fleet, now)
    deaf = any(not one["left"] for one in lost)
    status = "halted" if stopped else "unreachable" if deaf else "ok"
    return {
        "status": status, "partitions": len(partitions), "halted": stopped, "unreachable": lost,
    }  # fmt: skip
