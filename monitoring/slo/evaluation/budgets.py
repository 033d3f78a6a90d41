"""What is left of an error budget at a moment, and when it will be spent."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from monitoring.slo.definition import Op
from monitoring.slo.evaluation.exact import shares, times
from monitoring.slo.evaluation.ledger import Ledger
from monitoring.slo.evaluation.series import Minutes

HOUR = 60


@dataclass(frozen=True)
class Budget:
    """The budget at the minute boundary `at`.

    `left` is the share of the budget that is left, negative when overspent, None where the window
    has no events. `burn` is the burn rate of the last hour. `exhaustion` is the first boundary at
    which nothing is left if the last hour repeats itself; None if there is none.
    """

    at: int
    left: Fraction | None
    burn: Fraction | None
    exhaustion: int | None

    @property
    def exhausted(self) -> bool:
        """Whether a promotion is denied: by exact counts, without a guard."""
        return self.left is not None and self.left <= 0


def budget(ledger: Ledger, at: int) -> Budget:
    """Return the budget of an objective's window before a minute boundary."""
    now = np.array([at])
    since = ledger.since(now, None)
    left, burn = _left(ledger, since, now), _burn(ledger, now)
    if left is None or left <= 0:
        return Budget(at, left, burn, None if left is None else at)
    return Budget(at, left, burn, _exhaustion(ledger, int(since[0]), at))


def _left(ledger: Ledger, since: Minutes, at: Minutes) -> Fraction | None:
    burn = _rate(ledger, since, at)
    return None if burn is None else 1 - burn


def _burn(ledger: Ledger, at: Minutes) -> Fraction | None:
    return _rate(ledger, ledger.since(at, HOUR), at)


def _rate(ledger: Ledger, since: Minutes, at: Minutes) -> Fraction | None:
    total, bad = ledger.series.between(since, at)
    return Fraction(int(bad[0]), int(total[0])) / ledger.allowed if total[0] else None


def _exhaustion(ledger: Ledger, since: int, at: int) -> int | None:
    """Repeat the counts of the last hour, minute by minute alike, while a rolling window moves on.

    A rolling window is all repetition after its own length; a calendar period ends.
    """
    series, now = ledger.series, np.array([at])
    recent = ledger.since(now, HOUR)
    minutes = at - int(recent[0])
    total, bad = (int(one[0]) for one in series.between(recent, now))
    if not total:
        return None
    until = ledger.period_end(at)
    ahead = np.arange(1, (ledger.length if until is None else until - at - 1) + 1)
    first = since + ahead if until is None else np.full(len(ahead), since)
    known, known_bad = series.between(np.minimum(first, at), np.full(len(ahead), at))
    # In units of one over `minutes` events, so that all are integers.
    all_bad = times(known_bad, minutes) + times(ahead, bad)
    everything = times(known, minutes) + times(ahead, total)
    spent = np.flatnonzero(shares(all_bad, everything, Op.GTE, ledger.allowed))
    return at + int(ahead[spent[0]]) if len(spent) else None
