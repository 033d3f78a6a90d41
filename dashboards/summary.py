"""The summary of a replay: a JSON document for tools and a short text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dashboards.alerting import PAGE
from dashboards.performance import performance
from dashboards.story import Story, story
from engine.codec import canonical
from engine.journal import Record
from engine.store import instant

Json = dict[str, Any]

SHOWN = 12
STYLES = {
    "passed": "green",
    "failed": "red",
    "promoted": "green",
    "rolled_back": "bold red",
    "stopped": "yellow",
}


def summary(
    model: str,
    records: Iterable[Record],
    read_rows: Callable[[str], pa.Table],
    seconds: float,
    *,
    verified: bool = True,
) -> Json:
    """Return what `summary.json` holds, floats at 12 significant digits.

    Parameters
    ----------
    model, records : the model's name and its journal.
    read_rows : returns the joined rows of a blob, by its name.
    seconds : how long the replay took.
    verified : whether the journal's hash chain was verified.
    """
    told = story(records)
    document: Json = {
        "model": model,
        "from": told.days[0].day.isoformat() if told.days else None,
        "to": told.days[-1].day.isoformat() if told.days else None,
        "rows": sum(day.rows for day in told.days),
        "windows": len(told.days),
        "seconds": seconds,
        "drift_episodes": _episodes(told),
        "alerts": _alerts(told),
        "retrains": _retrains(told),
        "rollouts": _rollouts(told),
        "performance": performance(told.days, read_rows),
        "journal": {"records": told.records, "verified": verified},
    }
    found: Json = canonical(document)
    return found


def _episodes(told: Story) -> list[Json]:
    return [
        {
            "features": list(episode.features),
            "from": episode.began.isoformat(),
            "to": episode.ended.isoformat(),
            "explained_by": episode.explained_by,
        }
        for episode in told.episodes
    ]


def _alerts(told: Story) -> list[Json]:
    return [
        {
            "id": alert.id,
            "severity": alert.severity,
            "reason": alert.reason,
            "fired": instant(alert.fired),
            "resolved": _instant(alert.resolved),
        }
        for alert in told.alerts
    ]


def _retrains(told: Story) -> list[Json]:
    return [
        {
            "id": retrain.id,
            "trigger": retrain.trigger,
            "at": instant(retrain.at),
            "gate": {"verdict": retrain.gate, "reason": retrain.verdict_reason},
        }
        for retrain in told.retrains
    ]


def _rollouts(told: Story) -> list[Json]:
    return [
        {
            "challenger": rollout.challenger,
            "from": instant(rollout.began),
            "to": _instant(rollout.ended),
            "outcome": rollout.outcome,
            "reason": rollout.reason,
        }
        for rollout in told.rollouts
    ]


def _instant(moment: datetime | None) -> str | None:
    return instant(moment) if moment is not None else None


def text(document: Json) -> RenderableType:
    """Return a summary for the terminal: about sixty lines at most, at 100 columns or more."""
    journal, alerts = document["journal"], document["alerts"]
    verified = "verified" if journal["verified"] else "NOT VERIFIED"
    heading = (
        f"{document['model']}: {document['from'] or 'no window yet'} to {document['to'] or '-'}, "
        f"{document['rows']:,} rows in {document['windows']} windows, {document['seconds']:.0f} s; "
        f"journal {journal['records']:,} records, {verified}"
    )
    return Group(
        Text(heading, style="bold"),
        _performance_table(document["performance"]),
        _happened("Pages", "fired", ("id",), [a for a in alerts if a["severity"] == PAGE]),
        Text(_tickets_line([a for a in alerts if a["severity"] != PAGE])),
        _happened("Retrains", "at", ("id", "trigger", "verdict"), _flat(document["retrains"])),
        _happened("Rollouts", "from", ("challenger", "outcome"), document["rollouts"], whole=True),
        Text(_drift_line(document["drift_episodes"])),
    )


def _performance_table(found: Json) -> Table:
    table = Table("", "AUC", "Brier", box=None, padding=(0, 2, 0, 0))
    for name, label in (("frozen", "frozen champion"), ("served", "served")):
        table.add_row(label, *(_number(found[name][metric]) for metric in ("auc", "brier")))
    pairs = [(found["served"][metric], found["frozen"][metric]) for metric in ("auc", "brier")]
    if all(value is not None for pair in pairs for value in pair):
        table.add_row("difference", *(f"{served - frozen:+z.4f}" for served, frozen in pairs))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:z.4f}"


def _flat(retrains: list[Json]) -> list[Json]:
    return [{**retrain, **retrain["gate"]} for retrain in retrains]


def _happened(
    title: str, when: str, fields: tuple[str, ...], found: list[Json], *, whole: bool = False
) -> RenderableType:
    """The first dozen, one per line: day, names, and the reason, cut off unless `whole`."""
    if not found:
        return Text(f"{title}: none")
    heading = Text(title, style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0), title=heading, title_justify="left", expand=True)
    table.add_column("day", no_wrap=True)
    for field in fields:
        table.add_column(field, no_wrap=True)
    table.add_column("reason", no_wrap=not whole, overflow="fold" if whole else "ellipsis", ratio=1)
    for entry in found[:SHOWN]:
        words = [str(entry[field] or "-") for field in fields]
        cells = [Text(word, STYLES.get(word, "")) for word in words]
        table.add_row(entry[when][:10], *cells, Text(entry["reason"]))
    if len(found) > SHOWN:
        table.add_row("", f"and {len(found) - SHOWN} more")
    return table


def _tickets_line(tickets: list[Json]) -> str:
    kinds = Counter(ticket["id"].rpartition("-")[0] for ticket in tickets)
    named = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
    return f"Tickets: {named or 'none'}"


def _drift_line(episodes: list[Json]) -> str:
    if not episodes:
        return "Drift: none"
    explained = sum(episode["explained_by"] is not None for episode in episodes)
    often = Counter(feature for episode in episodes for feature in episode["features"])
    names = ", ".join(name for name, _ in often.most_common(6))
    count = "1 episode" if len(episodes) == 1 else f"{len(episodes)} episodes"
    return f"Drift: {count}, {explained} explained by announced events; most frequent: {names}"
