"""The report of `driftwarden check` as JSON, written one feature at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from json.encoder import encode_basestring

from monitoring.drift.histogram import Histogram
from monitoring.drift.report import FeatureReport, Report

#: Marks where lists are inserted. JSON strings hold no line break, so that no text can match.
NO_FEATURES = '\n  "features": []'
NO_BINS = '\n      "bins": []'


def spelled(report: Report) -> Iterator[str]:
    """Yield parts of what `json.dumps` makes of `report.to_json()` with an indent of 2.

    A hundred segments have millions of bins: their text as a whole takes a gigabyte, and the
    standard encoder takes ten times as long to indent them.
    """
    head, place, foot = _dumped(report.heading() | {"features": []}).partition(NO_FEATURES)
    yield head
    if not report.features:
        yield place
    opening = place.removesuffix("]")
    for feature in report.features:
        yield f"{opening}\n    {_feature(feature)}"
        opening = ","
    yield f"\n  ]{foot}" if report.features else foot


def _feature(feature: FeatureReport) -> str:
    bare = replace(feature, bins=Histogram.of()).to_json()
    head, place, foot = _dumped(bare).replace("\n", "\n    ").partition(NO_BINS)
    bins = ",".join([_bin(*one) for one in zip(*feature.bins.columns(), strict=True)])
    return f"{head}{place.removesuffix(']')}{bins}\n      ]{foot}" if bins else head + place + foot


def _bin(label: str, reference: int, current: int) -> str:
    return (
        f'\n        {{\n          "label": {encode_basestring(label)},'
        f'\n          "reference": {reference},\n          "current": {current}\n        }}'
    )


def _dumped(document: object) -> str:
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
