"""An endpoint that answers requests of which no row is ever collected: told after a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from fleet.model.facts import LogGrew
from fleet.model.part import Part, take
from fleet.model.records import Collection, TrafficCount
from fleet.model.results import LogRead, TrafficCounted
from fleet.model.signals.catalogue import UNCOLLECTED
from fleet.model.turn import Turn
from monitoring.finding import Finding

#: The collector writes within minutes; a deployment may be new, and its first day half a day.
PATIENCE = timedelta(days=1)


def log_grew(turn: Turn, fact: LogGrew) -> LogGrew:
    """Note that the collector has written rows of requests."""
    if fact.collection is Collection.inputs and fact.size:
        turn.logs = replace(turn.logs, collected=True, served_at=None)
        turn.settle(UNCOLLECTED)
    return fact


def log_read(turn: Turn, fact: LogRead) -> LogRead:
    """Take in what a traffic log tells."""
    _served(turn, fact.traffic)
    return fact


def counted(turn: Turn, fact: TrafficCounted) -> TrafficCounted:
    """Take in what a log service counted."""
    _served(turn, fact.counts)
    return fact


def follow(turn: Turn) -> None:
    """Tell that rows are missing, once requests have been answered for a day without any."""
    since = turn.logs.served_at
    if since is None or turn.now < since + PATIENCE:
        turn.wake(None if since is None else since + PATIENCE)
        return
    turn.signal(Finding(UNCOLLECTED, True, _reason(turn)))


def _served(turn: Turn, counts: Sequence[TrafficCount]) -> None:
    logs, policy = turn.logs, turn.watched.policy.logs
    if logs.collected or logs.served_at is not None or policy.table is not None:
        return
    # An earlier version of the app did not note them.
    known = any(cursor.collection is Collection.inputs for cursor in logs.blobs.values())
    if known or any(past.rows and past.verdict for past in turn.windows.past.values()):
        turn.logs = replace(logs, collected=True)
    elif any(count.requests for count in counts):
        turn.logs = replace(logs, served_at=turn.now)


def _reason(turn: Turn) -> str:
    logs = turn.watched.policy.logs
    name = "request" if logs.payloads else "model_inputs"
    container = f"container {logs.container}" if logs.container else "the app's container"
    return (
        f"{logs.endpoint} answers requests, and no row of them was ever found: either the "
        f"deployment does not collect {name} (data_collector.collections), or the rows are not "
        f"below {logs.path} in {container} (logs.container, logs.path), or the app lacks "
        "the role Storage Blob Data Reader on their account"
    )


PART = Part(
    "uncollected",
    (take(LogGrew, log_grew), take(LogRead, log_read), take(TrafficCounted, counted)),
    follow,
)
