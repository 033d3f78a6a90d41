"""What is told of a rule: a table of phases and edges over what each evaluation found."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray

from monitoring.slo.evaluation.rules import Rule


class Found(IntEnum):
    """The outcome of one evaluation; a short gap is one that chance explains."""

    CLEAR = 0
    FIRING = 1
    SHORT_GAP = 2
    GAP = 3


class Phase(StrEnum):
    """What people know of a rule."""

    QUIET = "quiet"
    BREACHING = "breaching"
    MISSING = "missing"


class Told(StrEnum):
    """Kinds of notification."""

    FIRING = "firing"
    RESOLVED = "resolved"
    NO_DATA = "no-data"


#: No other outcome moves a phase: in a short gap nothing is known, so that nothing is resolved.
EDGES: dict[tuple[Phase, Found], tuple[Phase, Told]] = {
    (Phase.QUIET, Found.FIRING): (Phase.BREACHING, Told.FIRING),
    (Phase.QUIET, Found.GAP): (Phase.MISSING, Told.NO_DATA),
    (Phase.BREACHING, Found.CLEAR): (Phase.QUIET, Told.RESOLVED),
    (Phase.BREACHING, Found.GAP): (Phase.MISSING, Told.NO_DATA),
    (Phase.MISSING, Found.CLEAR): (Phase.QUIET, Told.RESOLVED),
    (Phase.MISSING, Found.FIRING): (Phase.BREACHING, Told.FIRING),
}


def step(rule: Rule, phase: Phase, found: Found) -> tuple[Phase, Told | None]:
    """Return the next phase, and what is told; a rule that is silent on gaps passes over them."""
    if found is Found.GAP and not rule.no_data:
        found = Found.SHORT_GAP
    after, told = EDGES.get((phase, found), (phase, None))
    if (told is Told.FIRING and not rule.breaching) or (
        told is Told.RESOLVED and not rule.resolved
    ):
        told = None
    return after, told


def notices(rule: Rule, found: NDArray[np.int8]) -> Iterator[tuple[int, Told]]:
    """Yield the places of evaluations that tell something, in order, beginning with `QUIET`."""
    phase = Phase.QUIET
    changed = np.flatnonzero(np.diff(found, prepend=-1))
    for place in changed.tolist():
        phase, told = step(rule, phase, Found(int(found[place])))
        if told is not None:
            yield place, told
