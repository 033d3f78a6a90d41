"""The report of `driftwarden check` as a table: one line per feature, omissions, next step."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from commands.check import notes
from commands.check.rows import COLOURS, lay_out
from monitoring.drift.report import Report
from monitoring.drift.telling import ranked, summary
from monitoring.drift.verdict import Verdict

PLAIN_WIDTH = 140


def show(report: Report, page: Path | None = None) -> None:
    """Print the report; 140 columns wide when the output is not a terminal.

    page: where the report is drawn, if it is.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Not every encoding has arrows and all letters.
        sys.stdout.reconfigure(errors="backslashreplace")
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else PLAIN_WIDTH, highlight=False)
    judged = [one for one in ranked(report.features) if one.verdict is not Verdict.INSUFFICIENT]
    told = notes.without_verdict(report)
    if judged:
        titles, lines = lay_out(judged, console.width)
        console.print(Text("\n").join(lines), no_wrap=True, overflow="ignore", crop=False)
        told = [*notes.legend(judged, titles), *told]
    for note in told:
        # A sentence is one line in a pipe, and wrapped at words in a terminal.
        console.print(Text(note, "dim"), soft_wrap=not terminal)
    what_next = notes.next_step(report, judged[0] if judged else None, page)
    last = Text(("\n" if terminal else " ").join([f"{summary(report)}.", what_next]))
    last.stylize(COLOURS[report.verdict], 0, len(report.verdict))
    console.print(last, soft_wrap=not terminal)
