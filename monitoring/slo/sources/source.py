"""The shape of a source: how an indicator is written in OpenSLO, and how its events are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from monitoring.slo.objective import Objective, Sli

#: The begin of an hour or of an interval, good events, bad events.
Events = tuple[datetime, int, int]


class Requests(Protocol):
    """Requests that one deployment answered in one interval."""

    @property
    def start(self) -> datetime:
        """The begin of the interval."""
        ...

    @property
    def requests(self) -> int:
        """All that were answered."""
        ...

    @property
    def errors(self) -> int:
        """Those that failed."""
        ...

    @property
    def over(self) -> Mapping[str, int]:
        """Those above the limit of each latency objective, by its name."""
        ...


@dataclass(frozen=True)
class Seen:
    """What was seen from the last measurement, `before`, to this one, `at`.

    `fresh_at` is the time of the newest log with rows, `fresh_was` that of the one before it.
    """

    at: datetime
    before: datetime | None
    requests: Sequence[Requests]
    fresh_at: datetime | None
    fresh_was: datetime | None


@dataclass(frozen=True)
class Source:
    """One kind of indicator.

    Attributes
    ----------
    sli : its name in `spec.sli`.
    events : counts good and bad events of what was seen.
    threshold : whether OpenSLO writes it as a thresholdMetric; else as a ratioMetric.
    limits_answers : whether the threshold is a limit that readers of traffic count answers over.
    ages : whether it turns bad with time alone, an interval of the threshold after the newest log.
    """

    sli: Sli
    events: Callable[[Objective, Seen], Iterator[Events]]
    threshold: bool = False
    limits_answers: bool = False
    ages: bool = False
