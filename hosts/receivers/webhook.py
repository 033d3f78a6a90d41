"""Pages as JSON, posted to the address of `kind: webhook`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import Any

from engine.errors import Refused, Unavailable
from fleet.document.addresses import FORM, address_fault
from fleet.document.receivers import WebhookReceiver
from hosts.receivers import bounded
from hosts.receivers.paging import Surroundings, message
from monitoring.alerts.paging import Page

TIMEOUT = 10.0
DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)
#: More digits of seconds are centuries.
DIGITS = 10


#: Client errors that a later try may not meet: the others are this message's for good.
PASSING = (408, 425, 429)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the page would arrive there as a GET, or as nothing."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: HTTPMessage) -> None:
        """Return nothing and read no Location, so that the redirect stays the answer."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class Webhook:
    """Pages as a POST of JSON; the receiver knows a repeat by its Idempotency-Key."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, page: Page, at: datetime) -> None:
        """See `hosts.receivers.paging.Channel`; honours Retry-After, up to an hour."""
        request = urllib.request.Request(
            self._url,
            data=json.dumps(message(page, at)).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": page.key},
            method="POST",
        )
        # The address may hold a secret, so that no reason names it.
        try:
            with bounded.call(request, TIMEOUT, _Straight):
                return
        except urllib.error.HTTPError as error:
            with error:
                raise _unaccepted(page.receiver, error) from None
        except urllib.error.URLError as error:
            raise Unavailable(f"receiver {page.receiver}: {error.reason}", DELAY) from None
        except HTTPException as error:
            # Its text is what the receiver sent.
            reason = f"no answer in HTTP ({type(error).__name__})"
            raise Unavailable(f"receiver {page.receiver}: {reason}", DELAY) from None
        except OSError as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise Unavailable(f"receiver {page.receiver}: {reason}", DELAY) from None


def _unaccepted(receiver: str, error: urllib.error.HTTPError) -> Refused | Unavailable:
    reason = f"receiver {receiver}: HTTP {error.code}"
    if 400 <= error.code < 500 and error.code not in PASSING:
        return Refused(reason)
    return Unavailable(reason, _retry_after(error.headers))


def open_webhook(name: str, policy: WebhookReceiver, around: Surroundings) -> Webhook:
    """Open a webhook; Refused where its address is no HTTP address, or its setting is missing."""
    url = around.resolved(name, policy.url)
    if (fault := address_fault(url)) is not None or url.startswith("env:"):
        raise Refused(f"receivers.{name}.url: {fault or FORM}")
    return Webhook(url)


def _retry_after(headers: Message[str, str]) -> timedelta:
    """Return the wait that a server asks for: seconds, or until a date by its own clock."""
    text = (headers["Retry-After"] or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:DIGITS])), LONGEST_DELAY)
    try:
        until = parsedate_to_datetime(text)
        present = parsedate_to_datetime(headers["Date"] or "")
        return max(timedelta(0), min(until - present, LONGEST_DELAY))
    except (TypeError, ValueError):
        return DELAY
