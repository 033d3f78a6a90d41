"""Pages as log records that an alert rule or a query finds, for `kind: terminal` in the cloud."""

from __future__ import annotations

import logging
from datetime import datetime

from fleet.document.receivers import TerminalReceiver
from hosts.receivers.paging import Receipt, Surroundings
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Page

logger = logging.getLogger("driftwarden.pages")


class Record:
    """Pages as log records, which end up in Application Insights' traces.

    A repeat writes its record again: the key in it tells that both are one page.
    """

    def send(self, page: Page, at: datetime) -> Receipt:  # noqa: ARG002 (the channel's)
        """See `hosts.receivers.paging.Channel`."""
        level = logging.ERROR if page.severity is Severity.PAGE else logging.WARNING
        logger.log(
            level, "%s [%s] %s: %s", page.severity, page.key, page.title, " | ".join(page.lines)
        )
        return Receipt("a record in the log")


def open_record(_name: str, _policy: TerminalReceiver, _around: Surroundings) -> Record:
    """Open the log."""
    return Record()
