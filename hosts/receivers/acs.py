"""Pages as e-mails over Azure Communication Services.

Source: Microsoft Learn, "Email - Send" (2023-03-31) and "Authentication" (HMAC-SHA256 of the
method, the path, the date, the host and the hash of the body). A repeat has the same Operation-Id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from engine.errors import Refused
from fleet.document.receivers import AcsReceiver
from hosts.receivers import failures, posting
from hosts.receivers.letter import letter
from hosts.receivers.paging import Receipt, Surroundings
from monitoring.alerts.paging import Page

PATH = "/emails:send?api-version=2023-03-31"
SCOPE = "https://communication.azure.com/.default"
#: The namespace of Operation-Ids.
SPACE = uuid.UUID("5a2c2b6e-0000-4000-8000-0f6f7a0d9b11")

#: Returns the headers that let a body in.
Signer = Callable[[str, bytes], dict[str, str]]


class Acs:
    """One e-mail a page, to everybody at once."""

    def __init__(
        self, url: str, signed: Signer, sender: str, to: tuple[str, ...], base_url: str
    ) -> None:
        self._url, self._signed, self._base_url = url + PATH, signed, base_url
        self._sender, self._to = sender, to

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        told = letter(page, at, self._sender, self._base_url)
        body = posting.encoded(
            {
                "senderAddress": self._sender,
                "recipients": {"to": [{"address": one} for one in self._to]},
                "content": {"subject": told.subject, "plainText": told.text, "html": told.html},
                "headers": told.headers,
                "userEngagementTrackingDisabled": True,
            }
        )
        headers = {
            **posting.JSON,
            "Operation-Id": str(uuid.uuid5(SPACE, page.key)),
            **self._signed(self._url, body),
        }
        return posting.receipt(failures.posted(page.receiver, self._url, body, headers))


def by_key(key: bytes, clock: Callable[[], datetime]) -> Signer:
    """Sign with an access key of the resource."""

    def signed(url: str, body: bytes) -> dict[str, str]:
        parts = urlsplit(url)
        at = format_datetime(clock(), usegmt=True)
        mark = base64.b64encode(hashlib.sha256(body).digest()).decode()
        said = f"POST\n{parts.path}?{parts.query}\n{at};{parts.netloc};{mark}"
        signature = base64.b64encode(hmac.digest(key, said.encode(), "sha256")).decode()
        names = "x-ms-date;host;x-ms-content-sha256"
        return {
            "x-ms-date": at,
            "x-ms-content-sha256": mark,
            "Authorization": f"HMAC-SHA256 SignedHeaders={names}&Signature={signature}",
        }

    return signed


def by_token(token: Callable[[str], str]) -> Signer:
    """Present a token of the app's identity."""

    def signed(url: str, body: bytes) -> dict[str, str]:
        del url, body
        return {"Authorization": f"Bearer {token(SCOPE)}"}

    return signed


def open_acs(name: str, policy: AcsReceiver, around: Surroundings) -> Acs:
    """Open a resource by its access key, or by the host's identity."""
    url = posting.address(name, policy.url, around).rstrip("/")
    return Acs(url, _signer(name, policy, around), policy.sender, policy.to, around.base_url)


def _signer(name: str, policy: AcsReceiver, around: Surroundings) -> Signer:
    if policy.key is None:
        if around.token is None:
            told = "this host has no identity in Azure; name an access key"
            raise Refused(f"receivers.{name}.key: {told}")
        return by_token(around.token)
    try:
        key = base64.b64decode(posting.secret(name, policy.key, around), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"receivers.{name}.key: the access key is no base64") from None
    return by_key(key, lambda: datetime.now(UTC))
