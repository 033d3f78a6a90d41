"""Requests by hour: silence of an endpoint is found by time, because no log announces it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from fleet.model.lines import alerting
from fleet.model.live import answers
from fleet.model.part import Part, take
from fleet.model.records import Collection, TrafficCount
from fleet.model.results import LogRead, TrafficCounted
from fleet.model.signals import page_context
from fleet.model.signals.catalogue import SILENCE
from fleet.model.turn import Turn
from monitoring import traffic
from monitoring.alerts.lifecycle import Severity
from monitoring.finding import Finding
from monitoring.hours import Special
from monitoring.localdays import day_of
from monitoring.traffic import Finding as Heard
from monitoring.traffic import Verdict

HOUR = timedelta(hours=1)
#: Days of arrival that lateness is learnt from, and the fewest that say anything about it.
DAYS_KEPT = 14
MIN_DAYS = 3


def log_read(turn: Turn, fact: LogRead) -> LogRead:
    """Take in what a traffic log tells."""
    _gather(turn, fact.traffic)
    return fact


def counted(turn: Turn, fact: TrafficCounted) -> TrafficCounted:
    """Take in what a log service counted: hours that it leaves out had no request.

    Metrics tell no silence: an hour without data may have had requests.
    """
    if not fact.gapless:
        return fact
    _gather(turn, fact.counts)
    if turn.watched.policy.traffic.silence:
        turn.silence = replace(turn.silence, counted_to=fact.end)
    return fact


def follow(turn: Turn) -> None:
    """Tell of silence when it is due; run again, it owes nothing new."""
    silence, policy = turn.silence, turn.watched.policy.traffic
    if silence.due is None or silence.verdict is Verdict.SILENT:
        return
    if turn.now < silence.due:
        turn.wake(silence.due)
        return
    if _unread(turn, silence.due):
        return
    if turn.now > silence.due + HOUR:
        # The app was down: logs of the meantime may still be on their way.
        waited = silence.waited or turn.now
        if turn.now < waited + HOUR:
            turn.silence = replace(silence, waited=waited)
            turn.wake(waited + HOUR)
            return
    until = traffic.hour_of(turn.now - _lag(turn))
    found = traffic.judge(silence.heard, until, policy, turn.watched.zone, _special(turn))
    if found.verdict is not Verdict.SILENT:
        # An event was announced since: less is expected than when this moment was chosen.
        again = _due(turn)
        later = again if again is not None and again > turn.now else turn.now + HOUR
        turn.silence = replace(silence, due=later)
        turn.wake(later)
        return
    turn.silence = replace(silence, verdict=found.verdict)
    turn.say(alerting.Silence(found.reason, found.expected))
    _signal(turn, found)


def _gather(turn: Turn, counts: Sequence[TrafficCount]) -> None:
    policy, silence = turn.watched.policy.traffic, turn.silence
    hours: Counter[int] = Counter()
    for count in counts:
        if count.requests and answers(turn, turn.traffic.version_of(count.deployment)):
            hours[traffic.hour_of(count.start)] += count.requests
    if not policy.silence or not hours:
        return
    late = _lateness(turn, hours)
    heard = silence.heard.plus(hours)
    turn.silence = replace(silence, heard=heard, late=late, waited=None)
    until = traffic.hour_of(turn.now - _lag(turn))
    found = traffic.judge(heard, until, policy, turn.watched.zone, _special(turn))
    if found.verdict is Verdict.SILENT:
        # These counts are from before the silence; `follow` says whether it still lasts.
        found = Heard(silence.verdict or Verdict.NORMAL, found.reason)
    elif found.verdict is Verdict.QUIET and silence.verdict is not Verdict.QUIET:
        turn.say(alerting.Quiet(found.reason, found.expected))
    if found.verdict is not Verdict.SILENT and SILENCE in turn.alerting.signals:
        _signal(turn, found)
    turn.silence = replace(turn.silence, due=_due(turn), verdict=found.verdict)


def _lateness(turn: Turn, hours: Counter[int]) -> dict[str, int]:
    """How late the first new hour is heard of, by day of arrival, the longest of each."""
    silence = turn.silence
    last = silence.heard.last
    new = [hour for hour in hours if last is not None and hour > last]
    if not new:
        return silence.late
    seconds = max(int((turn.now - traffic.moment(min(new) + 1)).total_seconds()), 0)
    today = turn.now.date().isoformat()
    late = {**silence.late, today: max(seconds, silence.late.get(today, 0))}
    return {day: late[day] for day in sorted(late)[-DAYS_KEPT:]}


def _lag(turn: Turn) -> timedelta:
    """How long after its end an hour is awaited: as usual, a tenth more, and what policy adds.

    The worst day does not count: it may have been an outage, or a history read at once.
    """
    usual = sorted(turn.silence.late.values())[:-1]
    return turn.watched.policy.traffic.lag + timedelta(seconds=1.1 * max(usual, default=0))


def _due(turn: Turn) -> datetime | None:
    silence = turn.silence
    if len(silence.late) < MIN_DAYS:
        return None
    policy, zone = turn.watched.policy.traffic, turn.watched.zone
    hour = traffic.due(silence.heard, policy, zone, _special(turn))
    return None if hour is None else traffic.moment(hour) + _lag(turn)


def _unread(turn: Turn, due: datetime) -> bool:
    """Tell whether requests may be known outside that are not known here yet."""
    if turn.watched.policy.logs.traffic:
        counted_to = turn.silence.counted_to
        return counted_to is None or counted_to < due - _lag(turn)
    return any(
        cursor.reading
        for cursor in turn.logs.blobs.values()
        if cursor.collection is Collection.traffic
    )


def _special(turn: Turn) -> Special:
    def special(day: date) -> bool:
        return turn.watched.calendar.explains(day, turn.now) is not None

    return special


def _signal(turn: Turn, found: Heard) -> None:
    # A change of the endpoint may be the cause, so that the page names the newest ones.
    lines = page_context.before(turn, day_of(turn.now, turn.watched.zone).isoformat())
    silent = found.verdict is Verdict.SILENT
    turn.signal(Finding(SILENCE, silent, found.reason, Severity.PAGE, lines=lines))


PART = Part("silence", (take(LogRead, log_read), take(TrafficCounted, counted)), follow)
