"""Windows as the journal tells them, and the episodes of drift among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

Line = dict[str, Any]
Told = tuple[datetime, Line]
Measures = dict[str, float | None]


@dataclass(frozen=True)
class Day:
    """One window: the latest assessment and the latest join of it.

    `stream` and `psi` are by feature, `served` and `baseline` are metrics by name; `joined` names
    the blob with the joined rows. What is not known (yet) is None or empty.
    """

    day: date
    rows: int = 0
    verdict: str | None = None
    stream: dict[str, str] = field(default_factory=dict)
    psi: Measures = field(default_factory=dict)
    score_psi: float | None = None
    event: str | None = None
    quality: tuple[str, ...] = ()
    expected: int = 0
    labelled: int = 0
    served: Measures = field(default_factory=dict)
    baseline: Measures = field(default_factory=dict)
    health: str | None = None
    reason: str = ""
    joined: str = ""


@dataclass(frozen=True)
class Episode:
    """Windows in a row in which features drift; `explained_by` names the event that holds all."""

    features: tuple[str, ...]
    began: date
    ended: date
    explained_by: str | None = None


def days(assessed: Sequence[Told], joined: Sequence[Told]) -> tuple[Day, ...]:
    """Return the windows in order; what was said last of a window holds."""
    found: dict[str, Day] = {}
    for _, line in assessed:
        name = line["window"]
        found[name] = Day(
            day=date.fromisoformat(name),
            rows=line["rows"],
            verdict=line["verdict"],
            stream=line["stream"],
            psi=line["psi"],
            score_psi=line["score_psi"],
            event=line["event"],
            quality=tuple(line["quality"]),
        )
    for _, line in joined:
        name = line["window"]
        found[name] = replace(
            found.get(name, Day(date.fromisoformat(name))),
            expected=line["expected"],
            labelled=line["labelled"],
            served=line["scores"].get("served", {}),
            baseline=line["scores"].get("baseline", {}),
            health=line["health"],
            reason=line["reason"],
            joined=line["rows"],
        )
    return tuple(found[name] for name in sorted(found))


def episodes(known: Sequence[Day]) -> tuple[Episode, ...]:
    """Group windows with drift; one window without drift in between does not end an episode."""
    runs: list[list[Day]] = []
    last = 0
    for place, day in enumerate(known):
        if not day.stream:
            continue
        if not runs or place - last > 2:
            runs.append([])
        runs[-1].append(day)
        last = place
    return tuple(_episode(run) for run in runs)


def _episode(run: Sequence[Day]) -> Episode:
    features = sorted({feature for day in run for feature in day.stream})
    events = {day.event for day in run}
    explained = events.pop() if len(events) == 1 else None
    return Episode(tuple(features), run[0].day, run[-1].day, explained)
