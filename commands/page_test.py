"""Sends a marked test to one receiver, and its end, and returns what the vendor answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from commands import output
from engine.errors import DriftwardenError, Refused
from hosts import read_config
from hosts.kinds import HOSTS
from hosts.receivers.paging import Pager, open_pager
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page


def page_test(fleet: Path, receiver: str, now: datetime) -> list[dict[str, str]]:
    """Send the test and its end over the receiver of fleet.yaml; the store is not opened.

    Raises
    ------
    Refused, Unavailable
        The receiver did not take it; what it answered is told before.
    """
    config = read_config(fleet)
    known = config.document.receivers
    if receiver not in known:
        raise Refused(f"{receiver}: no such receiver; fleet.yaml has {', '.join(sorted(known))}")
    kind = HOSTS[config.document.store.partition(":")[0]]
    around = kind.surroundings(config, fleet.parent)
    pager = open_pager({receiver: known[receiver]}, kind.openers(), around)
    try:
        return list(_sent(pager, receiver, now))
    except DriftwardenError as error:
        for note in getattr(error, "__notes__", ()):
            output.tell(note)
        raise


def _sent(pager: Pager, receiver: str, now: datetime) -> Iterator[dict[str, str]]:
    name = f"test:{Event.TEST}-{now:%Y%m%dT%H%M%S}"
    test = Page(
        key=f"{name}:{receiver}",
        receiver=receiver,
        event=Event.TEST,
        severity=Severity.PAGE,
        title=f"TEST of receiver {receiver}, nothing is wrong",
        lines=("sent by `driftwarden page-test`; nobody has to do anything",),
        alerts=(f"driftwarden:test-{now:%Y%m%dT%H%M%S}",),
        incident=name,
        opened=now,
        since=(now,),
    )
    taken = pager.test(test, now)
    yield {"event": test.event, "answer": taken.answer}
    title = f"TEST of receiver {receiver} is over"
    end = replace(test, key=f"{name}:end:{receiver}", event=Event.RESOLVED, title=title)
    over = pager.test(replace(end, handle=taken.handle), now)
    yield {"event": end.event, "answer": over.answer}
