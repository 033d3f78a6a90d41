"""The minute timer of a host: due partitions, gauges, work given up, and events that came late."""

from __future__ import annotations

from engine.errors import Refused
from hosts.face import doorbell, ingest
from hosts.host import Host


def tick(host: Host) -> None:
    """Ring for every partition that is due, measure, and take up what was given up or came late."""
    host.service.tick()
    host.measure()
    revive(host)
    for event in host.late():
        ingest(host.service, event)


def revive(host: Host) -> None:
    """Tell the fleet's journal of doorbells that failed too often, and ring again for each.

    Without it the facts of a partition would wait for the daily sweep.
    """
    for body, reason in host.given_up():
        try:
            name, _ = doorbell(body)
        except Refused as error:
            host.service.park(body.decode("utf-8", "backslashreplace"), str(error))
        else:
            host.service.ring_again(name, reason)
