"""Pages as JSON, posted to the address of `kind: webhook`: signed, under headers of one's own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from engine.errors import Refused
from fleet.document.receivers import WebhookReceiver
from hosts.receivers import alertmanager, failures, posting, wording
from hosts.receivers.paging import Receipt, Surroundings, message
from monitoring.alerts.paging import Page

#: A secret of Standard Webhooks: this, and its octets in base64.
PREFIX = "whsec_"


class Webhook:
    """Pages as a POST of JSON; the receiver knows a repeat by its Idempotency-Key.

    The body has Alertmanager's fields, version 4, and beside them those of the page.
    """

    def __init__(
        self,
        url: str,
        secret: bytes = b"",
        headers: Mapping[str, str] | None = None,
        base_url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url, self._secret, self._base_url = url, secret, base_url
        self._headers, self._clock = dict(headers or {}), clock

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`; honours Retry-After, up to an hour."""
        own = message(page, at)
        lines = wording.fitted(page.lines, alertmanager.REASONS // 2, measure=posting.size)
        common = alertmanager.body(page, at, self._base_url)
        body = posting.encoded({**own, "lines": lines, **common})
        headers = {**self._headers, **posting.JSON, "Idempotency-Key": page.key}
        headers |= self._signed(page.key, body) if self._secret else {}
        return posting.receipt(failures.posted(page.receiver, self._url, body, headers))

    def _signed(self, key: str, body: bytes) -> dict[str, str]:
        """Return the headers of Standard Webhooks (www.standardwebhooks.com)."""
        name, at = hashlib.sha256(key.encode()).hexdigest()[:32], str(int(self._clock()))
        said = b".".join((name.encode(), at.encode(), body))
        mark = base64.b64encode(hmac.digest(self._secret, said, "sha256")).decode()
        return {
            "webhook-id": name,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{mark}",
        }


def open_webhook(name: str, policy: WebhookReceiver, around: Surroundings) -> Webhook:
    """Open a webhook; Refused where its address is no HTTP address, or a setting is missing."""
    url = posting.address(name, policy.url, around)
    headers = {key: around.resolved(name, value) for key, value in policy.headers.items()}
    for key, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise Refused(f"receivers.{name}.headers.{key}: a header takes printable ASCII")
    secret = _key(name, posting.secret(name, policy.secret, around))
    return Webhook(url, secret, headers, around.base_url)


def _key(name: str, secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise Refused(f"receivers.{name}.secret: what follows {PREFIX} is no base64") from None
