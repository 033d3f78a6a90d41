"""The registry: which of its versions are known, and who told of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

#: An event and a version that a look found are one registration where they are no further apart.
SAME = timedelta(minutes=15)
#: Versions are known by name for so long before the newest one: Event Grid tries for 24 hours.
KEPT = timedelta(days=2)
#: Events that no look has confirmed, at most: their senders choose names and times.
MOST_TOLD = 50


@dataclass(frozen=True)
class Version:
    """A version that a look found; `announced` where an event told of it, too."""

    created: datetime
    announced: bool = False
    waived_by: str | None = None


@dataclass(frozen=True)
class Event:
    """A registration that an event told of at `at`, and no look has found yet."""

    at: datetime
    waived_by: str | None = None


@dataclass(frozen=True)
class Registry:
    """Everything created until `to` is known; later versions are `found`, or `told` by an event.

    `to` is None until a look found the model in the registry. Times of versions are the service's
    own.
    """

    to: datetime | None = None
    found: dict[str, Version] = field(default_factory=dict)
    told: dict[str, Event] = field(default_factory=dict)

    def known(self, version: str, created: datetime) -> Version | None:
        """Return the version that a look has found before, under whatever tags."""
        known = self.found.get(version)
        return known if known is not None and known.created == created else None

    def awaited(self, version: str, created: datetime) -> Event | None:
        """Return the event that told of a version before a look found it."""
        known = self.told.get(version)
        return known if known is not None and abs(known.at - created) < SAME else None

    def unannounced(self, version: str, at: datetime) -> Version | None:
        """Return the version that a look found before its event arrived."""
        known = self.found.get(version)
        if known is None or known.announced or abs(known.created - at) >= SAME:
            return None
        return known

    def with_found(self, name: str, version: Version) -> Registry:
        """Return the registry with a version that a look found, or that changed."""
        found = {**self.found, name: version}
        told = {known: event for known, event in self.told.items() if known != name}
        if self.to is None:
            return replace(self, found=found, told=told)
        to = max(self.to, max(one.created for one in found.values()) - KEPT)
        later = {known: one for known, one in found.items() if one.created > to}
        return Registry(to, later, told)

    def with_told(self, name: str, event: Event, now: datetime) -> Registry:
        """Return the registry with a registration that an event told of; older ones are left."""
        kept = [one for one in self.told.items() if one[0] != name and one[1].at > now - KEPT]
        return replace(self, told=dict([*kept, (name, event)][-MOST_TOLD:]))
