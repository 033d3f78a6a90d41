"""The page of a backtest: every count and threshold of its document, drawn and complete."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboards import pages
from dashboards.backtest import view
from monitoring.drift.rules import Rule

NOW = datetime(2024, 5, 1, 8, tzinfo=UTC)
RULES = ("driftwarden, a day alone", "driftwarden, persistent", *map(str, Rule))


@pytest.fixture
def found() -> dict[str, Any]:
    """Ten days of two features; `x<y` fires on the last three."""
    days = [(date(2024, 4, 1) + timedelta(days=n)).isoformat() for n in range(10)]
    last = [0] * 7 + [1] * 3
    fired = dict.fromkeys(RULES, 3)
    plain = {"threshold": 0.1, "drifted": 3, "largest": 0.4}
    return {
        "model": "demand", "first": days[0], "last": days[-1], "windows": 10, "months": 0.33,
        "calibrated": True, "notes": ["a <note>"],
        "budget": {"pages": 1.0, "days": 30.44, "allowed": 0},
        "alerts": {
            "now": {"pages": 1, "tickets": 0, "pages_a_month": 3.0, "tickets_a_month": 0.0},
            "proposed": {"pages": 0, "tickets": 2, "pages_a_month": 0, "tickets_a_month": 6.1},
        },
        "rules": [
            {"rule": rule, "windows": 3, "windows_a_month": 9.1, "feature_windows": 3}
            for rule in RULES
        ],
        "features": [
            {**plain, "name": "x<y", "proposed": 0.401, "windows": fired},
            {**plain, "name": "calm", "proposed": None, "windows": dict.fromkeys(RULES, 0)},
        ],
        "series": {
            "days": days, "events": [None] * 9 + ["strike"], "pages": [days[7]], "tickets": [],
            "merged": {"x<y": [None, *[0.001] * 6, 0.2, 0.3, 0.4], "calm": [0.001] * 10},
            "fired": dict.fromkeys(RULES, last),
        },
    }  # fmt: skip


def test_a_lane_a_rule_and_a_drawing_a_feature_that_fired(found: dict[str, Any]) -> None:
    shown = view(found)
    assert [lane.name for lane in shown.lanes] == list(RULES)
    # One of two features: half as high as the lane, from the eighth day on.
    assert shown.lanes[0].path == "M7 100v-50h1V100zM8 100v-50h1V100zM9 100v-50h1V100z"
    assert shown.pages == "M7 100v-100h1V100z"
    assert (shown.tickets, shown.events) == ("", "M9 100v-100h1V100z")
    (drawing,) = shown.drawings
    assert (drawing.name, drawing.threshold, drawing.proposed) == ("x<y", 0.1, 0.401)
    threshold, proposed = drawing.levels
    assert proposed is not None
    assert proposed < threshold
    assert drawing.path.count("L") == 8
    assert shown.left_out == 1


def test_the_page_is_complete_and_escaped(found: dict[str, Any]) -> None:
    text = pages.backtest(found, NOW)
    assert "1 page, 0 tickets" in text
    assert "0 pages, 2 tickets" in text
    assert "x&lt;y" in text
    assert "a &lt;note&gt;" in text
    assert "x<y" not in text
    # No script, and nothing that is fetched.
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
    for rule in RULES:
        assert rule.replace(">", "&gt;").replace("<", "&lt;") in text


def test_what_could_not_be_calibrated_says_so(found: dict[str, Any]) -> None:
    text = pages.backtest({**found, "calibrated": False}, NOW)
    assert "No alert would have paged" in text
