"""Rows of bars on the days' axis: calendar, traffic, retrains, rollouts, alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from dashboards.alerting import PAGE, Alert, Held
from dashboards.announced import occasions, span
from dashboards.charts import Axis
from dashboards.days import Day
from dashboards.promotion import Retrain, Rollout, Split
from dashboards.story import Story
from monitoring.drift.why import Happening

ROOM_FOR_NAME = 4.0
NAMED = 8
#: Most changes that are drawn, the newest: their senders decide how many there are.
MOST_CHANGES = 500


@dataclass(frozen=True)
class Bar:
    """One bar: its place in percent of the width, its style, its tooltip.

    `share` is its height in percent of the row's; `name` is written into it where there is room.
    """

    left: float
    width: float
    look: str
    title: str
    share: int = 100
    name: str = ""


@dataclass(frozen=True)
class Row:
    """Bars under one label, with `note` beside the label."""

    label: str
    bars: tuple[Bar, ...]
    note: str = ""
    tall: bool = False

    @property
    def spoken(self) -> str:
        """The row as text for screen readers: the first line of each bar."""
        said = [bar.title.partition("\n")[0] for bar in self.bars]
        more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
        return f"{self.label}: {'; '.join(said[-NAMED:])}{more}"


def calendar(days: Sequence[Day], axis: Axis) -> tuple[Row, ...]:
    """Return the rows above the heat map: announced events and broken data."""
    return _spoken(Row("calendar", _events(days, axis)), Row("broken data", _quality(days, axis)))


def serving(told: Story, axis: Axis, now: datetime, model: str) -> tuple[Row, ...]:
    """Return the rows about serving: changes around it, traffic, new versions, rollouts.

    A version's name is written without the prefix `model`, to save room.
    """
    return _spoken(
        Row("what changed", _changes(told.changes, axis)),
        Row("traffic", _traffic(told, axis, now, f"{model}-"), tall=True),
        Row("new versions", _retrains(told.retrains, axis)),
        Row("rollouts", _rollouts(told.rollouts, axis, now)),
    )


def _spoken(*rows: Row) -> tuple[Row, ...]:
    """Leave out rows without bars."""
    return tuple(row for row in rows if row.bars)


def _bar(axis: Axis, begin: date | datetime, end: date | datetime, look: str, title: str) -> Bar:
    left, right = axis.share(axis.place(begin)), axis.share(axis.place(end))
    return Bar(left, round(right - left, 3), look, title)


def _events(days: Sequence[Day], axis: Axis) -> tuple[Bar, ...]:
    return tuple(
        _bar(
            axis,
            occasion.first,
            occasion.last + timedelta(days=1),
            "event",
            f"{occasion.name}\n{span(occasion.first, occasion.last)}",
        )
        for occasion in occasions(days)
        if axis.holds(occasion.last)
    )


def _quality(days: Sequence[Day], axis: Axis) -> tuple[Bar, ...]:
    return tuple(
        _bar(axis, day.day, day.day + timedelta(days=1), "page", f"{day.day}\n{trouble}")
        for day in days
        if day.quality and axis.holds(day.day)
        for trouble in ["; ".join(day.quality)]
    )


def _changes(changes: Sequence[Happening], axis: Axis) -> tuple[Bar, ...]:
    """Return a point for each change on the axis, and a bar for one that lasts."""
    bars, end = [], axis.first + timedelta(days=axis.days)
    shown = [one for one in changes if one.at.date() < end and one.end.date() >= axis.first]
    for one in shown[-MOST_CHANGES:]:
        if one.until is not None:
            bars.append(_bar(axis, one.at, one.end, "event", str(one)))
        else:
            bars.append(Bar(axis.share(axis.place(one.at)), 0, "point open", str(one)))
    return tuple(bars)


def _traffic(told: Story, axis: Axis, now: datetime, prefix: str) -> tuple[Bar, ...]:
    """Traffic: a bar for each champion's era, and in front of it the challenger's share."""
    if not told.splits:
        return ()
    bars = [*_eras(told, axis, now, prefix)]
    ends = [split.at for split in told.splits[1:]] + [now]
    for split, end in zip(told.splits, ends, strict=True):
        challenger = _challenger(told.rollouts, split)
        share = split.weights.get(challenger or "", 0)
        if challenger is None or end <= split.at:
            continue
        bar = _bar(axis, split.at, end, "share" if share else "shadow", f"{challenger}: {share} %")
        words = f"{challenger}\n{share} % of the traffic" if share else f"{challenger}\nin shadow"
        bars.append(Bar(bar.left, bar.width, bar.look, words, share or 12))
    return tuple(bar for bar in bars if bar.width > 0)


def _challenger(rollouts: Sequence[Rollout], split: Split) -> str | None:
    """The challenger at a split; the router applies the end of a rollout a little later."""
    return next(
        (
            r.challenger
            for r in rollouts
            if r.began <= split.at
            and (r.ended is None or split.at < r.ended)
            and r.challenger in (*split.weights, *split.shadow)
        ),
        None,
    )


def _eras(told: Story, axis: Axis, now: datetime, prefix: str) -> Iterator[Bar]:
    first = told.splits[0]
    begins = [(first.at, max(first.weights, key=lambda version: first.weights[version]))]
    begins += [
        (r.ended, r.challenger) for r in told.rollouts if r.outcome == "promoted" and r.ended
    ]
    for n, ((begin, version), (end, _)) in enumerate(pairwise([*begins, (now, "")])):
        bar = _bar(axis, begin, end, f"era-{n % 2}", f"{version}\nchampion since {stamp(begin)}")
        name = version.removeprefix(prefix) if bar.width >= ROOM_FOR_NAME else ""
        yield Bar(bar.left, bar.width, bar.look, bar.title, name=name)


def _retrains(retrains: Sequence[Retrain], axis: Axis) -> tuple[Bar, ...]:
    looks = {"passed": "good", None: "open"}
    return tuple(
        Bar(
            axis.share(axis.place(retrain.at)),
            0,
            f"point {looks.get(retrain.gate, 'bad')}",
            f"{retrain.id}: {retrain.trigger}, {stamp(retrain.at)}\n"
            f"gate: {retrain.gate or 'open'} {retrain.gate_reason}",
        )
        for retrain in retrains
    )


def _rollouts(rollouts: Sequence[Rollout], axis: Axis, now: datetime) -> tuple[Bar, ...]:
    bars = []
    for rollout in rollouts:
        lasting = [stage for stage in rollout.stages if stage.phase != rollout.outcome]
        ends = [stage.at for stage in rollout.stages[1:]]
        ends += [rollout.ended or now] * (len(lasting) - len(ends))
        for stage, end in zip(lasting, ends, strict=True):
            words = f"{rollout.challenger}\n{stage.phase} from {stamp(stage.at)}"
            bars.append(_bar(axis, stage.at, end, f"phase-{stage.phase}", words))
        if rollout.ended and rollout.outcome:
            words = f"{rollout.challenger}\n{rollout.outcome} {stamp(rollout.ended)}"
            left = axis.share(axis.place(rollout.ended))
            bars.append(Bar(left, 0, f"end {rollout.outcome}", f"{words}\n{rollout.reason}"))
    return tuple(bars)


def alerts(told: Story, axis: Axis, now: datetime) -> Iterator[Row]:
    """Yield one row per alert key: firings, and hollow bars while an event explained it.

    Keys with pages come first.
    """
    keys = {alert.id.rpartition("-")[0] for alert in told.alerts} | {h.key for h in told.held}
    found = []
    for key in keys:
        fired = [alert for alert in told.alerts if alert.id.rpartition("-")[0] == key]
        kept = [held for held in told.held if held.key == key]
        pages = sum(alert.severity == PAGE for alert in fired)
        bars = (*(_held(h, axis, now) for h in kept), *(_alert(a, axis, now) for a in fired))
        found.append((-pages, -len(fired), key, Row(key, bars, str(len(fired) or ""))))
    for *_, row in sorted(found, key=lambda entry: entry[:3]):
        yield row


def _alert(alert: Alert, axis: Axis, now: datetime) -> Bar:
    end = alert.resolved or now
    until = f"to {stamp(end)}" if alert.resolved else "still firing"
    words = f"{alert.id}, {alert.severity}, {stamp(alert.fired)} {until}\n{alert.reason}"
    return _bar(axis, alert.fired, end, alert.severity, words)


def _held(held: Held, axis: Axis, now: datetime) -> Bar:
    words = f"not sent: explained by {held.explained_by} since {stamp(held.since)}\n{held.reason}"
    return _bar(axis, held.since, held.until or now, "held", words)


def stamp(moment: datetime) -> str:
    """Format an instant to the minute; the pages say that it is UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"
