"""Whether everything steps: the partitions that were stopped by a defect, and since when."""

from __future__ import annotations

from collections.abc import Iterable

from engine import codec
from engine.loop import Loop
from fleet.read import Json


def halted(loop: Loop) -> list[Json]:
    """Return every halted partition with the time and the reason of its halt, in name order."""
    return _halted(loop, loop.store.partitions())


def _halted(loop: Loop, partitions: Iterable[str]) -> list[Json]:
    found: list[Json] = []
    for partition in partitions:
        head = loop.head(partition)
        if head.halted:
            since = codec.plain(head.halted_at)
            found.append({"partition": partition, "since": since, "reason": head.halted})
    return found


def health(loop: Loop) -> Json:
    """Return the number of partitions and those that are halted; raises without a store."""
    partitions = loop.store.partitions()
    stopped = _halted(loop, partitions)
    status = "halted" if stopped else "ok"
    return {"status": status, "partitions": len(partitions), "halted": stopped}
