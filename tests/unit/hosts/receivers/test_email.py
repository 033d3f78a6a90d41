"""E-mail over SMTP, to a server on the loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import Refused, Unavailable
from fleet.document.receivers import EmailReceiver
from hosts.receivers import http
from hosts.receivers.email import Email, Server, open_email
from monitoring.alerts.paging import Event
from tests.unit.hosts.receivers.pages import AT, around, tell
from tests.unit.hosts.receivers.vendors.server import Answer
from tests.unit.hosts.receivers.vendors.smtp import Smtp, serving

SENDER, TO = "driftwarden@ops.example", ("ann@ops.example", "bob@ops.example")


@pytest.fixture
def vendor(outside: None) -> Iterator[Smtp]:
    with serving(Smtp(login=("dw", "s3cret"))) as found:
        yield found


def channel(vendor: Smtp, tls: str = "none", user: str = "", password: str = "") -> Email:
    port = int(vendor.url.rpartition(":")[2])
    return Email(Server("127.0.0.1", port, tls, user, password), SENDER, TO, "")


def test_an_email_goes_to_everybody_and_a_page_is_important(vendor: Smtp) -> None:
    receipt = tell(channel(vendor), opened=AT)
    assert receipt.answer == "taken by 127.0.0.1 for 2"
    (message,) = vendor.messages
    assert (message["From"], message["To"]) == (SENDER, ", ".join(TO))
    assert (message["Subject"], message["Importance"]) == (
        "[page] flights: weather feed missing", "high",
    )  # fmt: skip
    assert message["References"] is None


def test_an_incident_is_one_conversation_and_a_repeat_one_message(vendor: Smtp) -> None:
    there = channel(vendor)
    for _ in range(2):
        tell(there, opened=AT)
    tell(there, "k2", AT + timedelta(hours=1), event=Event.RESOLVED, opened=AT)
    first, again, end = vendor.messages
    assert first["Message-ID"] == again["Message-ID"] == end["References"] == end["In-Reply-To"]
    assert end["Message-ID"] != first["Message-ID"]


@pytest.mark.parametrize("text", ["é" * 400, "🚨 " * 200, "שלום " * 100, "x" * 2000, "a, b; <c@d>"])
def test_every_line_is_short_and_of_seven_bits(vendor: Smtp, text: str) -> None:
    tell(channel(vendor), title=text, lines=(text,))
    assert len(vendor.messages) == 1
    assert text.strip() in vendor.text().replace("\n", "")


@pytest.mark.parametrize("size", [20_000, 100_000, 0])
def test_an_email_is_cut_to_what_the_server_announces(vendor: Smtp, size: int) -> None:
    vendor.size = size or 10_000_000
    tell(channel(vendor), lines=tuple("🚨é<" * 8000 for _ in range(20)))
    assert "characters)" in vendor.text() or "left out" in vendor.text()


@pytest.mark.parametrize(
    ("code", "error", "kind"),
    [
        (421, Unavailable, "serverError"),
        (451, Unavailable, "serverError"),
        (530, Refused, "authError"),
        (550, Refused, "clientError"),
        (552, Refused, "clientError"),
    ],
)
def test_a_refusal_is_told_by_its_class(
    vendor: Smtp, code: int, error: type[Exception], kind: str
) -> None:
    vendor.faults = [Answer(code)]
    with pytest.raises(error) as caught:
        tell(channel(vendor))
    assert str(caught.value) == f"receiver ops: SMTP {code} ({kind})"


def test_a_login_that_fails_names_no_password(vendor: Smtp) -> None:
    with pytest.raises(Refused) as caught:
        tell(channel(vendor, user="dw", password="wr0ng"))
    assert str(caught.value) == "receiver ops: SMTP 535 to the login (authError)"
    tell(channel(vendor, user="dw", password="s3cret"))
    assert len(vendor.messages) == 1


def test_one_address_that_is_refused_does_not_cost_the_others_theirs(vendor: Smtp) -> None:
    vendor.rejects = {TO[0]}
    assert tell(channel(vendor)).answer == "taken by 127.0.0.1 for 1, not to 1 that it refused"
    vendor.rejects = set(TO)
    with pytest.raises(Refused, match=r"SMTP 550 to every address \(clientError\)"):
        tell(channel(vendor))


def test_a_server_without_starttls_gets_no_mail_in_the_clear(vendor: Smtp) -> None:
    with pytest.raises(Refused, match=r"lacks STARTTLS or the login; see `tls` \(clientError\)"):
        tell(channel(vendor, "starttls"))
    assert vendor.messages == []


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("greeting", [b"", b"2", b"554 go away\r\n", b"SSH-2.0\r\n"])
def test_whatever_greets_there_is_a_failure_in_our_own_words(
    greeting: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)
                connection.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises((Unavailable, Refused), match=r"^receiver ops: [\w ,.]+ \(\w+\)$"):
            tell(Email(Server("127.0.0.1", port, "none"), SENDER, TO, ""))
        thread.join(5)
        assert not thread.is_alive()


def test_the_server_may_stand_in_a_setting(vendor: Smtp, tmp_path: Path) -> None:
    policy = EmailReceiver(
        kind="email", url="env:MAIL", sender=SENDER, to=TO, tls="none",
        username="dw", password="env:PASSWORD",
    )  # fmt: skip
    settings = {"MAIL": vendor.url, "PASSWORD": "s3cret"}
    tell(open_email("ops", policy, around(tmp_path, settings)))
    assert len(vendor.messages) == 1
    for url in ("mail.example", "env:OTHER", "http://mail.example"):
        with pytest.raises(Refused, match=r"^receivers\.ops\.url: write smtp://HOST:PORT$"):
            open_email("ops", policy, around(tmp_path, {**settings, "MAIL": url}))
