"""Select the levels of a categorical feature that have bins and tests of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitoring.drift.atoms import SURE, few

MAX_LEVELS = 1_000
#: Up to this many levels, each is tested on its own.
FEW_LEVELS = 64
#: Share of the reference from which on a level is tested on its own; all others are hashed into
#: groups of about half of it, so that few levels near the border share a group.
OWN = 0.01
GROUPED = 0.005


@dataclass(frozen=True)
class Levels:
    """Levels with a bin, the most frequent first; the first `own` are tested on their own.

    All others, named or not, are tested in `groups`.
    """

    ranked: tuple[str, ...]
    own: int
    groups: int


def levels_of(counts: Mapping[str, int]) -> Levels:
    """The 1,000 most frequent levels (ties by name), and the number of groups for the others."""
    ranked = tuple(sorted(counts, key=lambda level: (-counts[level], level))[:MAX_LEVELS])
    rows = sum(counts.values())
    least = max(SURE, OWN * rows)
    known = few(np.array([*counts.values()], np.intp), FEW_LEVELS)
    own = len(ranked) if known else sum(counts[level] >= least for level in ranked)
    rare = rows - sum(counts[level] for level in ranked[:own])
    groups = max(1, math.ceil(rare / max(least * GROUPED / OWN, 1)))
    return Levels(ranked, own, groups)
