"""Pay an effect: perform it, keep its results as facts, and settle what comes of a failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine import inbox, outbox
from engine.errors import Refused, TooLarge, Unavailable
from engine.head import awake, stored
from engine.step import Delivery, Domain
from engine.store import Operation, Store, check
from engine.texts import cut, unexpected

#: An effect that failed so often in the same way is declined: nothing waits behind it for ever.
MAX_FAILURES = 5


@dataclass(frozen=True)
class Payment:
    """Pays effects of a domain.

    Attributes
    ----------
    deliver : stores a fact of another partition.
    """

    store: Store
    domain: Domain
    deliver: Callable[[Delivery, datetime], bool]

    def pay(self, partition: str, item: outbox.Owed, now: datetime) -> None:
        """Pay an effect; it stays owed while another try may help, and is declined otherwise.

        Raises
        ------
        Exception
            What a defect raised; the effect was postponed.
        """
        try:
            results = self.domain.perform(partition, item.effect, now)
            operations = self._paid(partition, item, results, now)
        except Unavailable as error:
            self._postpone(partition, item, error, now)
            return
        except Refused as error:
            operations = self._declined(partition, item, str(error), now)
        except Exception as error:
            said = unexpected(error)
            if outbox.failures(item, error) < MAX_FAILURES:
                self._postpone(partition, item, Unavailable(said), now, error)
                raise
            reason = f"it failed {MAX_FAILURES} times: {said}"
            operations = self._declined(partition, item, reason, now)
        self.store.commit(partition, operations)

    def _paid(
        self, partition: str, item: outbox.Owed, results: Sequence[Delivery], now: datetime
    ) -> list[Operation]:
        """Deliver the results for other partitions; return the unit that keeps this one's.

        Raises
        ------
        Refused
            A result is larger than the store can keep.
        """
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
        own += self._told(partition, item, "")
        kept = [inbox.insert(self.domain.facts, result, now) for result in own]
        operations: list[Operation] = [outbox.paid(item, now), *kept]
        try:
            check(partition, operations)
        except TooLarge as error:
            raise Refused(f"its result cannot be kept: {error}") from error
        return operations

    def _declined(
        self, partition: str, item: outbox.Owed, reason: str, now: datetime
    ) -> list[Operation]:
        fact = self.domain.refused(item.effect, cut(reason))
        told = Delivery(partition, f"{item.row.key}:0", fact)
        mark = outbox.paid(item, now, reason)
        return [mark, inbox.insert(self.domain.facts, told, now)]

    def _postpone(
        self,
        partition: str,
        item: outbox.Owed,
        reason: Unavailable,
        now: datetime,
        failed: Exception | None = None,
    ) -> None:
        mark, due = outbox.postponed(item, reason, now, failed)
        said = str(mark.props["reason"])
        told = [] if reason.quiet else self._told(partition, item, said)
        # A fact to be taken in keeps the partition due, even if this worker dies.
        wake = awake(stored(self.store, partition), now if told else due)
        kept = [inbox.insert(self.domain.facts, one, now) for one in told]
        self.store.commit(partition, [wake, mark, *kept])

    def _told(self, partition: str, item: outbox.Owed, reason: str) -> list[Delivery]:
        """Return the fact that tells the partition how this attempt ended, where it asks."""
        fact = self.domain.attempted(item.effect, item.attempts, reason)
        name = f"{item.row.key}:tried:{item.attempts}"
        return [Delivery(partition, name, fact)] if fact is not None else []
