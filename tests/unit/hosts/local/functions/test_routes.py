from __future__ import annotations

import pytest

from engine.errors import Refused
from hosts.local.functions.routes import NoMethod, Routes, parse_route


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
        ("static/{*rest}", "/STATIC//x/", {"rest": "/x"}),
        ("{*rest}", "/", {"rest": ""}),
        ("api/models/{m}", "/api/models/a%2Fb", {"m": "a%2Fb"}),
        ("api/models/{m}", "/%61pi/models/%C3%A9", {"m": "é"}),
        ("api/models/{m}", "/api//models/x", None),
        ("a.b/{m}", "/aXb/x", None),
    ],
)
def test_match(template: str, path: str, expected: dict[str, str] | None) -> None:
    found = Routes([("f", parse_route(template), {"GET"})]).find("GET", path)
    assert found == (None if expected is None else ("f", expected))


@pytest.mark.parametrize(
    "template", ["a/{id:int}", "a/{b?}", "a-{b}", "a//b", "{*rest}/b", "{}", "<x>", "a'b", "{__m}"]
)
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


def test_a_literal_goes_before_a_parameter_and_a_parameter_before_the_rest() -> None:
    routes = Routes(
        [
            ("rest", parse_route("{*rest}"), {"GET"}),
            ("view", parse_route("api/{view}"), {"GET"}),
            ("commands", parse_route("api/commands"), {"POST"}),
        ]
    )
    assert routes.find("POST", "/api/Commands") == ("commands", {})
    assert routes.find("GET", "/api/Commands") == ("view", {"view": "Commands"})
    assert routes.find("GET", "/api/x/y") == ("rest", {"rest": "api/x/y"})
    assert routes.find("HEAD", "/api/x") == ("view", {"view": "x"})
    with pytest.raises(NoMethod) as refused:
        routes.find("PUT", "/api/commands")
    assert set(refused.value.allowed) == {"GET", "HEAD", "POST"}
