"""Looks at the live traffic, repeated at the policy's interval."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fleet.model.effects import Look
from fleet.model.part import Part
from fleet.model.signals.catalogue import TRAFFIC
from fleet.model.slices.traffic import Wanted
from fleet.model.turn import Turn
from monitoring.alerts.lifecycle import Severity
from monitoring.finding import Finding

#: A refused retreat is looked at, and tried, this often.
RETREAT_EVERY = timedelta(minutes=10)
#: A retreat that is not set after this long pages.
OVERDUE = timedelta(minutes=15)


def follow(turn: Turn) -> None:
    """Owe a look where the last one is too old; page for a retreat that is not set in time."""
    wanted = turn.traffic.wanted
    if wanted is None:
        return
    if wanted.owed:
        _overdue(turn, wanted)
        return
    every = turn.watched.policy.serving.look_every
    if wanted.retreat and wanted.declined:
        every = min(every, RETREAT_EVERY)
    last = turn.traffic.looked_at
    if last is None and not wanted.declined:
        last = wanted.good_at
    if last is not None and turn.now < last + every:
        turn.wake(last + every)
        return
    turn.owe(Look(turn.now))
    turn.traffic = replace(turn.traffic, looked_at=turn.now)
    turn.wake(turn.now + every)


def _overdue(turn: Turn, wanted: Wanted) -> None:
    """Page for a retreat that no service takes; what made it be set again has paged already."""
    if not wanted.retreat or wanted.times:
        return
    late = wanted.good_at + OVERDUE
    said = turn.alerting.signals.get(TRAFFIC)
    if turn.now >= late and not (said is not None and said.active):
        back = " and ".join(sorted(wanted.weights))
        reason = (
            f"the traffic was to go back to {back}, but that could not be set within "
            f"{OVERDUE / timedelta(minutes=1):.0f} minutes; it is retried: see the unpaid effects"
        )
        turn.signal(Finding(TRAFFIC, True, reason, Severity.PAGE))
    turn.wake(late)


PART = Part("looks", follow=follow)
