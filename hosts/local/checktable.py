"""The report of `driftwarden check` for people: one line a feature, however narrow the terminal."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hosts.local import checknotes
from hosts.local.shortening import shorten, shorten_all
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.telling import (
    Moved,
    effect,
    missing,
    moved,
    printable,
    probability,
    ranked,
    size,
    summary,
)
from monitoring.drift.verdict import Verdict
from monitoring.schema import Kind

COLOURS = {
    Verdict.DRIFTED: "bold red",
    Verdict.DRIFTING: "yellow",
    Verdict.STABLE: "green",
    Verdict.INSUFFICIENT: "dim",
}
PLAIN_WIDTH = 140
GAP = 2
FEATURE, SEGMENT, VERDICT, MOVED = "feature", "segment", "verdict", "what moved"
#: Columns in the order of their worth; from the first that has no room on, none is shown.
WORTH = (FEATURE, VERDICT, SEGMENT, MOVED, "effect", "p", "missing", "psi", "js", "q")
#: Columns that give way, and the width to which each is cut before others are left out.
LEAST = {FEATURE: 14, SEGMENT: 10, MOVED: 22}
#: Up to this width an interval of numbers, which is wrong when its middle is cut out, stays whole.
UNCUT = 36
#: Columns that get what room is left, one after the other, and up to which width.
MORE = ((FEATURE, 32), (SEGMENT, 20), (MOVED, 200), (FEATURE, 400), (SEGMENT, 400))
LEFT = (FEATURE, SEGMENT, VERDICT, MOVED)
Cells = dict[str, str]


def show(report: Report, page: Path | None = None) -> None:
    """Print the report; 140 columns wide when the output is not a terminal.

    page: where the report is drawn, if it is.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Not every encoding has arrows and the letters of every name.
        sys.stdout.reconfigure(errors="backslashreplace")
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PLAIN_WIDTH, highlight=False)
    notes = []
    judged = [one for one in ranked(report.features) if one.verdict is not Verdict.INSUFFICIENT]
    if judged:
        table = _table(judged, console.width)
        console.print(table)
        notes.append(checknotes.legend(judged, [str(column.header) for column in table.columns]))
    for note in filter(None, (*notes, *checknotes.without_verdict(report))):
        # A sentence is one line for other programs, and broken at words for people.
        console.print(Text(note, "dim"), soft_wrap=not terminal)
    what_next = checknotes.next_step(report, judged[0] if judged else None, page)
    between = "\n" if terminal else " "
    last = Text(f"{summary(report)}.{between}{what_next}")
    last.stylize(COLOURS[report.verdict], 0, len(report.verdict))
    console.print(last, soft_wrap=not terminal)


def _table(features: Sequence[FeatureReport], width: int) -> Table:
    rows = [_cells(one) for one in features]
    segmented = any(one.segment is not None for one in features)
    titles = [title for title in WORTH if segmented or title != SEGMENT]
    numeric = (one for one in features if one.kind is Kind.NUMERIC and one.n_current is not None)
    intervals = [cell_len(phrase) for one in numeric for phrase in _phrases(one)[:1]]
    widths = _widths(rows, titles, width, min(max(intervals, default=0), UNCUT))
    for title in {FEATURE, SEGMENT} & widths.keys():
        short = shorten_all([row[title] for row in rows], widths[title])
        for row in rows:
            row[title] = short[row[title]]
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0))
    # The text with a ragged end stands last.
    shown = sorted(widths, key=lambda title: title == MOVED)
    for title in shown:
        justify: Literal["left", "right"] = "left" if title in LEFT else "right"
        table.add_column(title, justify=justify, no_wrap=True, width=widths[title])
    for feature, row in zip(features, rows, strict=True):
        row[MOVED] = _moved(feature, widths.get(MOVED, 1))
        colour = COLOURS[feature.verdict]
        styles = {VERDICT: colour, MOVED: "dim" if feature.verdict is Verdict.STABLE else ""}
        table.add_row(*(Text(row[title], styles.get(title, "")) for title in shown))
    return table


def _cells(feature: FeatureReport) -> Cells:
    return {
        FEATURE: printable(feature.name),
        SEGMENT: "(all)" if feature.segment is None else printable(feature.segment),
        VERDICT: feature.verdict,
        MOVED: ", ".join(_phrases(feature)),
        "effect": size(effect(feature)),
        "p": probability(feature.p_value),
        "missing": missing(feature),
        "psi": size(feature.psi),
        "js": size(feature.js),
        "q": probability(feature.q_value),
    }


def _widths(rows: Sequence[Cells], titles: Sequence[str], width: int, uncut: int) -> dict[str, int]:
    """Choose the columns that have room, and the width of each."""
    wanted = {**LEAST, MOVED: max(LEAST[MOVED], uncut)}
    whole = {
        title: max(cell_len(title), *(cell_len(row[title]) for row in rows)) for title in titles
    }
    found: dict[str, int] = {}
    room = width
    for title in titles:
        if found and min(whole[title], LEAST.get(title, width)) > room:
            break
        found[title] = min(whole[title], wanted.get(title, width), max(room, 1))
        room -= found[title] + GAP
    room += GAP
    for title, most in MORE:
        more = min(room, min(whole.get(title, 0), most) - found.get(title, most))
        if more > 0:
            found[title] += more
            room -= more
    return found


def _phrases(feature: FeatureReport) -> list[str]:
    """What moved most; where one side cannot be counted, why."""
    if feature.n_current is None:
        return [printable(feature.reason).removeprefix("the column ").removeprefix("is ")]
    return [str(one) for one in moved(feature)]


def _moved(feature: FeatureReport, room: int) -> str:
    """As much of what moved as has room; names of cells are cut, the first one's shares are not."""
    phrases = _phrases(feature)
    if cell_len(", ".join(phrases)) <= room:
        return ", ".join(phrases)
    largest = next(iter(moved(feature)), None)
    if largest is None:
        return shorten(phrases[0], room)
    told = str(largest)
    if cell_len(told) > room:
        label = shorten(largest.cell, max(room - cell_len(largest.shares) - 2, 1))
        told = shorten(str(Moved(label, largest.shares)), room)
    for phrase in phrases[1:]:
        if cell_len(f"{told}, {phrase}") > room:
            break
        told = f"{told}, {phrase}"
    return told
