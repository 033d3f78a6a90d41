"""The minute timer of a host: due partitions, gauges, work that was given up, files, versions."""

from __future__ import annotations

from engine.errors import Refused
from hosts import face
from hosts.host import Host


def tick(host: Host) -> None:
    """Ring for due partitions, measure, ring again for work given up, look for files and versions.

    The looks come last: their services may be slow to answer.
    """
    host.service.tick()
    host.measure()
    revive(host)
    host.service.poll()


def revive(host: Host) -> None:
    """Tell the fleet's journal of doorbells that failed too often, and ring again for each.

    Without it the facts of a partition would wait for the daily sweep. Events whose ingestion
    failed too often are ingested again.
    """
    for body, reason in host.given_up():
        try:
            name, _ = face.doorbell(body)
        except Refused as error:
            host.service.park(body.decode("utf-8", "backslashreplace"), str(error))
        else:
            host.service.ring_again(name, reason)
    for message in host.lost_events():
        face.ingest_message(host.service, message)
