"""The page of `driftwarden check`: the table of all features, and distributions of the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.bars import Bar, bars, longest
from monitoring.drift.report import FeatureReport, Report
from monitoring.drift.telling import Group, effect, left_out, missing, moved, ranked, summary
from monitoring.drift.verdict import Policy, Verdict
from monitoring.drift.wording import counted, printable, probability, size

DRAWN = 200


@dataclass(frozen=True)
class Row:
    """One feature as text; `place` is its rank, from 0; `moved` is empty where nothing is known."""

    place: int
    name: str
    kind: str
    verdict: str
    moved: tuple[str, ...]
    effect: str
    p: str
    q: str
    missing: str
    psi: str
    js: str
    reason: str


@dataclass(frozen=True)
class Drawing:
    """Both distributions of one feature; a share of `whole` is a bar of full length."""

    row: Row
    bars: tuple[Bar, ...]
    whole: float


@dataclass(frozen=True)
class View:
    """The values that the template shows."""

    verdict: str
    summary: str
    sides: tuple[str, str]
    threshold: str
    policy: Policy
    rows: tuple[Row, ...]
    drawings: tuple[Drawing, ...]
    not_drawn: str
    left_out: Mapping[str, tuple[Group, ...]]


def view(report: Report, sides: tuple[str, str]) -> View:
    """Lay a report out, the worst features first; 200 are drawn.

    sides: names of the reference and of the current rows.
    """
    features = ranked(report.features)
    rows = tuple(_row(place, one) for place, one in enumerate(features))
    drawings = tuple(map(_drawing, rows, features[:DRAWN]))
    more = len(rows) - len(drawings)
    return View(
        verdict=report.verdict,
        summary=summary(report),
        sides=(printable(sides[0]), printable(sides[1])),
        threshold=_threshold(features),
        policy=Policy(),
        rows=rows,
        drawings=drawings,
        not_drawn=counted(more, "feature") if more else "",
        left_out=left_out(report),
    )


def _threshold(features: Sequence[FeatureReport]) -> str:
    thresholds = {f"{one.threshold:g}" for one in features}
    return thresholds.pop() if len(thresholds) == 1 else "its threshold"


def _row(place: int, feature: FeatureReport) -> Row:
    judged = feature.verdict is not Verdict.INSUFFICIENT
    return Row(
        place=place,
        name=printable(feature.where),
        kind=feature.kind,
        verdict=feature.verdict,
        moved=tuple(map(str, moved(feature))) if judged else (),
        effect=size(effect(feature)),
        p=probability(feature.p_value),
        q=probability(feature.q_value),
        missing=missing(feature),
        psi=size(feature.psi),
        js=size(feature.js),
        reason=printable(feature.reason),
    )


def _drawing(row: Row, feature: FeatureReport) -> Drawing:
    drawn = bars(feature)
    return Drawing(row, drawn, longest(drawn))
