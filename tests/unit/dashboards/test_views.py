from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboards import views
from dashboards.days import Day
from engine.store import instant
from fleet.document.policies import Watched

AT = datetime(2013, 4, 2, tzinfo=UTC)
STATE = {"champion": "v2", "since": instant(AT), "halted": None, "dormant": False, "freezes": []}


@pytest.fixture
def watched(service: Callable[..., Any]) -> Watched:
    return service().fleet.models["flights"]


def words(found: views.ModelView) -> list[tuple[str, str]]:
    return [(pill.word, pill.look) for pill in found.pills]


def test_nothing_known_is_never_good(watched: Watched) -> None:
    found = views.model(watched, STATE, [], AT)
    assert words(found) == [
        ("none firing", "none"), ("no window yet", "none"), ("no labels yet", "none"),
    ]  # fmt: skip
    assert (found.pictures, found.latest, found.since) == (None, None, AT)


def test_too_few_rows_or_labels_are_no_good_news() -> None:
    days = [Day(date(2013, 4, 1), verdict="insufficient", health="insufficient")]
    looks = [pill.look for pill in views.pills(days, [])]
    assert looks == ["good", "none", "none"]


def test_how_a_model_stands_is_what_its_newest_windows_say(
    watched: Watched, records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    told = [
        (AT, line("assessed", verdict="drifted")),
        (AT, line("joined", health="degraded")),
        (AT, line("assessed", window="2013-04-02", verdict="stable")),
        (AT, line("alert", severity="page")),
        (AT, line("alert", alert="run-1")),
        (AT, line("rollout")),
    ]
    found = views.model(watched, STATE, records(told), AT)
    assert words(found) == [("1 paging", "bad"), ("stable", "good"), ("degraded", "bad")]
    assert [alert.id for alert in found.firing] == ["drift-1", "run-1"]
    assert found.under_way is not None
    assert found.under_way.challenger == "v2"


def test_what_an_operator_must_know_is_said_on_top(watched: Watched) -> None:
    freezes = [
        {"until": instant(AT + timedelta(hours=1)), "by": "ada", "reason": "audit"},
        {"until": instant(AT), "by": "bob", "reason": "over"},
    ]
    state = {**STATE, "halted": "journal broken", "dormant": True, "freezes": freezes}
    assert views.model(watched, state, [], AT).warnings == (
        "Halted: journal broken; fix the cause, then: driftwarden resume flights",
        "Dormant: this model is no longer in fleet.yaml.",
        "Frozen until 2013-04-02 01:00 by ada: audit",
    )


def test_a_stream_that_fell_silent_shows_blank_days_up_to_now(
    watched: Watched, records: Callable[..., Any], line: Callable[..., Any]
) -> None:
    told = [
        (AT, line("assessed", window=(AT + timedelta(days=n)).date().isoformat()))
        for n in range(40)
    ]
    last = AT + timedelta(days=39)
    for later, days in ((0, 40), (10, 50), (300, 40)):
        found = views.model(watched, STATE, records(told), last + timedelta(days=later))
        assert found.pictures is not None
        assert found.pictures.days == days
