"""A window and the counts it is compared with, over all rows and by segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.blobs import Blobs
from fleet.document.policies import Watched
from fleet.model.tasks import Assess
from fleet.work.assess.comparing import Against, against
from fleet.work.refer.recounting import counts_of, told
from fleet.work.refer.referencing import Reference, load_levels
from monitoring.drift import segments
from monitoring.drift.assessment import assess_segments
from monitoring.drift.report import Report
from monitoring.drift.ruler import Ruler
from monitoring.drift.segments import Segmented
from monitoring.drift.sketch import empty
from monitoring.drift.verdict import Policy


@dataclass(frozen=True)
class Held:
    """One window, alone and merged with those before it; by segment, None for all rows.

    `notes` name the requested segments that do not exist.
    """

    ruler: Ruler
    current: Segmented
    merged: Segmented
    sides: Mapping[str | None, Against]
    notes: tuple[str, ...] = ()

    def alone(self, policy: Policy) -> Report:
        """Judge the window alone, all segments as one family."""
        totals = {name: side.total for name, side in self.sides.items()}
        slices = {name: side.slices for name, side in self.sides.items()}
        return assess_segments(self.ruler, totals, self.current, policy, slices)

    def together(self, policy: Policy) -> Report:
        """Judge the merged windows; only the effect is used, which needs no design effects."""
        totals = {name: side.together for name, side in self.sides.items()}
        return assess_segments(self.ruler, totals, self.merged, policy)

    @property
    def usual(self) -> Segmented:
        """The counts that the window alone is compared with."""
        return {name: side.total for name, side in self.sides.items()}


def hold(blobs: Blobs, watched: Watched, effect: Assess, reference: Reference) -> Held:
    """Sum the window's sketches and choose the reference counts of each segment."""
    ruler = reference.ruler
    levels = load_levels(blobs, effect.reference, watched.policy.drift)
    own, lost = counts_of(blobs, ruler, effect.sketches, effect.rows, levels)
    before, gone = counts_of(blobs, ruler, effect.before, effect.rows, levels)
    current = segments.merge_all(ruler, own)
    merged = segments.merge_all(ruler, [current, *before])
    wanted = segments.names_of(levels)
    parts: dict[str | None, Reference] = {None: reference}
    parts |= {name: reference.parts[name] for name in wanted if name in current}
    none = empty(ruler)
    sides = {}
    for name, part in parts.items():
        earlier = [one.get(name, none) for one in before]
        sides[name] = against(_of(watched, name), effect, part, current[name], earlier)
    notes = [
        f"no segments of {name}: it is not categorical in the reference, or the reference was made "
        "before this segment was configured"
        for name in watched.policy.drift.segments
        if name not in levels
    ]
    notes += [told(lost, "batches"), told(gone, "days before")]
    if wanted and len(parts) == 1:
        notes.append("no segments: the window was counted before segments were configured")
    return Held(
        ruler,
        {name: current[name] for name in parts},
        {name: merged[name] for name in parts},
        sides,
        tuple(filter(None, notes)),
    )


def _of(watched: Watched, segment: str | None) -> Watched:
    """Return the model with the calendar of a segment's own country."""
    if segment is None:
        return watched
    return replace(watched, calendar=watched.calendar.for_segment(segment))
