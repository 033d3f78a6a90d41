from __future__ import annotations

from hosts.local.functions.http import plain


def test_a_response_finds_its_headers_whatever_the_case() -> None:
    response = plain(405, "no", ("Allow", "GET"))
    assert response.header("allow") == "GET"
    assert response.header("x-none") is None
    assert response.body == b"no\n"
