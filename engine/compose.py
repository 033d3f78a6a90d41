"""The operations of one unit: the head, the record that binds its state, facts and effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from engine import inbox, journal, outbox
from engine.chain import Place, state_hash
from engine.head import Head, lifted, recorded, woken
from engine.seal import Seal
from engine.sealing import marks
from engine.step import Domain, Line, Step
from engine.store import Operation, Row, instant


@dataclass(frozen=True)
class Composer:
    """Makes units of one partition from its head and from what it owes.

    Attributes
    ----------
    row, head : the stored head, None where there is none yet, and what it holds.
    owed : the effects that are not paid yet.
    """

    partition: str
    domain: Domain
    seal: Seal
    row: Row | None
    head: Head
    owed: Sequence[outbox.Owed]
    now: datetime

    def unit(self, step: Step, facts: Sequence[inbox.Waiting]) -> list[Operation]:
        """Return the unit of a step over these facts; empty where nothing changes.

        A state is never stored without the record that binds it.
        """
        wake_at = _earliest(step.wake_at, *(item.due for item in self.owed))
        idle = not facts and not step.effects and not step.lines and step.state == self.head.state
        if idle and self.row is not None:
            return [] if wake_at == self.head.wake_at else [woken(self.row, wake_at)]
        fresh = outbox.insert(self.domain.effects, self.head.seq + 1, step.effects, self.now)
        taken = [inbox.taken(item, self.now) for item in facts]
        return [*self.record(step.state, wake_at, step.lines), *taken, *fresh]

    def record(
        self, state: Any, wake_at: datetime | None, lines: tuple[Line, ...] = ()
    ) -> list[Operation]:
        """Return the next record and the head that it binds."""
        moved = replace(self.head, state=state, wake_at=wake_at)
        written = moved.write(self.partition, self.domain.version)
        seq = self.head.seq + 1
        place = Place(
            self.partition, self.head.hash, seq, instant(self.now), state_hash(written.props)
        )
        log, link = journal.record(place, lines, self.seal)
        return [recorded(written, marks(place, link, self.seal)), log]


def resumed(
    partition: str, row: Row, line: Line, now: datetime, seal: Seal
) -> tuple[Operation, Operation]:
    """Return the head of a partition whose halt is lifted, and the record that says so.

    The state is bound as it is stored, even where somebody else wrote it or nobody can read it:
    the record says who resumed from it, and why it was halted.
    """
    seq = int(row.props["seq"]) + 1
    place = Place(partition, row.text("hash"), seq, instant(now), state_hash(row.props))
    log, link = journal.record(place, ({**line, "halted": row.text("halted")},), seal)
    return lifted(row, marks(place, link, seal), now), log


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
