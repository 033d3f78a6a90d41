"""The loop: take facts in, commit one unit, pay its effects by key.

It keeps nothing in memory between calls: after a crash, a lost race, a lost or a repeated call,
the next call resumes from the store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from engine import inbox, journal, outbox, sweeping, unit
from engine.errors import Broken, Conflict, Refused, Unavailable
from engine.head import Head, read_head
from engine.step import Delivery, Domain, Line, Step
from engine.store import HEAD, Operation, Row, Store, instant

MAX_FACTS = 40
PAID_AT_ONCE = 8
MAX_CONFLICTS = 20


def _no_pause(attempt: int) -> None:
    del attempt


@dataclass(frozen=True)
class Loop:
    """Drives partitions of one domain on one store.

    Attributes
    ----------
    ring : called with a partition that has something to do; losing a call loses nothing.
    pause : called with the number of lost races so far; the host sleeps there, with jitter.
    """

    store: Store
    domain: Domain
    ring: Callable[[str], None]
    pause: Callable[[int], None] = _no_pause

    def deliver(self, delivery: Delivery, now: datetime) -> bool:
        """Store a fact and ring; False where it had arrived before (`ring` is called anyway)."""
        fresh = inbox.accept(self.store, self.domain.facts, delivery, now)
        self.ring(delivery.partition)
        return fresh

    def head(self, partition: str) -> Head:
        """Return the head of a partition."""
        return self._read(partition, self.store.get(partition, HEAD))

    def _read(self, partition: str, row: Row | None) -> Head:
        return read_head(row, self.domain, partition)

    def drain(self, partition: str, now: datetime) -> None:
        """Take in waiting facts and pay owed effects until nothing is due."""
        while self._patiently(partition, lambda: self._turn(partition, now)):
            pass

    def resume(self, partition: str, line: Line, now: datetime) -> None:
        """Lift a halt after its cause was fixed, and step the partition again.

        Parameters
        ----------
        line : who lifts it and why; it is journalled with the halt's reason.

        Raises
        ------
        Refused
            The partition is not halted.
        """
        self._patiently(partition, lambda: self._lift(partition, line, now))
        self.ring(partition)

    def sweep(self, partition: str, now: datetime) -> int:
        """Remove expired rows and return their number; pending rows are never removed."""
        return sweeping.sweep(self.store, partition, now)

    def _patiently(self, partition: str, attempt: Callable[[], bool]) -> bool:
        """Retry, after a pause, when another worker committed first."""
        lost = 0
        while True:
            try:
                return attempt()
            except Conflict as error:
                lost += 1
                if lost > MAX_CONFLICTS:
                    told = f"{lost} commits in a row lost to other workers; tried again later"
                    raise Unavailable(f"{partition}: {told}") from error
                self.pause(lost)

    def _turn(self, partition: str, now: datetime) -> bool:
        """Pay one effect or take in the waiting facts; False where nothing is due.

        The results of a few effects are taken in together. Their number depends on stored rows
        alone, so that the successor of a killed worker commits the same units.
        """
        row = self.store.get(partition, HEAD)
        halted = row is not None and bool(row.props.get("halted"))
        waiting = self.store.scan(partition, inbox.IN, limit=MAX_FACTS, pending=True)
        owed = [] if halted else outbox.owed(self.store, self.domain.effects, partition)
        if not halted and len(waiting) < PAID_AT_ONCE and self._pay(partition, owed, now):
            return True
        return self._settle(partition, self._read(partition, row), waiting, owed, now)

    def _settle(
        self,
        partition: str,
        head: Head,
        waiting: list[Row],
        owed: list[outbox.Owed],
        now: datetime,
    ) -> bool:
        """Commit one unit; False where no fact waits and no due wake-up changes anything."""
        if head.halted:
            self._tell(partition, head, now)
            raise Broken(f"{partition} is halted: {head.halted}")
        if not waiting and (head.wake_at is None or head.wake_at > now):
            return False
        facts = inbox.waiting(self.domain.facts, waiting)
        try:
            step, taken = unit.fitting(self.domain, partition, head.state, facts, now)
            operations = self._operations(partition, head, step, taken, owed, now)
        except (Broken, Refused) as error:
            self._halt(partition, head, str(error), now)
            raise Broken(f"{partition} is halted: {error}") from error
        if operations:
            self.store.commit(partition, operations)
        return bool(operations)

    def _halt(self, partition: str, head: Head, reason: str, now: datetime) -> None:
        """Stop a partition until `resume`, and announce the halt to its operators."""
        # `wake_at` keeps it due until the halt is announced, even if this worker dies in between.
        halted = replace(head, halted=reason, halted_at=now, wake_at=now)
        self.store.commit(partition, [halted.write(partition, self.domain.version)])
        self._tell(partition, self.head(partition), now)

    def _tell(self, partition: str, head: Head, now: datetime) -> None:
        """Announce a halt once; a repeated announcement has the same delivery id."""
        if head.wake_at is None:
            return
        for told in self.domain.halted(partition, head.halted, head.halted_at or head.wake_at):
            self.deliver(told, now)
        asleep = replace(head, wake_at=None)
        self.store.commit(partition, [asleep.write(partition, self.domain.version)])

    def _lift(self, partition: str, line: Line, now: datetime) -> bool:
        head = self.head(partition)
        if not head.halted:
            raise Refused(f"{partition} is not halted")
        seq = head.seq + 1
        lines = ({**line, "halted": head.halted},)
        log, link = journal.record(head.hash, seq, instant(now), lines)
        lifted = replace(head, seq=seq, hash=link, halted="", halted_at=None, wake_at=now)
        self.store.commit(partition, [lifted.write(partition, self.domain.version), log])
        return True

    def _operations(
        self,
        partition: str,
        head: Head,
        step: Step,
        facts: list[inbox.Waiting],
        owed: list[outbox.Owed],
        now: datetime,
    ) -> list[Operation]:
        wake_at = _earliest(step.wake_at, *(item.due for item in owed))
        moved = replace(head, state=step.state, wake_at=wake_at)
        if not facts and not step.effects and not step.lines:
            return [] if moved == head else [moved.write(partition, self.domain.version)]
        seq = head.seq + 1
        log, link = journal.record(head.hash, seq, instant(now), step.lines)
        moved = replace(moved, seq=seq, hash=link)
        fresh = outbox.insert(self.domain.effects, seq, step.effects, now)
        taken = [inbox.taken(item, now) for item in facts]
        return [moved.write(partition, self.domain.version), log, *taken, *fresh]

    def _pay(self, partition: str, owed: list[outbox.Owed], now: datetime) -> bool:
        """Pay the first effect that can be paid; False where there is none."""
        item = next(outbox.payable(owed, now), None)
        if item is None:
            return False
        try:
            results = self.domain.perform(partition, item.effect, now)
            mark = outbox.paid(item, now)
        except Unavailable as error:
            self._postpone(partition, item, error, now)
            return True
        except Refused as error:
            told = self.domain.refused(item.effect, str(error))
            results = (Delivery(partition, f"refused:{item.row.key}", told),)
            mark = outbox.paid(item, now, str(error))
        except Exception as error:
            # A defect of this code: the effect stays owed, and the caller gets the exception.
            failed = Unavailable(f"{type(error).__name__}: {error}")
            self._postpone(partition, item, failed, now)
            raise
        for result in results:
            if result.partition != partition:
                self.deliver(result, now)
        # Results for this partition are deduplicated by outbox row. The effect's key would not do:
        # the same effect may be owed again later, and its results are then new.
        own = [
            replace(result, id=f"{item.row.key}:{n}")
            for n, result in enumerate(results)
            if result.partition == partition
        ]
        self.store.commit(
            partition, [mark, *(inbox.insert(self.domain.facts, r, now) for r in own)]
        )
        return True

    def _postpone(
        self, partition: str, item: outbox.Owed, error: Unavailable, now: datetime
    ) -> None:
        mark, due = outbox.postponed(item, error.delay, str(error), now)
        head = self.head(partition)
        awake = replace(head, wake_at=_earliest(head.wake_at, due))
        self.store.commit(partition, [awake.write(partition, self.domain.version), mark])


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
