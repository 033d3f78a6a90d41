"""Evidence of slow drift over the days before a window, each against its own reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet.document.policies import Watched
from fleet.model.tasks import Assess
from fleet.work.assess.comparing import Against, against
from fleet.work.refer.referencing import Reference
from monitoring.drift.accumulate import Held, evidence
from monitoring.drift.sketch import Sketch


def accumulated(
    past: Mapping[str, Sketch],
    watched: Watched,
    effect: Assess,
    reference: Reference,
    current: Sketch,
    side: Against,
) -> dict[str, float]:
    """Return the evidence by feature, from the window and the earlier days with the same bins.

    Days of announced events are left out.
    """
    special = effect.special
    windows = [(day, one) for day, one in past.items() if day not in special]
    if effect.event is None:
        windows.append((effect.window, current))
    sums: dict[tuple[int, ...], Sketch] = {}
    held = []
    for day, one in windows:
        own = against(watched, replace(effect, window=day, days=()), reference, one, ())
        # Days of one class share their slices, and so their reference.
        held.append(Held(one, sums.setdefault(tuple(map(id, own.slices)), own.total)))
    found = evidence(reference.ruler, held, side.slices)
    return dict(zip(reference.ruler.features, found.tolist(), strict=True))
