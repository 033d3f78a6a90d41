"""Looks at the live traffic, repeated at the policy's interval."""

from __future__ import annotations

from dataclasses import replace

from fleet.model.effects import Look
from fleet.model.part import Part
from fleet.model.turn import Turn


def follow(turn: Turn) -> None:
    """Owe a look where the last one is too old."""
    wanted = turn.traffic.wanted
    if wanted is None or wanted.owed:
        return
    every = turn.watched.policy.serving.look_every
    last = turn.traffic.looked_at
    if last is None and not wanted.declined:
        last = wanted.good_at
    if last is not None and turn.now < last + every:
        turn.wake(last + every)
        return
    turn.owe(Look(turn.now))
    turn.traffic = replace(turn.traffic, looked_at=turn.now)
    turn.wake(turn.now + every)


PART = Part("looks", follow=follow)
