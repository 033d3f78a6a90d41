"""Receivers by name, over the channels that a host opens."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import Refused, Unavailable
from fleet.document.receivers import FileReceiver, Receiver, TerminalReceiver, WebhookReceiver
from fleet.document.variants import variants
from hosts.azure.receivers import OPENERS as AZURE
from hosts.local.receivers import OPENERS as LOCAL
from hosts.receivers.paging import Openers, Pager, Receipt, Surroundings, open_pager
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Page
from tests.unit.hosts.receivers.pages import AT, PAGE, around


@dataclass
class Told:
    """A channel that keeps what it was given."""

    name: str
    path: str = ""
    sent: list[tuple[Page, datetime]] = field(default_factory=list)

    def send(self, page: Page, at: datetime) -> Receipt:
        self.sent.append((page, at))
        return Receipt("taken")


def open_told(name: str, policy: FileReceiver, around: Surroundings) -> Told:
    return Told(name, str(around.folder / policy.path))


OPENERS = Openers("in this test", {FileReceiver: open_told})


def test_a_page_goes_whole_to_its_own_receiver() -> None:
    ops, night = Told("ops"), Told("night")
    pager = Pager({"ops": ops, "night": night})
    pager.page(PAGE, AT, AT)
    pager.page(replace(PAGE, receiver="night"), AT, AT)
    assert ops.sent == [(PAGE, AT)]
    assert night.sent == [(replace(PAGE, receiver="night"), AT)]


@dataclass
class Failing(Told):
    """A channel that raises what it is given, as long as there is something."""

    errors: list[Exception] = field(default_factory=list)

    def send(self, page: Page, at: datetime) -> Receipt:
        taken = super().send(page, at)
        if self.errors:
            raise self.errors[0]
        return taken


def tries(pager: Pager, channel: Failing, page: Page, now: datetime) -> tuple[int, Unavailable]:
    """Fail to send a page; return how often the channel was asked, and the error."""
    before = len(channel.sent)
    with pytest.raises(Unavailable) as caught:
        pager.page(page, AT, now)
    return len(channel.sent) - before, caught.value


def test_a_receiver_that_failed_is_not_asked_again_before_its_delay_is_over() -> None:
    ops = Failing("ops", errors=[Unavailable("HTTP 503", timedelta(seconds=30))])
    pager = Pager({"ops": ops, "night": Told("night")})
    assert tries(pager, ops, PAGE, AT)[0] == 1
    other = replace(PAGE, key="k2", incident="another")
    asked, error = tries(pager, ops, other, AT + timedelta(seconds=10))
    assert (asked, str(error), error.delay) == (0, "HTTP 503", timedelta(seconds=20))
    pager.page(replace(PAGE, receiver="night"), AT, AT)
    # One trial when the delay is over, for whichever message comes first.
    assert tries(pager, ops, other, AT + timedelta(seconds=30))[0] == 1
    assert tries(pager, ops, PAGE, AT + timedelta(seconds=30))[0] == 0
    ops.errors.clear()
    pager.page(PAGE, AT, AT + timedelta(seconds=90))
    pager.page(other, AT, AT + timedelta(seconds=90))
    assert len(ops.sent) == 4


@pytest.mark.parametrize(
    ("severity", "longest"),
    [(Severity.PAGE, timedelta(minutes=2)), (Severity.TICKET, timedelta(minutes=15))],
)
def test_a_message_is_tried_again_soon_whatever_the_receiver_asks_for(
    severity: Severity, longest: timedelta
) -> None:
    ops = Failing("ops", errors=[Unavailable("HTTP 429", timedelta(hours=1))])
    _, error = tries(Pager({"ops": ops}), ops, replace(PAGE, severity=severity), AT)
    # The outbox adds up to a quarter.
    assert longest * 0.7 < error.delay == error.longest
    assert error.longest * 1.25 <= longest


def test_a_receiver_that_refuses_a_message_is_asked_for_the_next() -> None:
    ops = Failing("ops", errors=[Refused("HTTP 400")])
    pager = Pager({"ops": ops})
    for _ in range(2):
        with pytest.raises(Refused, match="HTTP 400"):
            pager.page(PAGE, AT, AT)
    assert len(ops.sent) == 2


@pytest.mark.parametrize(("known", "told"), [({"ops", "desk"}, "desk, ops"), (set(), "none")])
def test_an_unknown_receiver_is_refused_with_the_known_ones(known: set[str], told: str) -> None:
    pager = Pager({name: Told(name) for name in known})
    with pytest.raises(Refused, match=f"receiver 'dev': unknown, the configuration has {told}$"):
        pager.page(replace(PAGE, receiver="dev"), AT, AT)


def test_each_receiver_is_opened_by_the_opener_of_its_kind(tmp_path: Path) -> None:
    opened: list[Told] = []

    def kept(name: str, policy: FileReceiver, around: Surroundings) -> Told:
        opened.append(open_told(name, policy, around))
        return opened[-1]

    receivers: dict[str, Receiver] = {
        name: FileReceiver(kind="file", path=f"{name}.jsonl") for name in ("ops", "desk")
    }
    openers = replace(OPENERS, by_policy={FileReceiver: kept})
    open_pager(receivers, openers, around(tmp_path)).page(PAGE, AT, AT)
    assert [(one.name, one.path, len(one.sent)) for one in opened] == [
        ("ops", str(tmp_path / "ops.jsonl"), 1),
        ("desk", str(tmp_path / "desk.jsonl"), 0),
    ]


def test_a_kind_that_the_host_lacks_is_refused_with_those_it_has(tmp_path: Path) -> None:
    receivers: dict[str, Receiver] = {
        "duty": FileReceiver(kind="file", path="a.jsonl"),
        "desk": TerminalReceiver(kind="terminal"),
        "ops": WebhookReceiver(kind="webhook", url="http://127.0.0.1/"),
    }
    assert list(OPENERS.lacks(receivers)) == [
        ("desk", "kind terminal has no place in this test; take file"),
        ("ops", "kind webhook has no place in this test; take file"),
    ]
    with pytest.raises(Refused, match=r"^receivers\.desk: kind terminal has no place in this test"):
        open_pager(receivers, OPENERS, around(tmp_path))


def test_every_kind_of_receiver_has_a_host() -> None:
    kinds = set(variants(Receiver).values())
    assert kinds == set(LOCAL.by_policy) | set(AZURE.by_policy)
