from __future__ import annotations

import pytest

from engine.errors import Refused
from hosts.local.functions.http import parse_route, plain


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/", "/", {}),
        ("/", "/x", None),
        ("api/models", "/api/models", {}),
        ("api/models", "/api/models/", {}),
        ("api/models", "/API/Models", {}),
        ("api/models", "/api/models/churn", None),
        ("api/models/{m}", "/api/models/Churn", {"m": "Churn"}),
        ("api/models/{m}", "/api/models", None),
        ("api/models/{m}", "/api/models/a%20b", {"m": "a b"}),
        ("static/{*rest}", "/static/css/a.css", {"rest": "css/a.css"}),
        ("static/{*rest}", "/static", {"rest": ""}),
        ("static/{*rest}", "/other", None),
    ],
)
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert parse_route(template).match(path) == expected


@pytest.mark.parametrize("template", ["a/{id:int}", "a/{b?}", "a-{b}", "a//b", "{*rest}/b", "{}"])
def test_templates_the_local_host_lacks(template: str) -> None:
    with pytest.raises(Refused, match="route"):
        parse_route(template)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("a/{x}", "a/b", True),
        ("a/{x}", "{y}/b", True),
        ("a/{x}", "a", False),
        ("a", "b", False),
        ("{*rest}", "a/b/c", True),
        ("a/{*rest}", "a", True),
        ("a/{*rest}", "b/{*rest}", False),
    ],
)
def test_overlaps(one: str, other: str, expected: bool) -> None:
    first, second = parse_route(one), parse_route(other)
    assert first.overlaps(second) is expected
    assert second.overlaps(first) is expected


def test_a_response_finds_its_headers_whatever_the_case() -> None:
    response = plain(405, "no", ("Allow", "GET"))
    assert response.header("allow") == "GET"
    assert response.header("x-none") is None
    assert response.body == b"no\n"
