"""The note that tells the owner of a silence, when it ends, what became of the alerts it hid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from monitoring.alerts import muting
from monitoring.alerts.group import Open, Policy
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.muting import Silence
from monitoring.alerts.paging import LISTED, Event, Page


@dataclass(frozen=True)
class Hidden:
    """The alerts that a silence has hidden since it began."""

    silence: Silence
    alerts: tuple[str, ...]


def hidden(
    known: Mapping[str, Hidden], entries: Mapping[str, Open], silences: Sequence[Silence]
) -> dict[str, Hidden]:
    """Return what each silence in force has hidden, by its id; one that hid nothing is absent."""
    found: dict[str, Hidden] = {}
    for silence in silences:
        before = known[silence.id].alerts if silence.id in known else ()
        noted = frozenset(before)
        now = [
            name
            for name, entry in sorted(entries.items())
            if entry.firing
            and name not in noted
            and silence in muting.hiding(entry.notice, silences)
        ]
        if before or now:
            found[silence.id] = Hidden(silence, (*before, *now))
    return found


def pages(
    team: str, over: Hidden, entries: Mapping[str, Open], policy: Policy, now: datetime
) -> tuple[Page, ...]:
    """Return the note about a silence that is over.

    It goes to the receiver that has the owner's name, else where the team's tickets go.
    """
    silence = over.silence
    own = silence.by in (*policy.page, *policy.ticket)
    receivers = (silence.by,) if own else policy.first(Severity.TICKET)
    firing = [name for name in over.alerts if name in entries and entries[name].firing]
    ended = len(over.alerts) - len(firing)
    # An id is a caller's text; the key of a message has to fit the key of a row.
    name = f"{team}:silence-{sha256(silence.id.encode()).hexdigest()[:12]}"
    lines = [f"reason of the silence: {silence.reason}"]
    lines += [_line(alert, entries.get(alert)) for alert in over.alerts[:LISTED]]
    if len(over.alerts) > LISTED:
        lines.append(f"and {len(over.alerts) - LISTED} more")
    return tuple(
        Page(
            key=f"{name}:{Event.UNSILENCED}:{now:%Y%m%dT%H%M%S}:{receiver}",
            receiver=receiver,
            event=Event.UNSILENCED,
            severity=Severity.TICKET,
            title=f"silence by {silence.by} is over: {len(firing)} still firing, {ended} ended",
            lines=tuple(lines),
            alerts=over.alerts,
            incident=name,
            ended=tuple(alert for alert in over.alerts if alert not in firing),
        )
        for receiver in receivers
    )


def _line(alert: str, entry: Open | None) -> str:
    if entry is None:
        return f"{alert}: ended"
    if entry.firing:
        return f"{alert}: still firing: {entry.notice.reason}"
    return f"{alert}: ended at {entry.notice.at:%Y-%m-%d %H:%M} UTC: {entry.notice.reason}"
