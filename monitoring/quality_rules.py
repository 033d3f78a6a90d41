"""Find what is wrong with the data of one window, before any question of drift.

One problem lists every feature that it affects, so a dead feed is one problem, not one for each
of its features.
"""

from __future__ import annotations

from collections.abc import Sequence

import scipy

from monitoring.alerts.lifecycle import Severity
from monitoring.drift.wording import level, percent
from monitoring.quality import Kind, Measured, Policy, Problem

CHANCE = 1e-4
"""A deviation that chance alone explains more often than this is not a problem."""
HABIT = 0.5
"""Usual share of new values from which on a window of only new ones is no change of coding."""
NAMED = 9
"""Most features that a reason names; the problem lists all of them."""


def problems(
    features: Sequence[Measured],
    policy: Policy,
    *,
    rows: int,
    expected: float | None = None,
    window: str = "",
) -> tuple[Problem, ...]:
    """Find the problems of one window, the worst first, one per kind and severity.

    Parameters
    ----------
    features
        The reference's features that the window has.
    rows, expected
        Rows of the window, and how many the same weekday usually has (None: not known).
    window
        Name of the window.
    """
    when = f" on {window}" if window else ""
    volume = _volume(rows, expected, policy, when)
    if volume and volume.kind is Kind.NO_ROWS:
        return (volume,)
    total = len(features)
    missing = {f.name: _missing(f, policy) for f in features}
    found = [
        _recoded([f for f in features if _is_recoded(f, policy)], total, when),
        *(
            _shares(kind, severity, features, missing, total, when)
            for kind, severity in (
                (Kind.ALL_MISSING, Severity.PAGE),
                (Kind.MISSING_JUMP, Severity.PAGE),
                (Kind.MISSING_JUMP, Severity.TICKET),
            )
        ),
        volume,
        _unseen(features, policy, when),
        _outside(features, policy, when),
    ]
    return tuple(problem for problem in found if problem is not None)


def stuck(names: Sequence[str], differing: int, day: str, window: str) -> Problem | None:
    """Features that look like a weekday on a day of class `day`, on which they always differ.

    `differing` counts the features that always do; None without any such name.
    """
    if not names:
        return None
    reason = (
        f"{_of(names, differing)} that always differ on days of class {day} look like a weekday "
        f"on {window}: {_listed(names)}; the feed may be stuck and repeat earlier rows"
    )
    return Problem(Kind.STUCK, tuple(names), Severity.TICKET, reason)


def repeated(again: int, rows: int, policy: Policy, window: str) -> Problem | None:
    """Rows with a repeated id: `again` were logged besides the window's `rows`.

    A join counts each id once; the counts that drift is computed from include every repetition.
    """
    logged = again + rows
    if logged < policy.min_rows or again <= policy.max_repeated * logged:
        return None
    reason = (
        f"{again} of {logged} rows of {window} repeat an earlier id "
        f"({percent(again / logged)}, limit {level(policy.max_repeated)})"
    )
    return Problem(Kind.REPEATED, (), Severity.TICKET, reason)


def _missing(feature: Measured, policy: Policy) -> tuple[Kind, Severity] | None:
    """The problem and severity of one feature's missing share, if there is one."""
    n, k, usual = feature.rows, feature.missing, feature.reference_missing
    if n == 0 or usual >= 1:
        return None
    # With few rows, or a feature that is often missing, all missing may be chance.
    if k == n and usual**n < CHANCE:
        return Kind.ALL_MISSING, Severity.PAGE
    jump = k / n - usual
    if (
        n < policy.min_rows
        or jump < policy.missing_jump
        or float(scipy.special.bdtrc(k - 1, n, usual)) > CHANCE
    ):
        return None
    loud = jump >= policy.missing_page
    return Kind.MISSING_JUMP, Severity.PAGE if loud else Severity.TICKET


def _shares(
    kind: Kind,
    severity: Severity,
    features: Sequence[Measured],
    missing: dict[str, tuple[Kind, Severity] | None],
    total: int,
    when: str,
) -> Problem | None:
    struck = [f for f in features if missing[f.name] == (kind, severity)]
    if not struck:
        return None
    names = tuple(f.name for f in struck)
    if kind is Kind.ALL_MISSING:
        reason = f"{_of(names, total)} entirely missing{when}: {_listed(names)}; check the source"
    else:
        shares = [
            f"{f.name} {percent(f.missing / f.rows)} of rows "
            f"(at most {percent(f.reference_missing)} on any day of the reference)"
            for f in struck
        ]
        reason = f"{_of(names, total)} missing more often{when}: {_listed(shares)}"
    return Problem(kind, names, severity, reason)


def _is_recoded(feature: Measured, policy: Policy) -> bool:
    """Whether no value is a known level: the only trace of a changed type in counts."""
    values = feature.rows - feature.missing
    if feature.reference_unseen >= HABIT:
        return False
    return values >= policy.min_rows and feature.unseen == values


def _recoded(struck: Sequence[Measured], total: int, when: str) -> Problem | None:
    if not struck:
        return None
    names = tuple(f.name for f in struck)
    reason = (
        f"{_of(names, total)} without any value known from the reference{when}: "
        f"{_listed(names)}; type or coding has probably changed"
    )
    return Problem(Kind.TYPE_CHANGE, names, Severity.PAGE, reason)


def _unseen(features: Sequence[Measured], policy: Policy, when: str) -> Problem | None:
    struck = [
        f
        for f in features
        if f.rows - f.missing >= policy.min_rows
        and f.unseen / (f.rows - f.missing) > policy.max_unseen
        and not _is_recoded(f, policy)
    ]
    if not struck:
        return None
    shares = [f"{f.name} {percent(f.unseen / (f.rows - f.missing))}" for f in struck]
    limit = level(policy.max_unseen)
    reason = f"values unknown in the reference{when} (limit {limit}): {_listed(shares)}"
    return Problem(Kind.UNSEEN, tuple(f.name for f in struck), Severity.TICKET, reason)


def _outside(features: Sequence[Measured], policy: Policy, when: str) -> Problem | None:
    struck = [
        f
        for f in features
        if f.name in policy.ranges
        and f.rows - f.missing >= policy.min_rows
        and f.outside / (f.rows - f.missing) > policy.max_outside
    ]
    if not struck:
        return None
    shares = [
        f"{f.name} {f.outside:,} of {f.rows - f.missing:,} "
        f"({percent(f.outside / (f.rows - f.missing))}) not in {policy.ranges[f.name]}"
        for f in struck
    ]
    limit = level(policy.max_outside)
    reason = f"values outside their range{when} (limit {limit}): {_listed(shares)}"
    return Problem(Kind.OUTSIDE, tuple(f.name for f in struck), Severity.TICKET, reason)


def _volume(rows: int, expected: float | None, policy: Policy, when: str) -> Problem | None:
    if expected is None or expected <= 0 or rows >= policy.min_volume * expected:
        return None
    # At low traffic an empty window may be chance: the lower Poisson tail of the expected rows.
    if float(scipy.special.pdtr(rows, expected)) > CHANCE:
        return None
    usual = f"about {expected:.0f} expected on this weekday"
    if rows == 0:
        reason = f"no rows{when}, {usual}; check the log collector and the callers"
        return Problem(Kind.NO_ROWS, (), Severity.PAGE, reason)
    reason = f"{rows} rows{when}, {usual} ({percent(rows / expected)})"
    return Problem(Kind.LOW_VOLUME, (), Severity.TICKET, reason)


def _of(names: Sequence[str], total: int) -> str:
    return f"{len(names)} of {total} features"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
