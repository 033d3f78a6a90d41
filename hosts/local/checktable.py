"""The report of `driftwarden check` as a table for people."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.verdict import Verdict

COLOURS = {
    Verdict.DRIFTED: "bold red",
    Verdict.DRIFTING: "yellow",
    Verdict.STABLE: "green",
    Verdict.INSUFFICIENT: "dim",
}
RANK = {verdict: rank for rank, verdict in enumerate(COLOURS)}
PLAIN_WIDTH = 140


def show(report: Report) -> None:
    """Print the report, the worst features first; wide when the output is not a terminal."""
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    segmented = any(feature.segment is not None for feature in report.features)
    table = Table(box=None, pad_edge=False)
    for title in ("feature", *(["segment"] if segmented else []), "verdict"):
        table.add_column(title, overflow="fold")
    for title in ("psi", "effect", "js", "q", "missing %"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for feature in sorted(report.features, key=_order):
        segment = [escape(feature.segment or "(all)")] if segmented else []
        table.add_row(escape(feature.name), *segment, *_cells(feature))
    console.print(table)
    for ignored in report.ignored:
        console.print(f"[dim]ignored {escape(ignored.name)}: {escape(ignored.reason)}[/]")
    console.print(
        f"[{COLOURS[report.verdict]}]{report.verdict}[/]: {report.n_reference:,} reference rows, "
        f"{report.n_current:,} current rows, {len(report.features)} features judged",
        highlight=False,
    )


def _order(feature: FeatureReport) -> tuple[int, float]:
    return RANK[feature.verdict], -(feature.effect or 0.0)


def _cells(feature: FeatureReport) -> list[str]:
    numbers = (feature.psi, feature.effect, feature.js, feature.q_value)
    return [
        f"[{COLOURS[feature.verdict]}]{feature.verdict}[/]",
        *("" if number is None else f"{number:.3g}" for number in numbers),
        _missing(feature),
        escape(feature.reason),
    ]


def _missing(feature: FeatureReport) -> str:
    shares = [
        "–" if missing is None or present is None else _percent(missing, present)
        for missing, present in (
            (feature.missing_reference, feature.n_reference),
            (feature.missing_current, feature.n_current),
        )
    ]
    return shares[0] if shares[0] == shares[1] else " → ".join(shares)


def _percent(missing: int, present: int) -> str:
    return f"{100 * missing / max(missing + present, 1):.3g}"
