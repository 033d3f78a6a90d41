"""The minute timer of a host: due partitions, gauges, and work that was given up."""

from __future__ import annotations

from engine.errors import Refused
from hosts.face import doorbell
from hosts.host import Host


def tick(host: Host) -> None:
    """Ring for every partition that is due, measure, and ring again for work that was given up."""
    host.service.tick()
    host.measure()
    revive(host)


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
