"""Pages as e-mails over SMTP."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from email import policy as policies
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from urllib.parse import urlsplit

from engine.errors import Refused, Unavailable
from fleet.document.addresses import MAIL_FORM, mail_server_fault
from fleet.document.receivers import EmailReceiver
from hosts.receivers import failures, http, posting
from hosts.receivers.failures import Failure
from hosts.receivers.letter import LINES, letter
from hosts.receivers.paging import Receipt, Surroundings
from monitoring.alerts.paging import Page

#: Every line in ASCII: smtplib announces no eight-bit body.
SEVEN = policies.compat32.clone(linesep="\r\n", cte_type="7bit")
PORTS = {"starttls": 587, "implicit": 465, "none": 25}


@dataclass(frozen=True)
class Server:
    """A mail server, and how to get in."""

    host: str
    port: int
    tls: str
    username: str = ""
    password: str = ""


class Email:
    """One e-mail a page, to everybody at once; a repeat has the same Message-ID."""

    def __init__(self, server: Server, sender: str, to: tuple[str, ...], base_url: str) -> None:
        self._server, self._sender, self._to, self._base_url = server, sender, to, base_url

    def send(self, page: Page, at: datetime) -> Receipt:
        """See `hosts.receivers.paging.Channel`."""
        return bounded(page.receiver, lambda connection: self._deliver(connection, page, at))

    def _deliver(self, connection: Connection, page: Page, at: datetime) -> Receipt:
        with connection.opened(self._server) as smtp:
            size = smtp.esmtp_features.get("size", "")
            most = int(size) if size.isdigit() and int(size) > 0 else 0
            content = self._written(page, at, LINES)
            if most and len(content) > most:
                # An e-mail has each line twice, in base64.
                content = self._written(page, at, max(most // 8 - 2000, 500))
            refused = smtp.sendmail(self._sender, self._to, content)
        left = f", not to {len(refused)} that it refused" if refused else ""
        return Receipt(f"taken by {self._server.host} for {len(self._to) - len(refused)}{left}")

    def _written(self, page: Page, at: datetime, most: int) -> bytes:
        told = letter(page, at, self._sender, self._base_url, most)
        mail = MIMEMultipart("alternative", policy=SEVEN)
        mail["Subject"] = Header(told.subject, "utf-8", maxlinelen=75).encode()
        mail["From"], mail["To"] = self._sender, ", ".join(self._to)
        mail["Date"] = format_datetime(at)
        for name, value in told.headers.items():
            mail[name] = value
        for kind, text in (("plain", told.text), ("html", told.html)):
            mail.attach(MIMEText(text, kind, "utf-8", policy=SEVEN))
        return mail.as_bytes(policy=SEVEN)


class Connection:
    """One connection, which can be cut from outside."""

    def __init__(self) -> None:
        self._smtp: smtplib.SMTP | None = None

    @contextlib.contextmanager
    def opened(self, server: Server) -> Iterator[smtplib.SMTP]:
        """Connect, encrypt and log in."""
        trust = ssl.create_default_context()
        if server.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(timeout=http.TIMEOUT, context=trust)
        else:
            smtp = smtplib.SMTP(timeout=http.TIMEOUT)
        self._smtp = smtp
        # The name that a certificate is checked against.
        smtp._host = server.host  # type: ignore[attr-defined]
        with smtp:
            code, said = smtp.connect(server.host, server.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if server.tls == "starttls":
                smtp.starttls(context=trust)
            if server.username:
                smtp.login(server.username, server.password)
            smtp.ehlo_or_helo_if_needed()
            yield smtp

    def cut(self) -> None:
        """Shut the connection down, so that the thread that reads it ends."""
        with contextlib.suppress(OSError, AttributeError):
            self._smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def bounded(receiver: str, deliver: Callable[[Connection], Receipt]) -> Receipt:
    """Return the receipt of a delivery that is over within the time of `http.TIMEOUT`."""
    connection, done = Connection(), Future[Receipt]()

    def work() -> None:
        try:
            done.set_result(deliver(connection))
        except Exception as error:  # noqa: BLE001 - it is raised by the caller's thread
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        return done.result(http.TIMEOUT)
    except (smtplib.SMTPException, OSError) as error:
        connection.cut()
        raise _failure(receiver, error) from None


def _failure(receiver: str, error: Exception) -> Refused | Unavailable:
    """Return the error for a failure; what the server said is not repeated, only its code."""
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            return failures.raised(receiver, f"SMTP {code} to the login", Failure.AUTH)
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            code = min((code for code, _ in refused.values()), default=550)
            return failures.raised(receiver, f"SMTP {code} to every address", _class(code))
        case smtplib.SMTPResponseException(smtp_code=code) if code >= 200:
            return failures.raised(receiver, f"SMTP {code}", _class(code))
        case smtplib.SMTPNotSupportedError():
            words = "the server lacks STARTTLS or the login; see `tls`"
            return failures.raised(receiver, words, Failure.CLIENT)
        case smtplib.SMTPException():
            return failures.raised(receiver, f"no SMTP, {type(error).__name__}", Failure.SERVER)
        case TimeoutError():
            words = f"no answer within {http.TIMEOUT:g} s"
            return failures.raised(receiver, words, Failure.TIMEOUT)
        case _:
            words = error.strerror if isinstance(error, OSError) and error.strerror else ""
            return failures.raised(receiver, words or type(error).__name__, Failure.SERVER)


def _class(code: int) -> Failure:
    if code in (530, 535):
        return Failure.AUTH
    return Failure.CLIENT if code >= 500 else Failure.SERVER


def open_email(name: str, policy: EmailReceiver, around: Surroundings) -> Email:
    """Open a mail server; Refused where its address is none, or a setting is missing."""
    url = around.resolved(name, policy.url)
    if mail_server_fault(url) is not None or url.startswith("env:"):
        raise Refused(f"receivers.{name}.url: {MAIL_FORM}")
    parts = urlsplit(url)
    password = posting.secret(name, policy.password, around)
    port = parts.port or PORTS[policy.tls]
    server = Server(parts.hostname or "", port, policy.tls, policy.username or "", password)
    return Email(server, policy.sender, policy.to, around.base_url)
