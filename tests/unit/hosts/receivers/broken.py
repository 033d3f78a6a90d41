"""Receivers on the loopback that fail in every way in which a receiver can, and one that works."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket], None]


def request(connection: socket.socket) -> dict[str, object]:
    """Read one POST, and return its JSON."""
    content = b""
    while b"\r\n\r\n" not in content:
        content += connection.recv(65536)
    head, _, body = content.partition(b"\r\n\r\n")
    (length,) = (
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    found: dict[str, object] = json.loads(body)
    return found


def answering(status: int, *headers: str) -> Behaviour:
    """Answer every request with a status."""
    told = "".join(f"{header}\r\n" for header in ("Content-Length: 0", *headers))

    def answer(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(f"HTTP/1.1 {status} So\r\n{told}\r\n".encode())

    return answer


def hanging(connection: socket.socket) -> None:
    """Take the request and never answer."""
    request(connection)
    while connection.recv(1):
        pass


def dripping(connection: socket.socket) -> None:
    """Answer one byte at a time, without end."""
    request(connection)
    with contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.01)


def dropping(connection: socket.socket) -> None:
    """Take the request and hang up."""
    request(connection)


def speaking(connection: socket.socket) -> None:
    """Speak first, and no HTTP: what a TLS client, too, takes for a broken handshake."""
    connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
    with contextlib.suppress(OSError):
        connection.recv(65536)


@contextmanager
def served(behave: Behaviour) -> Iterator[str]:
    """Serve one behaviour; gives the address as `127.0.0.1:PORT`."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
