"""Telling people, whichever host it is: a page, the ways it can take, and the webhook."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPMessage
from typing import Any, Protocol

from engine.errors import Refused, Unavailable
from monitoring.alerts.grouping import Page

TIMEOUT = 10.0
DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(hours=1)


class Channel(Protocol):
    """One way to reach people."""

    def send(self, page: Page, at: datetime) -> None:
        """Deliver what was decided at `at`; Unavailable where that can't be done now."""


class Pager:
    """Implements `fleet.ports.Pager`: each receiver by its name, over a channel of its own."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels

    def page(self, page: Page, at: datetime) -> None:
        """See `fleet.ports.Pager`; Refused: no such receiver, Unavailable: try again later."""
        if page.receiver not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            raise Refused(f"receiver {page.receiver!r}: unknown, the configuration has {known}")
        self._channels[page.receiver].send(page, at)


def message(page: Page, at: datetime) -> dict[str, object]:
    """Return a page as files and webhooks carry it."""
    return {
        "key": page.key,
        "receiver": page.receiver,
        "severity": page.severity,
        "title": page.title,
        "lines": page.lines,
        "at": spelled(at),
    }


def spelled(at: datetime) -> str:
    """Spell an instant in UTC.

    >>> spelled(datetime(2013, 12, 31, 12, tzinfo=UTC))
    '2013-12-31T12:00:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def address(name: str, url: str) -> str:
    """Return a webhook's address; `env:SETTING` stands in a setting, because it may be a secret.

    Refused where that setting is not there.
    """
    scheme, _, setting = url.partition(":")
    if scheme != "env":
        return url
    if setting not in os.environ:
        raise Refused(f"receivers.{name}: the setting {setting} is not there")
    return os.environ[setting]


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the page would arrive there as a GET, or as nothing."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Return nothing, so that the redirect stays the answer."""


class Webhook:
    """Pages as a POST of JSON; the receiver knows a repeat by its Idempotency-Key."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._opener = urllib.request.build_opener(_Straight)

    def send(self, page: Page, at: datetime) -> None:
        """See `Channel`; honours Retry-After, up to an hour."""
        request = urllib.request.Request(
            self._url,
            data=json.dumps(message(page, at)).encode(),
            headers={"Content-Type": "application/json", "Idempotency-Key": page.key},
            method="POST",
        )
        # The address may hold a secret, so that no reason names it.
        try:
            with self._opener.open(request, timeout=TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            with error:
                delay = _retry_after(error.headers)
            raise Unavailable(f"receiver {page.receiver}: HTTP {error.code}", delay) from None
        except urllib.error.URLError as error:
            raise Unavailable(f"receiver {page.receiver}: {error.reason}", DELAY) from None
        except (OSError, HTTPException) as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise Unavailable(f"receiver {page.receiver}: {reason}", DELAY) from None


def _retry_after(headers: Message[str, str]) -> timedelta:
    """Return the wait that a server asks for: seconds, or until a date by its own clock."""
    text = (headers["Retry-After"] or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text), 10**9)), LONGEST_DELAY)
    try:
        until = parsedate_to_datetime(text)
        present = parsedate_to_datetime(headers["Date"] or "")
        return max(timedelta(0), min(until - present, LONGEST_DELAY))
    except (TypeError, ValueError):
        return DELAY
