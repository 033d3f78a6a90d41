"""The notes below the table of `driftwarden check`: legend, omissions, next step."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from commands.check.shortening import shorten
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.telling import Group, left_out
from monitoring.drift.verdict import Policy, Verdict
from monitoring.drift.wording import counted, printable

LEGEND = {
    "effect": "effect: psi less its mean without drift, drifting from {floor:g}, "
    "drifted from {threshold} on",
    "p": "p: probability of a difference at least this large by chance",
    "q": "q: p corrected for the number of features, flagged up to {fdr:g}",
    "what moved": "what moved: shares of rows, reference → current",
}
MOST_NAMES = 4
MOST_GROUPS = 5
NAME_ROOM = 40
REASON_ROOM = 100


def legend(features: Sequence[FeatureReport], titles: Sequence[str]) -> list[str]:
    """Explain the columns of the table that need it, in one line if there are any."""
    thresholds = {f"{one.threshold:g}" for one in features}
    threshold = thresholds.pop() if len(thresholds) == 1 else "its threshold"
    lines = [text for title, text in LEGEND.items() if title in titles]
    policy = Policy()
    told = "; ".join(lines).format(threshold=threshold, floor=policy.floor, fdr=policy.fdr)
    return [told] if told else []


def without_verdict(report: Report) -> list[str]:
    """Return one line for each reason of no verdict; of many columns it names a few."""
    return [f"{what}: {_few(groups)}" for what, groups in left_out(report).items()]


def next_step(report: Report, worst: FeatureReport | None, page: Path | None) -> str:
    """Return the next step.

    worst: the first of the features that could be judged; page: where the report is drawn.
    """
    if worst is None:
        return f"Needed: a column in common with {Policy().min_rows} values or more on both sides"
    if worst.verdict is Verdict.STABLE:
        return (
            "The features that could not be judged are listed above"
            if report.unjudged
            else "No action needed"
        )
    name = printable(worst.name)
    shown = shorten(name, NAME_ROOM)
    if page is not None:
        return f"Look at {shown} in {page}"
    # `--features` splits at commas, and a shell may not pass every character.
    plain = shown == worst.name and not set(name) & set(',"')
    only = f" --features {shlex.quote(name)}" if plain else ""
    return f"Look at {shown}: driftwarden check …{only} --html page.html"


def _few(groups: Sequence[Group]) -> str:
    told = []
    for group in groups[:MOST_GROUPS]:
        names = ", ".join(shorten(name, NAME_ROOM) for name in group.names[:MOST_NAMES])
        more = len(group.names) - MOST_NAMES
        others = f" and {more:,} more" if more > 0 else ""
        told.append(f"{names}{others} ({shorten(group.reason, REASON_ROOM)})")
    left = sum(len(group.names) for group in groups[MOST_GROUPS:])
    if left:
        told.append(f"and {counted(left, 'other')} (--json names all)")
    return ", ".join(told)
