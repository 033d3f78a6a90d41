"""Text of a report: moved cells, columns left out, and a summary sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.verdict import SEVERITY, Verdict
from monitoring.drift.why import MISSING, moves
from monitoring.drift.wording import cell, counted, percent, printable, shares
from monitoring.schema import Ignored

WORST_FIRST = (*reversed(SEVERITY), Verdict.INSUFFICIENT)


@dataclass(frozen=True)
class Moved:
    """One cell's name and its shares on both sides, written `10.3 % → 1.8 %`."""

    cell: str
    shares: str

    def __str__(self) -> str:
        """Return both; a name that is a number is separated from the share by a colon.

        >>> str(Moved("60K+", "10 % → 2.0 %")), str(Moved("> 3", "10 % → 2.0 %"))
        ('60K+ 10 % → 2.0 %', '> 3: 10 % → 2.0 %')
        """
        return f"{self.cell}{':' if self.cell[-1:].isdigit() else ''} {self.shares}"


@dataclass(frozen=True)
class Group:
    """Columns that are left out for the same reason."""

    reason: str
    names: tuple[str, ...]


def ranked(features: Sequence[FeatureReport]) -> list[FeatureReport]:
    """The worst verdict first, then the largest effect."""
    return sorted(features, key=lambda one: (WORST_FIRST.index(one.verdict), -(effect(one) or 0.0)))


def effect(feature: FeatureReport) -> float | None:
    """The effect behind a verdict, as a psi: of the values or of the missing share."""
    found = feature.verdict in (Verdict.DRIFTED, Verdict.DRIFTING)
    return feature.larger_effect if found else feature.effect


def moved(feature: FeatureReport) -> tuple[Moved, ...]:
    """The cells with the largest change, largest first; none where one side cannot be counted."""
    if feature.n_current is None:
        return ()
    return tuple(
        Moved(
            move.label if move.label == MISSING else cell(move.label, feature.kind),
            shares(move.reference_share, move.current_share),
        )
        for move in moves(feature)
    )


def missing(feature: FeatureReport) -> str:
    """The missing share of both sides as text; only one where they are equal."""
    sides = (
        (feature.missing_reference, feature.n_reference),
        (feature.missing_current, feature.n_current),
    )
    told = [
        "–" if gone is None or there is None else percent(gone / max(gone + there, 1))
        for gone, there in sides
    ]
    return told[0] if told[0] == told[1] else " → ".join(told)


def groups(columns: Sequence[Ignored]) -> tuple[Group, ...]:
    """Group columns by reason, the largest group first."""
    by_reason: dict[str, list[str]] = {}
    for column in columns:
        by_reason.setdefault(column.reason, []).append(printable(column.name))
    found = [Group(printable(reason), tuple(names)) for reason, names in by_reason.items()]
    return tuple(sorted(found, key=lambda group: -len(group.names)))


def left_out(report: Report) -> dict[str, tuple[Group, ...]]:
    """The columns without a verdict, by reason; empty groups are left out."""
    unjudged = [
        Ignored(one.where, one.reason)
        for one in report.features
        if one.verdict is Verdict.INSUFFICIENT
    ]
    found = {
        "could not be judged": groups(unjudged),
        "not compared": groups(report.not_compared),
        "ignored": groups(report.ignored),
    }
    return {what: those for what, those in found.items() if those}


def summary(report: Report) -> str:
    """One sentence: verdict, what could not be judged, rows, features by verdict."""
    unjudged = len(report.unjudged)
    hidden = f", {counted(unjudged, 'feature')} could not be judged" if unjudged else ""
    return (
        f"{report.verdict}{hidden}: {counted(report.n_reference, 'reference row')}, "
        f"{counted(report.n_current, 'current row')}, {_judged(report)}"
    )


def _judged(report: Report) -> str:
    overall = [one.verdict for one in report.features if one.segment is None]
    inside = [one.verdict for one in report.features if one.segment is not None]
    number, told = _tally(overall)
    words = f"{counted(number, 'feature')} judged{told}"
    number, told = _tally(inside)
    return f"{words} and {number:,} in segments{told}" if inside else words


def _tally(verdicts: Sequence[Verdict]) -> tuple[int, str]:
    """The number of judged features, and the number by verdict in brackets."""
    counts = Counter(verdicts)
    told = [f"{counts[verdict]:,} {verdict}" for verdict in reversed(SEVERITY) if counts[verdict]]
    return sum(counts[verdict] for verdict in SEVERITY), f" ({', '.join(told)})" if told else ""
