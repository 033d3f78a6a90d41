"""Leave out what is odd of an answer of the metrics query service; the rest of it is used.

The SDK raises on a time that is no instant, and takes any value for a number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

AGGREGATIONS = ("average", "maximum", "minimum", "total", "count")


def without_odd(document: Mapping[str, Any]) -> int:
    """Remove the series and the points that cannot be read, in place; return their number."""
    odd = 0
    for result in document["values"]:
        for metric in result["value"]:
            given = metric.get("timeseries") or []
            metric["timeseries"] = kept = [one for one in given if _is_series(one)]
            odd += len(given) - len(kept)
            for series in kept:
                points = series.get("data") or []
                series["data"] = [one for one in points if _is_point(one)]
                odd += len(points) - len(series["data"])
    return odd


def _is_series(series: object) -> bool:
    if not isinstance(series, dict):
        return False
    names = series.get("metadatavalues") or []
    series["metadatavalues"] = names
    return (
        isinstance(series.get("data") or [], list)
        and isinstance(names, list)
        and all(
            isinstance(one, Mapping)
            and isinstance(one.get("name"), Mapping)
            and isinstance(one["name"].get("value"), str)
            for one in names
        )
    )


def _is_point(point: object) -> bool:
    if not isinstance(point, Mapping) or not _is_instant(point.get("timeStamp")):
        return False
    return all(_is_number(point[name]) for name in AGGREGATIONS if point.get(name) is not None)


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
