"""Published events in Azure: CloudEvents to an Event Grid custom topic."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from http import HTTPStatus

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
)
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridPublisherClient

from engine.errors import Refused, Unavailable
from fleet.published import document
from hosts.azure.cloud import Cloud

ROLE = "EventGrid Data Sender"
CONNECT_SECONDS = 5
ANSWER_SECONDS = 20
PAUSE = timedelta(seconds=30)
LATER = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
)

# The client accepts its options per call only. It passes them to the event's model, too, which
# warns of each on every call.
logging.getLogger("azure.eventgrid._legacy._generated._serialization").setLevel(logging.ERROR)


class AzurePublisher:
    """Sends each event to the topic; the outbox retries events that the topic did not accept.

    Parameters
    ----------
    topic : the topic's endpoint, `https://NAME.REGION-1.eventgrid.azure.net/api/events`; its input
        schema is CloudEvents 1.0, and the app's identity has the role EventGrid Data Sender on it.
    """

    def __init__(self, cloud: Cloud, topic: str) -> None:
        self._topic, self._verify = topic, cloud.verify
        self._client = EventGridPublisherClient(topic, cloud.credential)

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        """See `fleet.ports.Publisher`.

        Raises
        ------
        Unavailable
            The topic is throttled, out of reach or not there, or takes no token now.
        Refused
            It takes no such event, or none from us.
        """
        event: CloudEvent[object] = CloudEvent.from_dict(document(key, kind, subject, fields, at))
        try:
            self._send(event)
        except HttpResponseError as error:
            raise self._judged(error, key) from error
        except AzureError as error:
            raise Unavailable(f"{self._topic}: {_line(error)}") from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(self, event: CloudEvent[object]) -> None:
        try:
            self._once(event)
        except ClientAuthenticationError as error:
            if error.status_code != HTTPStatus.UNAUTHORIZED:
                raise
            # The client has dropped its token: this requests a new one.
            self._once(event)

    def _once(self, event: CloudEvent[object]) -> None:
        self._client.send(
            [event],
            # The outbox waits instead: no function is kept running meanwhile.
            retry_total=0,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            connection_verify=self._verify,
        )

    def _judged(self, error: HttpResponseError, key: str) -> Refused | Unavailable:
        status, said = error.status_code, f"{self._topic}: {_line(error)}"
        if status is None or status in LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unavailable(said, _delay(error))
        if status == HTTPStatus.FORBIDDEN:
            return Refused(f"{said}; give the app's identity the role {ROLE} on the topic")
        return Refused(f"event {key}: {said}")


class NoTopic:
    """Publishes nothing, for an app without a topic: the journal still has every record."""

    def publish(
        self, key: str, kind: str, subject: str, fields: dict[str, object], at: datetime
    ) -> None:
        """See `fleet.ports.Publisher`."""


def _line(error: AzureError) -> str:
    return (error.message or type(error).__name__).splitlines()[0]


def _delay(error: HttpResponseError) -> timedelta:
    """Return the answer's Retry-After in whole seconds, or a default pause."""
    headers = getattr(error.response, "headers", {})
    asked = str(headers.get("Retry-After", ""))
    return timedelta(seconds=int(asked)) if asked.isdecimal() else PAUSE
