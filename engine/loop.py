"""The loop: take facts in, commit one unit, pay its effects by key.

It keeps nothing in memory between calls: after a crash, a lost race, a lost or a repeated call,
the next call resumes from the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from engine import inbox, outbox, sweeping, unit
from engine.compose import Composer, resumed
from engine.errors import Broken, Conflict, Newer, Refused, Unavailable
from engine.head import Head, announced, halt, read_head, stored, unreadable
from engine.payment import Payment
from engine.seal import PLAIN, Seal
from engine.sealing import require_own
from engine.step import Delivery, Domain, Line
from engine.store import HEAD, Operation, Row, Store, parse_instant
from engine.texts import unexpected

T = TypeVar("T")
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
    seal : signs the journals.
    """

    store: Store
    domain: Domain
    ring: Callable[[str], None]
    pause: Callable[[int], None] = _no_pause
    seal: Seal = PLAIN

    def deliver(self, delivery: Delivery, now: datetime) -> bool:
        """Store a fact and ring; False where it had arrived before (`ring` is called anyway)."""
        fresh = inbox.accept(self.store, self.domain.facts, delivery, now)
        self.ring(delivery.partition)
        return fresh

    def deliver_all(self, partition: str, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Store facts of one partition, and ring once for all of them."""
        for delivery in deliveries:
            inbox.accept(self.store, self.domain.facts, delivery, now)
        if deliveries:
            self.ring(partition)

    def head(self, partition: str) -> Head:
        """Return the head of a partition; one that cannot be read is shown as halted, and empty."""
        row = self.store.get(partition, HEAD)
        try:
            return read_head(row, self.domain, partition)
        except (Broken, Newer) as error:
            return unreadable(row, self.domain, partition, str(error))

    def drain(self, partition: str, now: datetime) -> None:
        """Take in waiting facts and pay owed effects until nothing is due.

        Nothing is due in a halted partition.

        Raises
        ------
        Broken
            The partition was halted by this call.
        Newer
            A newer version of the app wrote what is stored.
        Unavailable
            Other workers commit all the time, or the store does not answer.
        """
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

    def adopt(self, partition: str, now: datetime) -> None:
        """Record a state of an older format in the present one, so that its journal is signed.

        A halted partition is left alone; `resume` records its state.

        Raises
        ------
        Broken
            The state cannot be read.
        """
        self._patiently(partition, lambda: self._adopt(partition, now))

    def sweep(self, partition: str, now: datetime) -> int:
        """Remove expired rows and return their number; pending rows are never removed."""
        return sweeping.sweep(self.store, partition, now)

    def _patiently(self, partition: str, attempt: Callable[[], T]) -> T:
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
        if row is not None and row.props.get("halted"):
            # Facts wait until it is resumed; a doorbell for it is done, not retried and given up.
            self._announce(partition, row, now)
            return False
        waiting = self.store.scan(partition, inbox.IN, limit=MAX_FACTS, pending=True)
        unpaid = outbox.unpaid(self.store, partition)
        try:
            room = len(waiting) < PAID_AT_ONCE
            owed, payable = self._choose(partition, unpaid, now, room)
            operations = self._unit(partition, row, waiting, owed, now) if payable is None else []
        except Newer:
            # Left alone: the app that wrote it can still read it.
            raise
        except Exception as error:
            said = unexpected(error)
            self._halt(partition, row, said, now)
            raise Broken(f"{partition} is halted: {said}") from error
        if payable is not None:
            Payment(self.store, self.domain, self.deliver).pay(partition, payable, now)
            return True
        if operations:
            self.store.commit(partition, operations)
        return bool(operations)

    def _choose(
        self, partition: str, unpaid: list[Row], now: datetime, room: bool
    ) -> tuple[list[outbox.Owed], outbox.Owed | None]:
        """Return what is owed, and what of it is paid now; a backlog that is not due hides none."""
        owed = outbox.owed(self.domain.effects, unpaid)
        while True:
            payable = outbox.payable(owed, self.domain.urgent, now) if room else None
            if payable is not None or len(unpaid) < outbox.PAGE:
                return owed, payable
            unpaid = outbox.unpaid(self.store, partition, unpaid[-1].key)
            owed += outbox.owed(self.domain.effects, unpaid)

    def _unit(
        self,
        partition: str,
        row: Row | None,
        waiting: list[Row],
        owed: list[outbox.Owed],
        now: datetime,
    ) -> list[Operation]:
        """Return one unit; empty where no fact waits and no due wake-up changes anything."""
        if row is not None:
            require_own(self.store, partition, row, self.seal)
        head = read_head(row, self.domain, partition)
        if not waiting and (head.wake_at is None or head.wake_at > now):
            return []
        facts = inbox.waiting(self.domain.facts, waiting)
        composer = self._composer(partition, row, head, owed, now)
        return unit.fitting(self.domain, partition, head.state, facts, now, composer.unit)

    def _halt(self, partition: str, row: Row | None, reason: str, now: datetime) -> None:
        """Stop a partition until `resume`, and announce the halt to its operators."""
        if row is None:
            begun = Head(self.domain.initial(partition))
            composer = self._composer(partition, row, begun, [], now)
            self.store.commit(partition, composer.record(begun.state, None))
            row = stored(self.store, partition)
        # `wake_at` keeps it due until the halt is announced, even if this worker dies in between.
        self.store.commit(partition, [halt(row, reason, now)])
        self._announce(partition, stored(self.store, partition), now)

    def _announce(self, partition: str, row: Row, now: datetime) -> None:
        """Announce a halt once; a repeated announcement has the same delivery id."""
        if "wake_at" not in row.props:
            return
        at = parse_instant(row.text("halted_at"))
        for notice in self.domain.halted(partition, row.text("halted"), at):
            self.deliver(notice, now)
        self.store.commit(partition, [announced(row)])

    def _lift(self, partition: str, line: Line, now: datetime) -> None:
        row = self.store.get(partition, HEAD)
        if row is None or not row.props.get("halted"):
            raise Refused(f"{partition} is not halted")
        at = parse_instant(row.text("halted_at"))
        # Told first: a worker that dies in between leaves it halted, and `resume` is called again.
        for notice in self.domain.resumed(partition, at, now):
            self.deliver(notice, now)
        self.store.commit(partition, resumed(partition, row, line, now, self.seal))

    def _adopt(self, partition: str, now: datetime) -> None:
        row = self.store.get(partition, HEAD)
        if row is None or row.props.get("halted"):
            return
        if int(row.props["version"]) >= self.domain.version:
            return
        head = read_head(row, self.domain, partition)
        composer = self._composer(partition, row, head, [], now)
        self.store.commit(partition, composer.record(head.state, head.wake_at))

    def _composer(
        self,
        partition: str,
        row: Row | None,
        head: Head,
        owed: list[outbox.Owed],
        now: datetime,
    ) -> Composer:
        return Composer(partition, self.domain, self.seal, row, head, owed, now)
