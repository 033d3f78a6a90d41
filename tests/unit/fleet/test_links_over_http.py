"""Links over HTTP: a GET shows a form, its POST acts once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import azure.functions as func
import pytest

from dashboards import pages
from fleet.links import link, signed
from hosts import face, secure
from tests.unit.fleet.desk import NOW, Desk
from tests.unit.fleet.test_links import KEYS, PAGE, of, paged

__all__ = ["paged"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes the fact in before the answer."""
    monkeypatch.setattr(face, "PATIENCE", 0.0)


def request(method: str, text: str, body: bytes = b"", **headers: str) -> func.HttpRequest:
    return func.HttpRequest(
        method, f"/links/{text}", headers=headers, route_params={"link": text}, body=body
    )


def opened(desk: Desk, text: str) -> func.HttpResponse:
    return face.form(lambda: pages.link(desk.service, text))


def sent(desk: Desk, text: str, body: bytes = b"", **headers: str) -> func.HttpResponse:
    asked = request("POST", text, body, **headers)
    answer = face.link(lambda: desk.service, asked, pages.followed)
    desk.settle()
    return answer


def commands(desk: Desk) -> list[tuple[str, str, str]]:
    said = desk.said("oncall:shop", "command")
    return [(line["verb"], line["by"], line["reason"]) for line in said]


def test_a_link_that_is_only_opened_does_nothing(paged: Desk) -> None:
    for _ in range(5):
        answer = opened(paged, of("ack"))
        assert answer.status_code == 200
    page = answer.get_body().decode()
    assert '<form method="post">' in page
    assert "<button>acknowledge</button>" in page
    assert "shop:drift-1 (demand)" in page
    paged.settle()
    assert commands(paged) == []


def test_the_post_of_its_form_acts(paged: Desk, hasty: None) -> None:
    assert sent(paged, of("ack"), b"reason=on+it").status_code == 202
    assert commands(paged) == [("ack", "link to duty", "on it")]
    sent(paged, of("silence"), b"", **{"x-ms-client-principal-name": "ada@shop.test"})
    assert commands(paged)[1:] == [("silence", "ada@shop.test", "")]


def test_a_form_is_sent_to_this_app_alone_and_shows_text(paged: Desk) -> None:
    odd = signed(replace(link(PAGE, "ack", NOW), model="<script>alert(1)</script>"), KEYS)
    answer = opened(paged, odd)
    assert b"<script>" not in answer.get_body()
    assert "form-action 'self'" in answer.headers[secure.CSP]
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_one_that_expired_has_no_form(paged: Desk) -> None:
    paged.clock.moment = NOW + timedelta(days=1)
    page = opened(paged, of("ack")).get_body().decode()
    assert "<form" not in page
    assert "This link expired at 2024-03-05 10:00 UTC." in page


@pytest.mark.parametrize("text", ["x", "", "a.b", of("ack")[:-9], of("ack").swapcase()])
def test_what_was_not_made_here_is_refused(paged: Desk, text: str) -> None:
    for answer in (opened(paged, text), sent(paged, text)):
        assert answer.status_code == 403
        assert json.loads(answer.get_body())["error"].startswith("this link was not made here")
    assert commands(paged) == []
    # Only the use of one is told: scanners open damaged links.
    assert len(paged.said("fleet", "noticed")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 202),
        (b"reason=", 202),
        (b"reason=" + b"x" * 5_000, 202),
        (b"\xff\xfe\x00", 202),
        (b"reason=a%00b", 400),
        (b"reason=%1b[31m", 400),
        (b"reason=1&reason=2", 202),
        (b"{}", 202),
    ],
)
def test_an_odd_body_is_taken_or_refused(
    paged: Desk, hasty: None, body: bytes, status: int
) -> None:
    assert sent(paged, of("ack"), body).status_code == status
    assert len(commands(paged)) == (status == 202)
