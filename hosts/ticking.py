"""The minute timer of a host: due partitions, gauges, poison of the queues, files and versions."""

from __future__ import annotations

from engine.errors import Refused
from hosts import messages
from hosts.host import Host


def tick(host: Host) -> None:
    """Ring for due partitions, measure, take poison up again, and look for files and versions.

    The looks come last: their services may be slow to answer.
    """
    host.service.tick()
    host.measure()
    revive(host)
    host.service.poll()


def revive(host: Host) -> None:
    """Tell the fleet's journal of doorbells that failed too often, and ring again for each.

    Without it the facts of a partition would wait for the daily sweep. Events whose ingestion
    failed too often are ingested again, and parked where that fails by a defect.
    """
    for body, reason in host.poison_doorbells():
        try:
            name, _ = messages.doorbell(body)
        except Refused as error:
            host.service.park(body.decode("utf-8", "backslashreplace"), str(error))
        else:
            host.service.ring_again(name, reason)
    for message in host.poison_events():
        messages.ingest_poison(host.service, message)
