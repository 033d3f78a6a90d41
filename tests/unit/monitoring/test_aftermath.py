"""What an announced event came to, in words."""

from __future__ import annotations

import pytest

from monitoring.aftermath import Outcome, aftermath


@pytest.mark.parametrize(
    ("windows", "moved", "alerts", "outcome", "words"),
    [
        (4, 2, 1, Outcome.EXPLAINED, "explained 1 alert"),
        (4, 0, 2, Outcome.EXPLAINED, "explained 2 alerts"),
        (4, 0, 0, Outcome.HARMLESS, "harmless: no drift in its 4 windows"),
        (0, 0, 0, Outcome.UNUSED, "unused: no judged window lies within it"),
        (
            4, 2, 0, Outcome.MOVED,
            "drift in 2 of its 4 windows, but this event explained no alert",
        ),
    ],
)  # fmt: skip
def test_an_outcome_follows_from_windows_and_alerts(
    windows: int, moved: int, alerts: int, outcome: Outcome, words: str
) -> None:
    found = aftermath(windows, moved, alerts)
    assert (found.outcome, found.reason) == (outcome, words)
