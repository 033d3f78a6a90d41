"""Look for log files that have grown: no event tells when an append blob grows.

A look lists what can still grow, the files of this hour and the last one. The first look of a
process and the first one of a day list every day whose rows may still be taken in, so that nothing
is lost while no process runs. Deployments are those whose folders are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from engine.errors import Broken, Conflict, Refused, Unavailable
from fleet import names
from fleet.document.logs import TRAFFIC, Logs
from fleet.document.policies import Watched
from fleet.logfiles import collections_of, days, grown, hours
from fleet.model.facts import LogGrew, LogShrank
from fleet.model.records import Collection
from fleet.pacing import EARLY, Pace
from fleet.ports import LogFile, LogFiles

#: After a fault the next look waits for this long at most.
LONGEST_WAIT = timedelta(minutes=5)
#: A file of the collector is read at once when it has grown for the first and the second time, and
#: then every five minutes: each read costs several requests to the storage.
PROMPT, AGAIN = 2, timedelta(minutes=5)
#: How far files were read, in bytes by their names.
Read = Mapping[str, int]


@dataclass(frozen=True)
class _Sent:
    """What was delivered of a file: its newest size, how often, and when last."""

    size: int
    times: int
    at: datetime


@dataclass
class _Memory:
    """What a process knows of a model's files."""

    sent: dict[str, _Sent] = field(default_factory=dict)
    whole: date | None = None
    pace: Pace = field(default_factory=lambda: Pace(LONGEST_WAIT))

    def ripe(self, fact: LogGrew, now: datetime) -> bool:
        """Whether a growth may be delivered; the requests of the traffic log are news at once."""
        sent = self.sent.get(fact.blob)
        if sent is None or sent.times < PROMPT or fact.collection is Collection.traffic:
            return True
        return not sent.at <= now < sent.at + AGAIN - EARLY


@dataclass(frozen=True)
class Look:
    """What one look found: files that have grown, the oldest first, or a fault that lasts.

    `whole` says that every day was looked at: some of these may have been delivered by another
    process. `shrunk` files are shorter than what was read of them.
    """

    grown: tuple[LogGrew, ...] = ()
    shrunk: tuple[LogShrank, ...] = ()
    whole: bool = False
    fault: str = ""


class Poller:
    """Lists the files of models and remembers, in this process, which sizes were delivered."""

    def __init__(self, logs: LogFiles) -> None:
        self._logs = logs
        self._known: defaultdict[str, _Memory] = defaultdict(_Memory)

    def look(self, watched: Watched, read: Callable[[], Read], now: datetime) -> Look:
        """Look for files of a model that have grown, where it is time for that.

        read: tells how far each file was read, as of before the look.
        """
        known, logs = self._known[watched.name], watched.policy.logs
        if logs.poll is None or not known.pace.due(logs.poll, now):
            return Look()
        so_far = read()
        whole = known.whole != now.date()
        try:
            found = list(self._all(watched, now) if whole else self._recent(logs, now))
        except (Unavailable, Refused, Broken, Conflict) as error:
            return Look(fault=known.pace.failed(error, now))
        known.pace.done(now)
        if whole:
            known.whole = now.date()
            there = {file.path for file in found}
            known.sent = {path: one for path, one in known.sent.items() if path in there}
        news = (fact for fact in _news(known, logs, found) if known.ripe(fact, now))
        cut = (file for file in found if file.size < so_far.get(file.path, 0))
        shrunk = tuple(LogShrank(file.path, file.size) for file in cut)
        for file in shrunk:
            known.sent.pop(file.blob, None)
        return Look(tuple(news), shrunk, whole)

    def hinted(self, watched: Watched, path: str) -> LogGrew | None:
        """Look at the one file that an event tells of; None where it has not grown.

        Raises
        ------
        Unavailable
            Its folder cannot be listed now, and no later look would find it.
        """
        logs = watched.policy.logs
        try:
            found = self._logs.listing(path.rpartition("/")[0], logs.container or "").files
        except Unavailable:
            if logs.poll is None:
                raise
            return None
        known = self._known[watched.name]
        return next(iter(_news(known, logs, [file for file in found if file.path == path])), None)

    def delivered(self, model: str, fact: LogGrew, now: datetime) -> None:
        """Remember that the growth of a file was delivered."""
        known = self._known[model].sent
        before = known.get(fact.blob)
        times = before.times if before is not None else 0
        known[fact.blob] = _Sent(fact.size, times + 1, now)

    def left(self, model: str) -> None:
        """Look at every day again: not all that a look found was delivered."""
        self._known[model].whole = None

    def _all(self, watched: Watched, now: datetime) -> Iterator[LogFile]:
        logs = watched.policy.logs
        for base in self._bases(logs):
            for day in days(now, watched.open_for):
                yield from self._logs.files(f"{base}/{day}", logs.container or "")

    def _recent(self, logs: Logs, now: datetime) -> Iterator[LogFile]:
        container = logs.container or ""
        for base in self._bases(logs):
            for day, growing in hours(now).items():
                found = self._logs.listing(f"{base}/{day}", container)
                yield from found.files
                for name in found.folders:
                    if name.isdecimal() and int(name) in growing:
                        yield from self._logs.files(f"{base}/{day}/{name}", container)

    def _bases(self, logs: Logs) -> Iterator[str]:
        """Yield the folders above the years: of collections, and of the traffic log."""
        container = logs.container or ""
        if not logs.traffic:
            yield from self._endpoints(TRAFFIC, logs)
        if logs.table is not None:
            return
        for endpoint in self._endpoints(logs.path, logs):
            for deployment in self._logs.listing(endpoint, container).folders:
                for name in collections_of(logs):
                    yield f"{endpoint}/{deployment}/{name}"

    def _endpoints(self, root: str, logs: Logs) -> Iterator[str]:
        """Yield the folders of the model's endpoint, however its name is spelled there."""
        for name in self._logs.listing(root, logs.container or "").folders:
            if names.same(name, logs.endpoint):
                yield f"{root}/{name}"


def _news(known: _Memory, logs: Logs, found: Sequence[LogFile]) -> tuple[LogGrew, ...]:
    larger = (
        file
        for file in found
        if (sent := known.sent.get(file.path)) is None or file.size > sent.size
    )
    facts = (grown(logs, file.path, file.size) for file in larger if file.size)
    ours = [fact for fact in facts if fact is not None]
    return tuple(sorted(ours, key=lambda fact: (_time(fact.blob), fact.blob)))


def _time(path: str) -> str:
    """Return the part of a path that says when, so that facts come in the order of time."""
    return "/".join(part for part in path.split("/") if part.isdecimal())
