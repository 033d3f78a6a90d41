"""Deliver an operator's command to the partitions that it concerns."""

from __future__ import annotations

from datetime import datetime

from engine import inbox
from engine.blobs import Blobs
from engine.errors import Refused
from engine.loop import Loop
from engine.step import Delivery
from fleet.commands import RESUME, Command, Outdated, check, check_texts, concerned
from fleet.document.policies import Fleet
from fleet.model.lines import operations
from fleet.model.lines.line import write_line
from fleet.targets import check_target


def deliver(
    loop: Loop, fleet: Fleet, blobs: Blobs, command: Command, expect: int | None, now: datetime
) -> tuple[str, ...]:
    """See `fleet.service.Service.command`."""
    check_texts(command)
    partitions = concerned(command, fleet, loop.store.partitions)
    for partition in partitions if expect is not None else ():
        seq = loop.head(partition).seq
        if seq != expect:
            told = f"the journal of {partition} is at record {seq}, not at {expect}"
            raise Outdated(f"{command.verb} {command.target}: {told}; look again")
    if command.verb == RESUME:
        # A halted partition accepts no facts, so that resuming is not a fact.
        line = operations.Command(
            command.verb, command.by, command.reason, command.target, id=command.id
        )
        loop.resume(partitions[0], write_line(line), now)
        return partitions
    check(command, now)
    check_target(command, fleet, loop, blobs)
    deliveries = [Delivery(one, f"command:{command.id}", command.fact) for one in partitions]
    if any(inbox.differs(loop.store, loop.domain.facts, one) for one in deliveries):
        told = f"the id {command.id} was given to another command; give this one a new id"
        raise Refused(f"{command.verb} {command.target}: {told}")
    for delivery in deliveries:
        loop.deliver(delivery, now)
    return partitions
