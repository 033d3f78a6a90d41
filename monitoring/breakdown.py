"""Performance by segment: which segments are degraded, also where the total is healthy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitoring.calendars import days_of
from monitoring.clustered import Baseline, Interval, clustered, drop
from monitoring.labels import Joined
from monitoring.performance import Policy, faults, gap_limit, last_day, reference

#: Most levels of one feature that are judged; each adds two tests.
MOST = 20
#: Segments written out in a reason.
NAMED = 3
Floats = NDArray[np.float64]
Names = NDArray[np.object_]


@dataclass(frozen=True)
class Part:
    """One segment that exceeds a limit: `worst` is the largest excess, as a share of its limit."""

    name: str
    labelled: int
    reasons: tuple[str, ...]
    worst: float


@dataclass(frozen=True)
class Breakdown:
    """The segments that were judged, and those that are degraded, the worst first."""

    judged: int
    degraded: tuple[Part, ...]

    @property
    def reason(self) -> str:
        """Name the worst segments; empty where none is degraded."""
        if not self.degraded:
            return ""
        told = [
            f"{part.name} ({part.labelled} labels): {', '.join(part.reasons)}"
            for part in self.degraded[:NAMED]
        ]
        more = len(self.degraded) - NAMED
        return (
            f"{len(self.degraded)} of {self.judged} segments degraded: {'; '.join(told)}"
            f"{f'; and {more} more' if more > 0 else ''}"
        )


def breakdown(
    joined: Joined,
    segments: Mapping[str, Names],
    policy: Policy,
    zone: str,
    now: datetime,
    baselines: Mapping[str, Baseline],
) -> Breakdown:
    """Judge every segment on the same days and by the same limits as `performance.assess`.

    Parameters
    ----------
    joined, segments
        Rows, and by feature the level of each row (None: in no segment).
    baselines
        Skill at the reference by segment, as `baselines` gives it; without one only the gap of
        mean score and mean label is judged.

    The intervals are widened by the number of tests, two a segment (Bonferroni): with nothing wrong
    anywhere the chance of any degraded segment is at most that of a degraded total. A segment needs
    `min_labels` labels on `min_days` days.
    """
    days = days_of(joined.time, zone)
    last = np.datetime64(last_day(policy, zone, now))
    use = (days <= last) & (days > last - np.timedelta64(policy.rolling_days, "D"))
    use &= ~np.isnan(joined.label) & ~np.isnan(joined.score)
    label, score, day = joined.label[use], joined.score[use], days[use]
    found: list[tuple[str, Floats, Interval | None, Interval | None]] = []
    for name, mine in _masks({feature: of[use] for feature, of in segments.items()}):
        if mine.sum() < policy.min_labels or len(np.unique(day[mine])) < policy.min_days:
            continue
        intervals = clustered(label[mine], score[mine], day[mine], policy.confidence)
        found.append((name, label[mine], *intervals))
    tests = 2 * max(len(found), 1)
    strict = policy.model_copy(update={"confidence": 1 - (1 - policy.confidence) / tests})
    parts = [_part(*one, strict, baselines.get(one[0])) for one in found]
    degraded = sorted(
        (part for part in parts if part.reasons), key=lambda part: (-part.worst, part.name)
    )
    return Breakdown(len(found), tuple(degraded))


def baselines(joined: Joined, segments: Mapping[str, Names], zone: str) -> dict[str, Baseline]:
    """Skill by segment of the reference's rows, where a segment has one."""
    found = {
        name: reference(Joined(joined.score[mine], joined.label[mine], joined.time[mine]), zone)
        for name, mine in _masks(segments)
    }
    return {name: one for name, one in found.items() if one is not None}


def _masks(segments: Mapping[str, Names]) -> Sequence[tuple[str, NDArray[np.bool_]]]:
    """Rows of the most frequent levels of each feature by the segment's name."""
    masks: list[tuple[str, NDArray[np.bool_]]] = []
    for feature, levels in segments.items():
        known = levels[np.array([level is not None for level in levels], bool)].astype(str)
        names, count = np.unique(known, return_counts=True)
        most = names[np.lexsort((names, -count))[:MOST]]
        masks.extend((f"{feature}={name}", levels == name) for name in most)
    return masks


def _part(
    name: str,
    label: Floats,
    gap: Interval | None,
    skilled: Interval | None,
    policy: Policy,
    baseline: Baseline | None,
) -> Part:
    gap, skilled = (one and one.at(policy.confidence) for one in (gap, skilled))
    limit = gap_limit(label, policy)
    reasons = faults(gap, skilled, policy, baseline, limit)
    excess = [abs(gap.value) / limit] if gap and limit else []
    if skilled and baseline:
        lost = drop(skilled, baseline, policy.confidence).value
        excess.append(lost / policy.max_skill_drop)
    return Part(name, len(label), reasons, max(excess, default=0.0))
