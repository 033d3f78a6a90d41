"""The levels of a team's chain: which receiver a page waits for, and when it is passed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitoring.alerts.lifecycle import Kind


@dataclass(frozen=True)
class Present:
    """What holds for a team at a moment, beside its policy.

    `delegates` are receivers that escalate themselves; tickets may be sent again at `resumes`, now
    where it is None; `muted` are kinds with the end of the interval that mutes them; `changes` is
    when any of this changes next, or who is on call.
    """

    delegates: frozenset[str] = frozenset()
    resumes: datetime | None = None
    muted: Mapping[Kind, datetime] = field(default_factory=dict)
    changes: datetime | None = None


@dataclass(frozen=True)
class Chain:
    """Receivers in their order, how long each has, and how often the chain begins again."""

    receivers: Sequence[str]
    after: timedelta
    repeat: int = 0
    delegates: frozenset[str] = frozenset()

    def due(
        self, paged: datetime, place: int, rounds: int, passes: datetime | None
    ) -> datetime | None:
        """When an unacknowledged page goes on from `place`; None where it stays there.

        It goes past a receiver that cannot be reached at `passes`. After the last receiver the
        chain begins again, `repeat` times and never sooner: all receivers may be out of reach.

        >>> from datetime import UTC
        >>> noon = datetime(2013, 7, 1, 12, tzinfo=UTC)
        >>> chain = Chain(("first", "second"), timedelta(minutes=30), repeat=1)
        >>> chain.due(noon, 0, 0, None).isoformat()
        '2013-07-01T12:30:00+00:00'
        >>> chain.due(noon, 0, 0, noon) == noon
        True
        >>> chain.due(noon, 1, 0, noon).isoformat()
        '2013-07-01T12:30:00+00:00'
        >>> chain.due(noon, 1, 1, None) is None
        True
        """
        last = place + 1 >= len(self.receivers)
        if last and rounds >= self.repeat:
            return None
        in_time = None if self.receivers[place] in self.delegates else paged + self.after
        if last or passes is None:
            return in_time
        return passes if in_time is None else min(in_time, passes)

    def next(self, place: int | None, rounds: int) -> tuple[int, int]:
        """Return the place and the round after those; a receiver that left the chain has none."""
        if place is None:
            return 0, rounds
        last = place + 1 >= len(self.receivers)
        return (0, rounds + 1) if last else (place + 1, rounds)
