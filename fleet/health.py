"""Whether everything steps: the partitions that were stopped by a defect, and since when."""

from __future__ import annotations

from engine import codec
from engine.loop import Loop

Json = dict[str, object]


def halted(loop: Loop) -> list[Json]:
    """Return every halted partition with the time and the reason of its halt, in name order."""
    found = []
    for partition in loop.store.partitions():
        head = loop.head(partition)
        if head.halted:
            since = codec.plain(head.halted_at)
            found.append({"partition": partition, "since": since, "reason": head.halted})
    return found


def health(loop: Loop) -> Json:
    """Return the number of partitions and those that are halted; raises without a store."""
    stopped = halted(loop)
    status = "halted" if stopped else "ok"
    return {"status": status, "partitions": len(loop.store.partitions()), "halted": stopped}
