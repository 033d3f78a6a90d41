"""Tell people from Azure: by webhook, or as a log record that an alert rule or a query finds."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from engine.errors import Refused
from fleet.document.receivers import Receiver, TerminalReceiver, WebhookReceiver
from hosts.paging import Channel, Page, Pager, Webhook, address

logger = logging.getLogger("driftwarden.pages")


class Record:
    """Pages as log records, which end up in Application Insights' traces.

    A repeat writes its record again: the key in it tells that both are one page.
    """

    def send(self, page: Page) -> None:
        """See `hosts.paging.Channel`."""
        level = logging.ERROR if page.severity == "page" else logging.WARNING
        logger.log(
            level, "%s [%s] %s: %s", page.severity, page.key, page.title, " | ".join(page.lines)
        )


def pager(receivers: Mapping[str, Receiver]) -> Pager:
    """Open every receiver of the document.

    Raises
    ------
    Refused
        One is a file, which an instance of the app would lose, or has no address.
    """
    return Pager({name: _channel(name, receiver) for name, receiver in receivers.items()})


def _channel(name: str, receiver: Receiver) -> Channel:
    match receiver:
        case WebhookReceiver(url=url):
            return Webhook(address(name, url))
        case TerminalReceiver():
            return Record()
        case _:
            raise Refused(
                f"receivers.{name}: kind {receiver.kind} has no place in Azure; "
                "take webhook, or terminal for a log record"
            )
