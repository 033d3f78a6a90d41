"""The kinds of receiver that Azure has; an instance of the app would lose a file."""

from __future__ import annotations

from fleet.document.receivers import TerminalReceiver
from hosts.receivers.openers import EVERYWHERE
from hosts.receivers.paging import Openers
from hosts.receivers.record import open_record

OPENERS = Openers(
    "in Azure",
    {**EVERYWHERE, TerminalReceiver: open_record},
)
