"""Requests however they are cut into packets."""

from __future__ import annotations

import pytest
from waitress.adjustments import Adjustments

from hosts.local.functions.connection import MAX_HEADERS, Parser

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


def read(*packets: bytes) -> Parser:
    # Its defaults; making one looks up the name of the address.
    parser = Parser(Adjustments.__new__(Adjustments))
    for packet in packets:
        while packet and not parser.completed:
            packet = packet[parser.received(packet) :]
    return parser


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (GET + b"\r\n", None),
        (GET + b"X-A: b\r\n" * (MAX_HEADERS - 1) + b"\r\n", None),
        (GET + b"X-A: b\r\n" * MAX_HEADERS + b"\r\n", 431),
        (b"\r\n" + GET + b"\r\n", None),
        (GET + b"Content-Length: 3\r\n\r\nabc", None),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", None),
        (
            GET + b"transfer-ENCODING: chunked\r\nCONTENT-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            400,
        ),
        (GET + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (GET + b"X-Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx", None),
        (GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (GET + b"X-A: b\r\n\tc\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", None),
        (b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.2\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (GET + b"Content-Length: " + b"1" * 5000 + b"\r\n\r\n", 400),
    ],
)
def test_a_request_is_judged_alike_in_one_packet_and_byte_by_byte(
    sent: bytes, code: int | None
) -> None:
    for packets in ([sent], [sent[i : i + 1] for i in range(len(sent))]):
        parser = read(*packets)
        assert parser.completed
        assert (parser.error.code if parser.error else None) == code


def test_a_body_is_asked_for_only_where_one_is_to_come() -> None:
    expects = GET + b"Expect: 100-continue\r\n"
    assert read(expects + b"Content-Length: 3\r\n\r\n").expect_continue
    assert not read(expects + b"\r\n").expect_continue
    assert not read(expects + b"Content-Length: 9999999999\r\n\r\n").expect_continue
