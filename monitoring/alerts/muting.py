"""Why an alert is not sent: a silence, or a firing page that inhibits it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status

INHIBITS: Mapping[Kind, tuple[Kind, ...]] = {
    Kind.QUALITY: (Kind.DRIFT,),
    Kind.TRAFFIC: (Kind.DRIFT,),
}
"""A firing page of the left kind mutes the right kinds of the same model: drift of missing values,
or of requests that never came, follows from the cause that already pages."""


@dataclass(frozen=True)
class Silence:
    """Send nothing that matches until `until`; a matcher left None matches everything."""

    id: str
    by: str
    reason: str
    until: datetime
    model: str | None = None
    feature: str | None = None
    kind: Kind | None = None

    @property
    def subject(self) -> str:
        """What it matches, as commands name it."""
        named = (self.model or "every model", self.feature, self.kind)
        return "/".join(part for part in named if part)

    def covers(self, other: Silence) -> bool:
        """Tell whether another silence would change nothing while this one is in force."""
        matched = (
            self.model in (None, other.model),
            self.feature in (None, other.feature),
            self.kind in (None, other.kind),
        )
        return all(matched) and self.until >= other.until


def lasting(silences: Iterable[Silence], now: datetime) -> tuple[Silence, ...]:
    """The silences in force at `now`; they end at `until`."""
    return tuple(silence for silence in silences if now < silence.until)


def hiding(notice: Notify, silences: Iterable[Silence]) -> list[Silence]:
    """The silences that `notice` is silenced by; several of one feature each count together."""
    matching = [silence for silence in silences if _concerns(silence, notice)]
    whole = [silence for silence in matching if silence.feature is None]
    names = {silence.feature for silence in matching}
    covered = bool(notice.features) and names.issuperset(notice.features)
    return matching if covered else whole


def silenced(notice: Notify, silences: Iterable[Silence]) -> str | None:
    """Why `notice` is silenced, or None.

    A silence of one feature mutes an alert only when every feature of that alert is silenced.
    """
    matching = hiding(notice, silences)
    for silence in matching:
        if silence.feature is None:
            return f"silenced by {silence.by} until {silence.until:%Y-%m-%d %H:%M} UTC"
    return f"all features silenced: {', '.join(notice.features)}" if matching else None


def inhibited(notice: Notify, others: Iterable[Notify]) -> str | None:
    """Why `notice` is inhibited by another firing page of its model, or None."""
    for other in others:
        if (
            other.model == notice.model
            and other.severity is Severity.PAGE
            and other.status is Status.FIRING
            and notice.kind in INHIBITS.get(other.kind, ())
        ):
            return f"not sent while {other.id} pages"
    return None


def muted(notices: Sequence[Notify], silences: Sequence[Silence]) -> dict[str, str]:
    """Ids of the firing notices that must not be sent, each with the reason."""
    # By model, because a team may have an alert of each of ten thousand.
    of_model: dict[str, list[Notify]] = {}
    for notice in notices:
        of_model.setdefault(notice.model, []).append(notice)
    reasons = {n.id: silenced(n, silences) or inhibited(n, of_model[n.model]) for n in notices}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _concerns(silence: Silence, notice: Notify) -> bool:
    return silence.model in (None, notice.model) and silence.kind in (None, notice.kind)
