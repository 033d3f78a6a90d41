"""Reads of an endpoint just after a write: they may show the split that was replaced."""

from __future__ import annotations

from datetime import timedelta

from engine.clock import Clock
from engine.errors import Unavailable
from hosts.azure.ml.split import Record, Split, explained

#: A read after a write shows the old weights for some seconds (Azure/azure-dev, pull request 3881).
SETTLES = timedelta(minutes=1)
AGAIN = timedelta(seconds=5)


class Settling:
    """Tells a read that is older than our own last write from somebody else's change.

    The last write is known from the endpoint's tags, and in the process that wrote it even where a
    read shows the old tags, too.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._written: dict[str, Record] = {}

    def written(self, model: str, record: Record) -> None:
        """Note a write that the service accepted."""
        self._written[model] = record

    def unseen(self, model: str, held: Split, record: Record | None) -> Record | None:
        """Return our last write where a read does not show it yet, None where it is settled."""
        known = [one for one in (record, self._written.get(model)) if one is not None]
        written = {one.at: one for one in known if one.at is not None}
        at = max(written, default=None)
        if at is None or self._clock.now() >= at + SETTLES:
            return None
        newest = written[at]
        return None if record == newest and explained(held, newest) else newest


def early(where: str, held: Split, written: Record) -> Unavailable:
    """Return the error for a read that does not show the last write yet."""
    return Unavailable(
        f"{where} shows {held}, which differs from what was just written ({written.split}); "
        "it is read again",
        AGAIN,
    )
