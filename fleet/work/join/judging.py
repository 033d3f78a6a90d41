"""Judge the labelled performance of a window with the ones before it, in total and by segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.blobs import Blobs
from fleet.document.policies import Watched
from fleet.model.tasks import Join
from fleet.work import rows
from fleet.work.columns import floats, times
from monitoring.breakdown import Breakdown, baselines, breakdown
from monitoring.clustered import Baseline
from monitoring.drift.sketch import segment_names
from monitoring.labels import Joined
from monitoring.performance import Performance, Verdict, assess, reference

COLUMNS = ("served", "label", "time")


@dataclass(frozen=True)
class Judged:
    """The verdict, its reason, the event that explains it, and degraded segments."""

    report: Performance
    reason: str
    explained_by: str | None
    segments: str


@dataclass(frozen=True)
class _Day:
    rows: Joined
    levels: dict[str, npt.NDArray[np.object_]]
    event: str | None


def judge(blobs: Blobs, watched: Watched, effect: Join, today: pa.Table) -> Judged:
    """Judge the trailing windows with this one; name the worst segments where it is degraded.

    Segments that are degraded alone are reported separately, from days without an event.
    """
    names = watched.policy.performance.segments
    days = [
        *(_day(_kept(blobs.get(name), names), names, event) for _, name, event in effect.trailing),
        _day(today, names, effect.event),
    ]
    content = blobs.get(effect.reference)
    usual, parts = _usual(content, watched.zone, names)
    ordinary = [day for day in days if day.event is None]
    report = _assessed(watched, effect, days, usual)
    degraded = report.verdict is Verdict.DEGRADED
    plain = "; ".join(report.reasons) or "performance is within its limits"
    broken = _broken(watched, effect, days if degraded else ordinary, parts).reason if names else ""
    if not degraded:
        return Judged(report, plain, None, broken)
    explained_by = None
    if len(ordinary) < len(days):
        alone = _assessed(watched, effect, ordinary, usual)
        if alone.verdict is not Verdict.DEGRADED:
            events = [day.event for day in days if day.event is not None]
            explained_by = max(sorted(set(events)), key=events.count)
    return Judged(report, "; ".join(filter(None, (plain, broken))), explained_by, "")


def scored(table: pa.Table, score: str) -> Joined:
    """Scores, labels and times of a table, as the performance functions take them."""
    return Joined(floats(table[score]), floats(table["label"]), times(table["time"]))


def _kept(content: bytes, names: Sequence[str]) -> pa.Table:
    """Read the columns that are judged; days from before a segment was requested may lack it."""
    held = pa.ipc.open_stream(content).schema.names
    return rows.read(content, [*COLUMNS, *(name for name in names if name in held)])


def _day(table: pa.Table, names: Sequence[str], event: str | None) -> _Day:
    return _Day(scored(table, "served"), _levels(table, names), event)


def _levels(table: pa.Table, names: Sequence[str]) -> dict[str, npt.NDArray[np.object_]]:
    """Return the level of each row by feature; all None where the rows lack the feature."""
    return {
        name: np.array(segment_names(table[name]).to_pylist(), object)
        if name in table.column_names
        else np.full(len(table), None)
        for name in names
    }


@lru_cache(maxsize=16)
def _usual(
    content: bytes, zone: str, names: tuple[str, ...]
) -> tuple[Baseline | None, dict[str, Baseline]]:
    # Cached by content: the same bytes give the same result in every store.
    table = rows.read(content)
    joined = scored(table, "score")
    return reference(joined, zone), baselines(joined, _levels(table, names), zone)


def _several(days: Sequence[_Day]) -> Joined:
    return Joined(
        score=np.concatenate([np.empty(0), *(day.rows.score for day in days)]),
        label=np.concatenate([np.empty(0), *(day.rows.label for day in days)]),
        time=np.concatenate([np.empty(0, "datetime64[us]"), *(day.rows.time for day in days)]),
    )


def _assessed(
    watched: Watched, effect: Join, days: Sequence[_Day], usual: Baseline | None
) -> Performance:
    policy = watched.policy.performance
    # Labels that have arrived are judged; the completeness is reported beside them.
    return assess(_several(days), policy, watched.zone, effect.ends + policy.wait, usual)


def _broken(
    watched: Watched, effect: Join, days: Sequence[_Day], usual: dict[str, Baseline]
) -> Breakdown:
    policy = watched.policy.performance
    levels = {
        name: np.concatenate([np.empty(0, object), *(day.levels[name] for day in days)])
        for name in policy.segments
    }
    until = effect.ends + policy.wait
    return breakdown(_several(days), levels, policy, watched.zone, until, usual)
