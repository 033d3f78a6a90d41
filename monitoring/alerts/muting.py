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
class Matchers:
    """What a silence is narrowed to beside its model; an empty one matches everything."""

    kind: str = ""
    feature: str = ""
    segment: str = ""

    def __str__(self) -> str:
        """Format it as `kind=drift, segment=country=DE`, empty where nothing is narrowed."""
        named = (("kind", self.kind), ("feature", self.feature), ("segment", self.segment))
        return ", ".join(f"{name}={value}" for name, value in named if value)


@dataclass(frozen=True)
class Silence:
    """Send nothing that matches until `until`; a matcher left None matches everything.

    A `feature` matches in every segment, and a `segment` every feature in it.
    """

    id: str
    by: str
    reason: str
    until: datetime
    model: str | None = None
    feature: str | None = None
    kind: Kind | None = None
    segment: str | None = None

    @property
    def subject(self) -> str:
        """What it matches, as commands name it."""
        named = (self.model or "every model", self.feature, self.segment, self.kind)
        return "/".join(part for part in named if part)

    @property
    def narrow(self) -> bool:
        """Whether it matches some features of an alert only."""
        return self.feature is not None or self.segment is not None

    def matches(self, name: str) -> bool:
        """Tell whether it matches a feature as an alert names it: `amount in country=DE`."""
        feature, _, segment = name.rpartition(" in ")
        if "=" not in segment or not feature:
            feature, segment = name, ""
        return self.feature in (None, name, feature) and self.segment in (None, segment)

    def covers(self, other: Silence) -> bool:
        """Tell whether another silence would change nothing while this one is in force."""
        matched = (
            self.model in (None, other.model),
            self.feature in (None, other.feature),
            self.kind in (None, other.kind),
            self.segment in (None, other.segment),
        )
        return all(matched) and self.until >= other.until


def lasting(silences: Iterable[Silence], now: datetime) -> tuple[Silence, ...]:
    """The silences in force at `now`; they end at `until`."""
    return tuple(silence for silence in silences if now < silence.until)


def hiding(notice: Notify, silences: Iterable[Silence]) -> list[Silence]:
    """The silences that `notice` is silenced by; several of some features each count together."""
    matching = [silence for silence in silences if _concerns(silence, notice)]
    whole = [silence for silence in matching if not silence.narrow]
    narrow = [
        silence
        for silence in matching
        if silence.narrow and any(map(silence.matches, notice.features))
    ]
    covered = all(any(one.matches(name) for one in narrow) for name in notice.features)
    return [*whole, *narrow] if covered else whole


def silenced(notice: Notify, silences: Iterable[Silence]) -> str | None:
    """Why `notice` is silenced, or None.

    A silence of a feature or segment mutes an alert only when every feature of that alert is
    silenced.
    """
    matching = hiding(notice, silences)
    for silence in matching:
        if not silence.narrow:
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
