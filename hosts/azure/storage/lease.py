"""A lease in our own store, because in services that split traffic the last writer wins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from engine.clock import Clock
from engine.errors import Conflict, Unavailable
from engine.store import Insert, Operation, Replace, Row, Store, instant, parse_instant

LASTS = timedelta(minutes=3)
ROW = "lease:traffic"
FREE = ""


class Held:
    """A lease that is held; `renew` before every irreversible step."""

    def __init__(self, store: Store, clock: Clock, partition: str, holder: str) -> None:
        self._store = store
        self.clock = clock
        self._partition = partition
        self._holder = holder

    def renew(self, lasts: timedelta = LASTS) -> None:
        """Extend it to `lasts` from now; Unavailable where another worker took it over."""
        try:
            self._write(instant(self.clock.now() + lasts))
        except Conflict as error:
            raise Unavailable(f"{self._partition}: the lease on its traffic was lost") from error

    def release(self) -> None:
        """Release it for others at once."""
        try:
            self._write(FREE)
        except Conflict:
            # It expired and another worker holds it: there is nothing to release.
            return

    def _write(self, until: str) -> None:
        row = self._store.get(self._partition, ROW)
        if row is None or row.props["holder"] != self._holder:
            raise Conflict(f"{self._partition}: another worker holds the lease")
        props = {"holder": self._holder, "until": until}
        self._store.commit(self._partition, [Replace(ROW, props, row.etag)])


class Lease:
    """One holder at a time for the traffic of a model.

    The row lies in the model's partition, with the holder and the expiry; the etag decides between
    concurrent workers. The lease of a crashed holder ends by its expiry.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lasts: timedelta = LASTS,
        name: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._store = store
        self.clock = clock
        self._lasts = lasts
        self._name = name

    @contextmanager
    def held(self, model: str) -> Iterator[Held]:
        """Hold the lease during the block; Unavailable while another worker holds it."""
        holder = self._name()
        until = instant(self.clock.now() + self._lasts)
        operation = self._taking(model, {"holder": holder, "until": until})
        try:
            self._store.commit(model, [operation])
        except Conflict as error:
            raise Unavailable(f"{model}: another worker is changing its traffic") from error
        lease = Held(self._store, self.clock, model, holder)
        try:
            yield lease
        finally:
            lease.release()

    def _taking(self, model: str, props: dict[str, str]) -> Operation:
        row = self._store.get(model, ROW)
        if row is None:
            return Insert(ROW, props)
        self._refuse_while_held(model, row)
        return Replace(ROW, props, row.etag)

    def _refuse_while_held(self, model: str, row: Row) -> None:
        until = str(row.props["until"])
        now = self.clock.now()
        if until == FREE or parse_instant(until) <= now:
            return
        raise Unavailable(
            f"{model}: another worker is changing its traffic, until {until} at the latest",
            parse_instant(until) - now,
        )
