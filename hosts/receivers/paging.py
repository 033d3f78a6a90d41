"""Sends pages to the receivers of fleet.yaml, each over the channel that its kind opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from engine.errors import Refused, Unavailable
from engine.policy import Policy
from fleet.document.receivers import Receiver
from fleet.document.variants import variants
from hosts.receivers import breaker, wording
from hosts.receivers.budget import Budget
from hosts.receivers.failures import RateLimited
from hosts.setting import setting_fault
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Page

#: The longest delay of the next try; that of a ticket is a quarter of an hour with its jitter.
LONGEST = {Severity.PAGE: breaker.LONGEST, Severity.TICKET: timedelta(minutes=12)}


@dataclass(frozen=True)
class Receipt:
    """What a receiver answered to a message that it took, in one line for people.

    `handle` is what it calls the message, where later ones of the incident change that.
    """

    answer: str
    handle: str = ""


class Channel(Protocol):
    """One way to reach people."""

    def send(self, page: Page, at: datetime) -> Receipt:
        """Deliver what was decided at `at`.

        Unavailable where that can't be done now, Refused where the receiver will never take it.
        """
        ...


@dataclass(frozen=True)
class Surroundings:
    """What an opener finds on its host: a folder for files, the settings, our own address.

    `token` returns an access token of the host's identity for a scope, where it has one.
    """

    folder: Path
    settings: Mapping[str, str]
    base_url: str = ""
    token: Callable[[str], str] | None = None

    def resolved(self, name: str, text: str) -> str:
        """Return a text of receiver `name`; `env:SETTING` is replaced, because it may be a secret.

        Refused where that setting is not there.
        """
        scheme, _, setting = text.partition(":")
        if scheme != "env":
            return text
        if fault := setting_fault(setting, self.settings):
            raise Refused(f"receivers.{name}: {fault}; set it and restart")
        return self.settings[setting]


#: Opens a receiver by its name and policy. A table holds openers of different policies, and each
#: is called with its own, so that the type of the policy is left open here.
Opener = Callable[[str, Any, Surroundings], Channel]


@dataclass(frozen=True)
class Openers:
    """The kinds of receiver that a host has; `place` names the host in messages."""

    place: str
    by_policy: Mapping[type[Policy], Opener]

    def lacks(self, receivers: Mapping[str, Receiver]) -> Iterator[tuple[str, str]]:
        """Yield every receiver whose kind the host does not have, with the reason."""
        taken = [kind for kind, policy in variants(Receiver).items() if policy in self.by_policy]
        for name, policy in receivers.items():
            if type(policy) not in self.by_policy:
                known = " or ".join([", ".join(taken[:-1]), *taken[-1:]] if taken[1:] else taken)
                yield name, f"kind {policy.kind} has no place {self.place}; take {known}"


class Unopened:
    """The channel of a receiver that its opener refused: no message gets out, each says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `Channel`."""
        del page, at
        raise Refused(self.reason)


class Pager:
    """Implements `fleet.ports.Pager`: each receiver by its name, over a channel of its own.

    `budgets` are of receivers whose vendor takes a limited number of messages; `base_url` is where
    our own pages are, empty where nobody said so.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        budgets: Mapping[str, Budget] | None = None,
        base_url: str = "",
    ) -> None:
        self._channels, self._budgets, self._base_url = channels, budgets or {}, base_url
        self._breaker = breaker.Breaker()

    def page(self, page: Page, at: datetime, now: datetime) -> str | None:
        """See `fleet.ports.Pager`; Refused also where there is no such receiver."""
        name = page.receiver
        if name not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            raise Refused(f"receiver {name!r}: unknown, the configuration has {known}")
        longest = LONGEST[page.severity]
        trip = self._breaker.admit(name, now)
        if trip is not None:
            longest = max(longest, trip.exact)
            raise Unavailable(trip.reason, min(trip.until - now, longest), longest)
        budget = self._budgets.get(name)
        if budget is None:
            return self._send(page, at, now).handle or None
        allowed = budget.admit(page, now)
        if allowed is None:
            return None
        try:
            receipt = self._send(allowed, at, now)
        except Unavailable as error:
            # A vendor that is down counts nothing; one that refuses for its limit does.
            if not isinstance(error, RateLimited):
                budget.returned(now)
            raise
        budget.sent(page)
        return receipt.handle or None

    def test(self, page: Page, now: datetime) -> Receipt:
        """Send a message whatever came of earlier ones, and return what the receiver answered."""
        return self._channels[page.receiver].send(wording.absolute(page, self._base_url), now)

    def _send(self, page: Page, at: datetime, now: datetime) -> Receipt:
        name, longest = page.receiver, LONGEST[page.severity]
        try:
            receipt = self._channels[name].send(wording.absolute(page, self._base_url), at)
        except RateLimited as error:
            # What comes sooner is refused, and counts.
            self._breaker.limited(name, str(error), error.delay, now)
            raise
        except Unavailable as error:
            self._breaker.failed(name, str(error), error.delay, now)
            raise Unavailable(str(error), min(error.delay, longest), longest) from error
        except Refused:
            self._breaker.answered(name)
            raise
        self._breaker.answered(name)
        return receipt

    def unopened(self) -> dict[str, str]:
        """Return the receivers that could not be opened, with the reason."""
        found = self._channels.items()
        return {name: one.reason for name, one in found if isinstance(one, Unopened)}


def open_pager(receivers: Mapping[str, Receiver], openers: Openers, around: Surroundings) -> Pager:
    """Open every receiver of the document; one that its opener refuses refuses its messages.

    Raises
    ------
    Refused
        The host lacks a receiver's kind.
    """
    for name, reason in openers.lacks(receivers):
        raise Refused(f"receivers.{name}: {reason}")

    def opened(name: str, policy: Receiver) -> Channel:
        try:
            return openers.by_policy[type(policy)](name, policy, around)
        except Refused as error:
            # A missing setting stops this receiver; the fleet and the other receivers go on.
            return Unopened(str(error))

    channels = {name: opened(name, policy) for name, policy in receivers.items()}
    limits = {name: policy.limits() for name, policy in receivers.items()}
    budgets = {name: Budget(found) for name, found in limits.items() if found}
    return Pager(channels, budgets, around.base_url)


def message(page: Page, at: datetime) -> dict[str, object]:
    """Return a page as files and webhooks carry it."""
    return {
        "key": page.key,
        "receiver": page.receiver,
        "event": page.event,
        "incident": page.incident,
        "severity": page.severity,
        "title": page.title,
        "lines": page.lines,
        "alerts": page.alerts,
        "ended": page.ended,
        "at": spelled(at),
    }


def spelled(at: datetime) -> str:
    """Spell an instant in UTC.

    >>> spelled(datetime(2013, 12, 31, 12, tzinfo=UTC))
    '2013-12-31T12:00:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
