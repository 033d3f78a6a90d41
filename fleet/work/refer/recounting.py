"""Counts under one ruler: as stored, or counted again from the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.blobs import Blobs
from fleet.work import rows
from monitoring.drift import segments
from monitoring.drift.ruler import Ruler


def counts_of(
    blobs: Blobs,
    ruler: Ruler,
    names: Iterable[str],
    behind: Mapping[str, str],
    levels: segments.Levels,
) -> tuple[list[segments.Segmented], int]:
    """Return sketches as counts under `ruler`, and the number left out for lack of rows.

    behind: the blob of rows by the name of the sketch, for those that may be of another ruler.
    """
    found: list[segments.Segmented] = []
    lost = 0
    for name in names:
        one: segments.Segmented | None = segments.from_bytes(blobs.get(name))
        if one is not None and one[None].ruler != ruler.id:
            one = recounted(blobs, ruler, behind.get(name, ""), levels)
        if one is None:
            lost += 1
        else:
            found.append(one)
    return found, lost


def recounted(
    blobs: Blobs, ruler: Ruler, behind: str, levels: segments.Levels
) -> segments.Segmented | None:
    """Count the rows of a blob under `ruler`; None where no rows are kept."""
    return segments.sketch_all(rows.get(blobs, behind), ruler, levels) if behind else None


def told(foreign: int, what: str) -> str:
    """Return a note on what was left out; empty where nothing was.

    >>> told(2, "batches")
    '2 batches are left out: they were counted with other bins, and their rows are not kept'
    """
    if not foreign:
        return ""
    verb = "are" if foreign > 1 else "is"
    they = "they were counted" if foreign > 1 else "it was counted"
    return f"{foreign} {what} {verb} left out: {they} with other bins, and their rows are not kept"
