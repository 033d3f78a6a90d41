"""The queues of the app: doorbells, events, rejected input, and the poison of the first two."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from azure.storage.queue import QueueServiceClient

from hosts.azure.storage.queues import AzureQueue, poison_name

DUE_QUEUE = "driftwarden-due"
EVENTS_QUEUE = "events"
REFUSED_QUEUE = "driftwarden-refused"


class AppQueues:
    """Every queue of the app in one account, made where missing."""

    def __init__(self, service: QueueServiceClient) -> None:
        self.due = AzureQueue(service, DUE_QUEUE)
        self.events = AzureQueue(service, EVENTS_QUEUE)
        self.refused = AzureQueue(service, REFUSED_QUEUE)
        self.poison_due = AzureQueue(service, poison_name(DUE_QUEUE))
        self.poison_events = AzureQueue(service, poison_name(EVENTS_QUEUE))

    def waiting(self) -> dict[str, Callable[[], int]]:
        """Return the queues in which nothing should lie: what counts each, by its name."""
        places = (self.poison_due, self.poison_events, self.refused)
        return {place.name: place.waiting for place in places}

    def each_poison_doorbell(self) -> Iterator[tuple[bytes, str]]:
        """See `hosts.host.Host.poison_doorbells`; the Functions host gives no reason."""
        return ((one.body.encode(), "see the app's log") for one in self.poison_due.each())

    def each_poison_event(self) -> Iterator[bytes]:
        """See `hosts.host.Host.poison_events`."""
        return (one.body.encode() for one in self.poison_events.each())
