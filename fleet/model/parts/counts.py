"""Which days and hours a log service is asked to count, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from fleet.model.part import Part, take
from fleet.model.results import TrafficCounted
from fleet.model.tasks import Count, CountTraffic
from fleet.model.turn import Turn
from monitoring.calendars import bounds, day_of
from retrain.rollout.state import Phase

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
#: The log of requests is minutes behind; the worker that counts waits longer where it has to.
LAG = timedelta(minutes=10)
#: After a longer pause only the last hours are asked for: canaries do not look further back.
MOST_HOURS = 24


def follow(turn: Turn) -> None:
    """Owe the count of every day and hour that is over; run again, it owes nothing new."""
    logs = turn.watched.policy.logs
    if not turn.windows.reference:
        return
    if logs.table is not None:
        _days(turn)
    if logs.traffic:
        _hours(turn)


def _days(turn: Turn) -> None:
    zone = turn.watched.zone
    if not turn.logs.counted:
        turn.logs = replace(turn.logs, counted=(day_of(turn.now, zone) - DAY).isoformat())
    while True:
        day = date.fromisoformat(turn.logs.counted) + DAY
        start, end = bounds(day, zone)
        due = end + turn.watched.policy.logs.grace
        if turn.now < due:
            turn.wake(due)
            return
        served, scored = _arms(turn)
        turn.owe(Count(day.isoformat(), start, end, served, scored, turn.windows.reference))
        turn.logs = replace(turn.logs, counted=day.isoformat())


def _hours(turn: Turn) -> None:
    last = turn.logs.traffic_to
    whole = _floor(turn.now - LAG)
    if last is None:
        turn.logs = replace(turn.logs, traffic_to=whole)
    elif whole > last:
        start = max(last, whole - MOST_HOURS * HOUR)
        turn.owe(CountTraffic(start, whole))
        turn.logs = replace(turn.logs, traffic_to=whole)
    turn.wake(whole + HOUR + LAG)


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _arms(turn: Turn) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Return (deployment, version) of the versions that answer, and of all that score.

    The rows of a shadow are copies of what others answered, so they do not count as requests.
    """
    model = turn.model
    active = model.promotion.active
    live = {version for version, weight in model.traffic.weights.items() if weight}
    if active is not None and active.phase is not Phase.shadow:
        # A day may hold the end of one stage and the begin of the next.
        live |= {active.champion, active.challenger}
    scoring = live | ({active.challenger} if active is not None else set())
    if turn.watched.policy.serving.baseline is not None:
        scoring.add(turn.watched.policy.serving.baseline)
    by_version: dict[str, list[str]] = {}
    for deployment, version in model.traffic.names.items():
        by_version.setdefault(version, []).append(deployment)

    # One that is mapped has one name: the service says it again, in lower case.
    mapped = turn.watched.policy.logs.deployments
    by_version |= {version: [name] for version, name in mapped.items()}

    def pairs(versions: set[str]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (deployment, version)
            for version in sorted(versions)
            for deployment in sorted(by_version.get(version, [version]))
        )

    return pairs(live), pairs(scoring)


def counted(turn: Turn, fact: TrafficCounted) -> TrafficCounted:
    """Note what the platform's metrics say of capacity and data collectors."""
    for found in fact.findings:
        turn.signal(found)
    return fact


PART = Part("counts", (take(TrafficCounted, counted),), follow)
