"""Assess one window against a reference: from two sketches to a report on every feature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from monitoring.drift.histogram import Histogram
from monitoring.drift.interval import intervals
from monitoring.drift.report import Calibration, FeatureReport, Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.ruling import Evidence, reason, rule
from monitoring.drift.scoring import Numbers, join, score
from monitoring.drift.significance import MIN_SLICES
from monitoring.drift.sketch import Counts, Sketch, empty
from monitoring.drift.verdict import Policy, Verdict, worst
from monitoring.schema import Kind


def assess(
    ruler: Ruler,
    reference: Sketch,
    current: Sketch,
    policy: Policy,
    slices: Sequence[Sketch] = (),
    changed: Mapping[str, str] | None = None,
) -> Report:
    """Judge one window.

    slices: sketches of parts of the reference, each as long as the window, from which the design
    effects are estimated. With fewer than 8 the report is uncalibrated, as it is for a window of
    more rows than the longest slice and than an eighth of all slices together.
    changed: reason by feature that could not be counted in the current window at all (absent, or
    of another kind): drifted, with no numbers.
    """
    return assess_segments(
        ruler, {None: reference}, {None: current}, policy, {None: slices}, changed
    )


def assess_segments(
    ruler: Ruler,
    reference: Mapping[str | None, Sketch],
    current: Mapping[str | None, Sketch],
    policy: Policy,
    slices: Mapping[str | None, Sequence[Sketch]] | None = None,
    changed: Mapping[str, str] | None = None,
) -> Report:
    """Judge one window overall (None) and per segment, as one family of tests.

    A segment's design effects come from `slices` of its own: days may differ in a segment
    and not in the total. Where fewer than 8 of them have rows, those of all rows are taken.
    """
    changed, slices = changed or {}, slices or {}
    none = empty(ruler)
    names = sorted({*reference, *current}, key=lambda name: (name is not None, name or ""))
    sides = [[side.get(name, none) for name in names] for side in (reference, current)]
    features = _features(ruler, names, sides, policy, slices, changed)
    return Report(
        worst([feature.verdict for feature in features]),
        sides[0][0].rows,
        sides[1][0].rows,
        ruler.ignored,
        features,
        _calibration(max(side.rows for side in sides[1]), slices.get(None, ())),
        ruler.format,
    )


def _features(
    ruler: Ruler,
    names: Sequence[str | None],
    sides: Sequence[Sequence[Sketch]],
    policy: Policy,
    slices: Mapping[str | None, Sequence[Sketch]],
    changed: Mapping[str, str],
) -> tuple[FeatureReport, ...]:
    """Report on every feature in every segment of `names`; `sides`: reference, then current."""
    a, c = (np.stack([one.counts for one in side]) for side in sides)
    # One pair at a time: an array of all bins of all pairs would be large.
    pairs = [(a[row : row + 1], c[row : row + 1]) for row in range(len(names))]
    scores = join(
        [
            score(ruler, *pair, _slices(slices, segment))
            for pair, segment in zip(pairs, names, strict=True)
        ]
    )
    countable = np.array([name not in changed for name in ruler.features], np.bool_)
    rulings = rule(ruler, (a, c), scores, policy, countable, together=True)
    ends = np.concatenate([intervals(ruler, *pair) for pair in pairs], axis=1)
    return tuple(
        _changed((name, segment), ruler, a[row], policy, changed[name])
        if name in changed
        else _feature(
            (name, segment),
            ruler,
            (a[row], c[row]),
            ends[:, row, index].tolist(),
            (rulings.at(row, index), scores.at(row, index), float(rulings.q[row, index])),
            policy,
        )
        for row, segment in enumerate(names)
        for index, name in enumerate(ruler.features)
    )


def _slices(slices: Mapping[str | None, Sequence[Sketch]], segment: str | None) -> Counts | None:
    own = [one.counts for one in slices.get(segment, ()) if one.rows or segment is None]
    if len(own) >= MIN_SLICES:
        return np.stack(own)
    return None if segment is None else _slices(slices, None)


def _calibration(rows: int, slices: Sequence[Sketch]) -> Calibration:
    if not slices:
        return Calibration.ROWS
    lengths = [one.rows for one in slices]
    # Differences between days weigh more in a longer window, by an amount that slices do not show.
    longest = max(*lengths, sum(lengths) / MIN_SLICES)
    usable = len(slices) >= MIN_SLICES and rows <= longest
    return Calibration.SLICES if usable else Calibration.UNCALIBRATED


def _feature(
    key: tuple[str, str | None],
    ruler: Ruler,
    sides: tuple[Counts, Counts],
    ends: tuple[float, float],
    found: tuple[Verdict, Numbers, float],
    policy: Policy,
) -> FeatureReport:
    name, segment = key
    verdict, numbers, q = found
    start, bins = ruler.starts[name], ruler.features[name]
    end = start + bins.size
    a, c = (side[start:end] for side in sides)
    there, missing = (int(a.sum()), int(c.sum())), (int(sides[0][end]), int(sides[1][end]))
    threshold = policy.threshold_of(name)
    once = int((a == 1).sum()) if bins.kind is Kind.CATEGORICAL else 0
    evidence = Evidence(there, missing, numbers, q, once)
    return FeatureReport(
        name=name,
        segment=segment,
        kind=bins.kind,
        bins=Histogram.under(bins, a, c),
        n_reference=there[0],
        n_current=there[1],
        missing_reference=missing[0],
        missing_current=missing[1],
        psi=_known(numbers.psi),
        kl=_known(numbers.kl),
        js=_known(numbers.js),
        effect=_known(numbers.effect),
        p_value=_known(numbers.p),
        q_value=_known(q),
        threshold=threshold,
        verdict=verdict,
        reason=reason(verdict, evidence, policy, threshold),
        missing_effect=_known(numbers.missing_effect),
        interval=None if math.isnan(ends[0]) else (ends[0], ends[1]),
    )


def _changed(
    key: tuple[str, str | None], ruler: Ruler, counts: Counts, policy: Policy, reason: str
) -> FeatureReport:
    name, segment = key
    start, bins = ruler.starts[name], ruler.features[name]
    reference = counts[start : start + bins.size]
    return FeatureReport(
        name=name,
        segment=segment,
        kind=bins.kind,
        bins=Histogram.under(bins, reference, np.zeros_like(reference)),
        n_reference=int(reference.sum()),
        n_current=None,
        missing_reference=int(counts[start + bins.size]),
        missing_current=None,
        psi=None,
        kl=None,
        js=None,
        effect=None,
        p_value=None,
        q_value=None,
        threshold=policy.threshold_of(name),
        verdict=Verdict.DRIFTED,
        reason=reason,
    )


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None
