"""Addresses of receivers: posted to as they are, or refused without being repeated."""

from __future__ import annotations

import pytest

from fleet.document.addresses import address_fault


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost", "https://pager.example/hook?token=x", "http://127.0.0.1:9/hook",
        "https://[::1]:8443/", "https://pager.example/%C3%A4", "env:PAGER_URL", "env:_x1",
    ],
)  # fmt: skip
def test_an_address_is_taken(url: str) -> None:
    assert address_fault(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "secret", "//secret/hook", "ftp://secret/hook", "http://", "https:///secret",
        "http://secret:99999/", "http://secret:port/", "http://[secret/", "http://secret host/",
        "http://secret/a b", "http://secret/\r\nX: y", "http://sécret/", "http://u:secret@host/",
        "http://host:0/secret", "env:", "env:secret url", "env:SECRET-URL", "javascript:secret",
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_repeated(url: str) -> None:
    fault = address_fault(url)
    assert fault
    assert "secret" not in fault
