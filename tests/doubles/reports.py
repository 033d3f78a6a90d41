"""Reports of a check, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monitoring.drift.histogram import BinCount, Histogram
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.verdict import Verdict, worst
from monitoring.schema import Ignored, Kind

#: Names that a table or a page may stumble over.
HOSTILE = (
    "[bold]loud[/bold]",
    "[/]",
    ":smile:",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&amp; {{ view }} {% raw %}",
    "two\nlines\r\tand \x1b[31mred\x00",
    "👩‍👩‍👧 family 🎉",
    "日本語の列名がとても長いので切らなければならない",
    "\u202egnorw eht daer",
    "عمر العميل",
    "é" * 300,
    "x" * 299 + "a",
    "x" * 299 + "b",
    "",
    " ",
)


def feature(name: str = "income", verdict: Verdict = Verdict.STABLE, **given: Any) -> FeatureReport:
    """A categorical feature of three levels, 1,000 rows against 500; `given` replaces fields."""
    bins = (BinCount("<20K", 500, 250), BinCount("60K+", 400, 125), BinCount("rest", 100, 125))
    histogram = Histogram.of(*given.pop("bins", bins))
    known: dict[str, Any] = {
        "segment": None, "kind": Kind.CATEGORICAL, "bins": histogram, "n_reference": 1000,
        "n_current": 500, "missing_reference": 0, "missing_current": 0, "psi": 0.25, "kl": 0.1,
        "js": 0.2, "effect": 0.24, "p_value": 1.2e-45, "q_value": 3.4e-44, "threshold": 0.1,
        "reason": "effect 0.24 reaches the threshold 0.1", "missing_effect": 0.0, **given,
    }  # fmt: skip
    return FeatureReport(name=name, verdict=verdict, **known)


def unjudged(
    name: str, reason: str = "9 non-missing rows on the current side, 30 are needed"
) -> FeatureReport:
    """A feature without a verdict."""
    none = dict.fromkeys(("psi", "kl", "js", "effect", "p_value", "q_value"))
    return feature(name, Verdict.INSUFFICIENT, reason=reason, **none)


def report(
    features: Sequence[FeatureReport],
    ignored: Sequence[tuple[str, str]] = (),
    not_compared: Sequence[tuple[str, str]] = (),
) -> Report:
    """The report of these features on 1,000 and 500 rows."""
    return Report(
        worst([one.verdict for one in features]),
        1000,
        500,
        tuple(Ignored(*pair) for pair in ignored),
        tuple(features),
        not_compared=tuple(Ignored(*pair) for pair in not_compared),
    )
