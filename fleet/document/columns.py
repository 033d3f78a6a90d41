"""The columns of a model's rows that fleet.yaml names."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.document.policies import Watched
from fleet.document.text import Path


def named_columns(watched: Watched) -> Iterator[tuple[Path, str]]:
    """Yield each column with the place below `models.NAME` where it is named."""
    policy = watched.policy
    for name in policy.drift.features:
        yield ("drift", "features", name), name
    for place, name in enumerate(policy.drift.segments):
        yield ("drift", "segments", place), name
    for place, name in enumerate(policy.performance.segments):
        yield ("performance", "segments", place), name
    for name in policy.quality.ranges:
        yield ("quality", "ranges", name), name
    if policy.labels.segment is not None:
        yield ("labels", "segment"), policy.labels.segment
