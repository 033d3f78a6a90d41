"""Durations as people write them: read, or refused with the forms that are allowed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import Field, ValidationError

from engine.duration import Duration
from engine.policy import Policy

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Waits(Policy):
    """A policy of two durations."""

    wait: Duration = timedelta(0)
    hold: Duration = Field(HOUR, gt=timedelta(0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", timedelta(seconds=30)), ("5m", timedelta(minutes=5)), ("2h", 2 * HOUR),
        ("1d", DAY), ("1w", 7 * DAY), (" 2 H ", 2 * HOUR), ("1.5h", 1.5 * HOUR), ("0s", 0 * DAY),
        ("PT2H", 2 * HOUR), ("P7D", 7 * DAY), ("P2W", 14 * DAY), ("pt30m", HOUR / 2),
        ("P1DT12H", 1.5 * DAY), ("PT0.5S", timedelta(milliseconds=500)), ("PT0S", 0 * DAY),
        (0, 0 * DAY), (2 * HOUR, 2 * HOUR), ("3653d", 3653 * DAY),
    ],
)  # fmt: skip
def test_a_duration_is_read(text: object, expected: timedelta) -> None:
    assert Waits.model_validate({"wait": text}).wait == expected


FORMS = "write 30s, 5m, 2h, 1d, 1w, or ISO 8601 as PT2H"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", f"'soon' is not a duration; {FORMS}"),
        ("", f"'' is not a duration; {FORMS}"),
        ("2 hours", f"'2 hours' is not a duration; {FORMS}"),
        ("2:00", f"'2:00' is not a duration; {FORMS}"),
        ("P", f"'P' is not a duration; {FORMS}"),
        ("P1DT", f"'P1DT' is not a duration; {FORMS}"),
        ("P1M", f"'P1M' is not a duration; {FORMS}"),
        ("1h30", f"'1h30' is not a duration; {FORMS}"),
        ("²h", f"'²h' is not a duration; {FORMS}"),
        ("x" * 999, f"is not a duration; {FORMS}"),
        (7200, f"7200 has no unit; {FORMS}"),
        (120.5, f"120.5 has no unit; {FORMS}"),
        (float("nan"), f"nan has no unit; {FORMS}"),
        (float("inf"), f"inf has no unit; {FORMS}"),
        (False, f"False has no unit; {FORMS}"),
        (None, f"this has no unit; {FORMS}"),
        (["1h"], f"this has no unit; {FORMS}"),
        ("-1h", "a duration cannot be negative"),
        ("-PT1S", "a duration cannot be negative"),
        (-HOUR, "a duration cannot be negative"),
        ("P99999999D", "longer than ten years (3653 days)"),
        ("P999999999W", "longer than ten years (3653 days)"),
        ("999999999w", "longer than ten years (3653 days)"),
        ("3654d", "longer than ten years (3653 days)"),
    ],
)
def test_anything_else_is_refused_with_the_allowed_forms(text: object, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Waits.model_validate({"wait": text})
    (error,) = refused.value.errors()
    assert said in error["msg"]
    assert len(error["msg"]) < 150


@pytest.mark.parametrize("text", ["0s", "PT0S", 0])
def test_a_field_may_ask_for_more_than_nothing(text: object) -> None:
    with pytest.raises(ValidationError):
        Waits.model_validate({"hold": text})
