"""Everything that one window is judged by, read from its blobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.blobs import Blobs
from fleet.document.policies import Watched
from fleet.model.tasks import Assess
from fleet.work.assess.accumulating import accumulated
from fleet.work.assess.adapting import Adapted, adapted
from fleet.work.assess.comparing import Against
from fleet.work.assess.sides import Held, hold
from fleet.work.refer.referencing import Reference, load
from monitoring.drift.ruler import FORMAT, Ruler
from monitoring.drift.segments import Segmented, from_bytes
from monitoring.drift.sketch import Sketch
from monitoring.drift.verdict import Policy


@dataclass(frozen=True)
class Inputs:
    """One window, the reference, and the days before it.

    `held` are the window's counts with what each segment is compared with; `past` are earlier days
    that were counted with the same bins, by day, oldest first; `usual` is the policy with the
    thresholds that were learnt from them, and `evidence` is that of slow drift by feature.
    """

    watched: Watched
    effect: Assess
    reference: Reference
    held: Held
    past: Mapping[str, Segmented]
    usual: Adapted
    evidence: Mapping[str, float]

    @property
    def policy(self) -> Policy:
        """The drift policy, with learnt thresholds."""
        return self.usual.policy

    @property
    def current(self) -> Sketch:
        """The window's counts over all rows."""
        return self.held.current[None]

    @property
    def side(self) -> Against:
        """The reference counts for the window, over all rows."""
        return self.held.sides[None]

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on the comparison, for the report."""
        said = (self.reference.note, self.side.words, *self.held.notes, *self.usual.notes)
        return tuple(filter(None, said))


def gathered(blobs: Blobs, watched: Watched, effect: Assess) -> Inputs:
    """Read a window, its reference and the days before it."""
    reference = load(blobs, effect.reference)
    held = hold(blobs, watched, effect, reference)
    current, side = held.current[None], held.sides[None]
    past = _past(blobs, effect, reference.ruler)
    totals = {day: one[None] for day, one in past.items()}
    usual = adapted(watched, effect, reference.ruler, side.total, totals)
    evidence = accumulated(totals, watched, effect, reference, current, side)
    return Inputs(watched, effect, reference, held, past, usual, evidence)


def older_bins(inputs: Inputs) -> str:
    """Say where bins are of an older format, and how many days were counted with other bins."""
    ruler = inputs.reference.ruler
    if ruler.format < FORMAT:
        return (
            f"bins of format {ruler.format}: values that hold a large share have no bins of their "
            "own"
        )
    foreign = len(inputs.effect.history) - len(inputs.past)
    return f"{foreign} earlier days were counted with other bins" if foreign else ""


def _past(blobs: Blobs, effect: Assess, ruler: Ruler) -> dict[str, Segmented]:
    names = {day: name for day, name, _ in effect.history}
    past = {day: from_bytes(blobs.get(name)) for day, name in names.items()}
    return {day: one for day, one in past.items() if one[None].ruler == ruler.id}
