"""The kinds of receiver that Azure has; an instance of the app would lose a file."""

from __future__ import annotations

from fleet.document.receivers import TerminalReceiver, WebhookReceiver
from hosts.receivers.paging import Openers
from hosts.receivers.record import open_record
from hosts.receivers.webhook import open_webhook

OPENERS = Openers(
    "in Azure",
    {
        TerminalReceiver: open_record,
        WebhookReceiver: open_webhook,
    },
)
