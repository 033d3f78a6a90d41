"""A mail server of a few commands."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from tests.unit.hosts.receivers.vendors import mail
from tests.unit.hosts.receivers.vendors.server import Answer, Request, Vendor


class Smtp(Vendor):
    """Takes mail; `size` is what it announces, `faults` are replies to the next `MAIL FROM`."""

    def __init__(self, size: int = 10_000_000, login: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.size, self.login = size, login
        self.messages: list[EmailMessage] = []
        self.rejects: set[str] = set()

    def handle(self, request: Request) -> Answer:
        self.messages.append(mail.parsed(request.body))
        return Answer(250)

    def incidents(self) -> list[tuple[str, ...]]:
        return [tuple(map(_event, one)) for one in mail.threads(self.messages).values()]

    def text(self) -> str:
        return "\n".join(map(mail.shown, self.messages))


def _event(subject: str) -> str:
    words = {"still firing": "reminder", "acknowledged": "acknowledged", "resolved": "resolved"}
    return next((event for word, event in words.items() if f"] {word}: " in subject), "firing")


class _Connection(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        vendor: Smtp = self.server.vendor
        self._say("220 mail.example ESMTP")
        rejected = False
        while line := self.rfile.readline():
            word = line.strip().decode()
            verb = word.split(" ")[0].upper()
            if verb == "EHLO":
                self._say(f"250-mail.example\r\n250-SIZE {vendor.size}\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                self._login(vendor, word)
            elif verb == "MAIL" and (vendor.down or vendor.faults):
                self._say(f"{(vendor.down or vendor.faults.pop(0)).status} no")
            elif verb == "RCPT":
                rejected = word.partition("<")[2].rstrip(">") in vendor.rejects
                self._say("550 nobody" if rejected else "250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                content = self._data()
                too_large = len(content) > vendor.size
                if not too_large:
                    vendor.handle(Request("", {}, content))
                self._say("552 too large" if too_large else "250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _login(self, vendor: Smtp, word: str) -> None:
        _, user, password = base64.b64decode(word.split(" ")[2]).decode().split("\0")
        self._say("235 in" if (user, password) == vendor.login else f"535 not {password}")

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True


@contextmanager
def serving(vendor: Smtp) -> Iterator[Smtp]:
    """Serve a mail server on the loopback."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.vendor = vendor  # type: ignore[attr-defined]
        vendor.url = f"smtp://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()
