"""Windows from the journal, and the episodes of drift among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from dashboards.journal import Journal
from fleet.model.lines import windows

Measures = Mapping[str, float | None]


@dataclass(frozen=True)
class Day:
    """One window: its latest assessment and its latest join.

    `stream` and `psi` are by feature, `served` and `baseline` are metrics by name; `joined` names
    the blob with the joined rows. `estimate` has (value, low, high) by metric, for the seven days
    up to this one. Unknown values are None or empty.
    """

    day: date
    rows: int = 0
    verdict: str | None = None
    stream: Mapping[str, str] = field(default_factory=dict)
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
    estimate: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def estimated(self) -> str:
        """The estimated metrics in words, while most labels of the window are missing."""
        if 2 * self.labelled > self.rows:
            return ""
        return ", ".join(
            f"{name} {value:z.3f} ({low:z.3f} to {high:z.3f})"
            for name, (value, low, high) in sorted(self.estimate.items())
        )


@dataclass(frozen=True)
class Episode:
    """Consecutive windows in which features drift.

    `explained_by` names the announced event if every one of these windows lies in one.
    """

    features: tuple[str, ...]
    began: date
    ended: date
    explained_by: str | None = None


def days(journal: Journal) -> tuple[Day, ...]:
    """Return the windows in order; the last line about a window counts."""
    found: dict[str, Day] = {}
    for _, line in journal.of(windows.Assessed):
        found[line.window] = Day(
            day=date.fromisoformat(line.window),
            rows=line.rows,
            verdict=line.verdict,
            stream=line.stream,
            psi=line.psi,
            score_psi=line.score_psi,
            event=line.event,
            quality=line.quality,
            estimate=line.estimate,
        )
    for _, labels in journal.of(windows.Joined):
        found[labels.window] = replace(
            found.get(labels.window, Day(date.fromisoformat(labels.window))),
            expected=labels.expected,
            labelled=labels.labelled,
            served=labels.scores.get("served", {}),
            baseline=labels.scores.get("baseline", {}),
            health=labels.health,
            reason=labels.reason,
            joined=labels.rows,
        )
    return tuple(found[name] for name in sorted(found))


def episodes(known: Sequence[Day]) -> tuple[Episode, ...]:
    """Group runs of single features that overlap in time, in the order in which they began.

    A single window without drift does not end a run. Runs that lie in announced events throughout
    form groups of their own, so that a holiday is not merged into a season's drift.
    """
    features = sorted({feature for day in known for feature in day.stream})
    runs = [run for feature in features for run in _runs(known, feature)]
    found = [
        _episode(group)
        for inside in (True, False)
        for group in _overlapping([run for run in runs if _explained(run) == inside])
    ]
    return tuple(sorted(found, key=lambda episode: (episode.began, episode.ended)))


@dataclass(frozen=True)
class _Run:
    """The windows of one run in which a feature drifts."""

    feature: str
    days: tuple[Day, ...]


def _runs(known: Sequence[Day], feature: str) -> list[_Run]:
    places = [place for place, day in enumerate(known) if feature in day.stream]
    groups: list[list[int]] = []
    for place in places:
        if not groups or place - groups[-1][-1] > 2:
            groups.append([])
        groups[-1].append(place)
    return [_Run(feature, tuple(known[place] for place in group)) for group in groups]


def _explained(run: _Run) -> bool:
    return all(day.event is not None for day in run.days)


def _overlapping(runs: Sequence[_Run]) -> list[list[_Run]]:
    groups: list[list[_Run]] = []
    last = date.min
    for run in sorted(runs, key=lambda run: run.days[0].day):
        if not groups or run.days[0].day > last:
            groups.append([])
        groups[-1].append(run)
        last = max(last, run.days[-1].day)
    return groups


def _episode(runs: Sequence[_Run]) -> Episode:
    """Describe overlapping runs; of several events, the one with the most days explains them."""
    days = {day.day: day.event for run in runs for day in run.days}
    events = Counter(event for day, event in sorted(days.items()) if event is not None)
    inside = all(_explained(run) for run in runs)
    return Episode(
        tuple(sorted({run.feature for run in runs})),
        min(days),
        max(days),
        events.most_common(1)[0][0] if inside else None,
    )
