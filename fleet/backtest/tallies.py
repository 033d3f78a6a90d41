"""What a backtest found, as one JSON document: counts by rule and feature, alerts, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fleet.backtest.budget import MONTH, Budget, effects, propose
from fleet.backtest.document import Alerted, Backtest, FeatureCounts, RuleCounts, Series
from fleet.backtest.play import Played, pages, replayed_alerts
from fleet.document.policies import Watched
from monitoring.alerts.lifecycle import Notify, Severity
from monitoring.calendars import day_of
from monitoring.drift.rules import Rule
from monitoring.drift.verdict import Verdict

ALONE, STREAM = "driftwarden, a day alone", "driftwarden, persistent"
MOVED = (Verdict.DRIFTING, Verdict.DRIFTED)


@dataclass(frozen=True)
class Result:
    """A backtest of one model: the document that tells it, and the thresholds it proposes."""

    document: Backtest
    thresholds: dict[str, float]


def tally(
    watched: Watched, played: Sequence[Played], budget: Budget, notes: Sequence[str] = ()
) -> Result:
    """Count what fired under every rule, and propose thresholds for the budget."""
    policy, days = watched.policy.drift, _span(played)
    allowed, moved = budget.over(days), effects(played)
    found = propose(
        moved, lambda some: pages(replayed_alerts(watched, played, some)), allowed, policy.floor
    )
    now = replayed_alerts(watched, played)
    then = replayed_alerts(watched, played, found)
    thresholds = {name: one for name, one in found.items() if one != policy.threshold_of(name)}
    document: Backtest = {
        "model": watched.name,
        "first": played[0].day.name,
        "last": played[-1].day.name,
        "windows": len(played),
        "months": round(days / MONTH, 2),
        "calibrated": all(one.fact.calibrated for one in played),
        "notes": list(notes),
        "budget": {"pages": budget.pages, "days": round(budget.days, 2), "allowed": allowed},
        "alerts": {"now": _alerted(now, days), "proposed": _alerted(then, days)},
        "rules": [_rule(name, played, days) for name in (ALONE, STREAM, *Rule)],
        "features": _features(watched, played, found),
        "series": _series(watched, played, now),
    }
    return Result(document, thresholds)


def _span(played: Sequence[Played]) -> int:
    first, last = (date.fromisoformat(played[place].day.name) for place in (0, -1))
    return (last - first).days + 1


def _alerted(found: Sequence[Notify], days: int) -> Alerted:
    paged = pages(found)
    tickets = len(found) - paged
    return {
        "pages": paged,
        "tickets": tickets,
        "pages_a_month": round(paged * MONTH / days, 2),
        "tickets_a_month": round(tickets * MONTH / days, 2),
    }


def fires(one: Played, rule: str) -> tuple[str, ...]:
    """Return the features that fire on a day under a rule."""
    match rule:
        case "driftwarden, a day alone":
            return tuple(name for name, found in one.features.items() if found.alone in MOVED)
        case "driftwarden, persistent":
            return tuple(name for name, found in one.features.items() if found.stream in MOVED)
        case _:
            return tuple(name for name, found in one.features.items() if rule in found.rules)


def _rule(rule: str, played: Sequence[Played], days: int) -> RuleCounts:
    fired = [len(fires(one, rule)) for one in played]
    windows = sum(map(bool, fired))
    return {
        "rule": str(rule),
        "windows": windows,
        "windows_a_month": round(windows * MONTH / days, 2),
        "feature_windows": sum(fired),
    }


def _features(
    watched: Watched, played: Sequence[Played], proposed: Mapping[str, float]
) -> list[FeatureCounts]:
    fired = {rule: [set(fires(one, rule)) for one in played] for rule in (ALONE, STREAM, *Rule)}
    found: list[FeatureCounts] = []
    for name in played[0].features:
        merged = [one.features[name].merged for one in played]
        drifted = sum(one.features[name].stream is Verdict.DRIFTED for one in played)
        found.append(
            {
                "name": name,
                "threshold": watched.policy.drift.threshold_of(name),
                "proposed": proposed.get(name),
                "largest": max((one for one in merged if one is not None), default=None),
                "drifted": drifted,
                "windows": {
                    str(rule): sum(name in names for names in sets) for rule, sets in fired.items()
                },
            }
        )
    return sorted(found, key=lambda one: (-one["windows"][STREAM], -one["windows"][ALONE]))


def _series(watched: Watched, played: Sequence[Played], told: Sequence[Notify]) -> Series:
    """Return everything by day, for drawings."""
    names = played[0].features

    def days(severity: Severity) -> list[str]:
        # An alert belongs to the assessed day, which has ended when it is sent.
        grace = watched.policy.logs.grace
        moments = [one.at - grace for one in told if one.severity is severity]
        last = {one.day.name for one in played}
        found = [_before(day_of(at, watched.zone)) for at in moments]
        return [day for day in found if day in last]

    return {
        "days": [one.day.name for one in played],
        "events": [one.event for one in played],
        "pages": days(Severity.PAGE),
        "tickets": days(Severity.TICKET),
        "merged": {name: [one.features[name].merged for one in played] for name in names},
        "fired": {
            str(rule): [len(fires(one, rule)) for one in played] for rule in (ALONE, STREAM, *Rule)
        },
    }


def _before(day: date) -> str:
    return date.fromordinal(day.toordinal() - 1).isoformat()
