"""The text of a digest."""

from __future__ import annotations

import pytest

from fleet.digests.seen import LISTED, LONGEST, Seen


def test_a_day_without_anything_is_one_line() -> None:
    assert Seen(3).summary() == "nothing happened"
    assert list(Seen(3).lines()) == ["nothing happened to 3 models, and no change was reported"]
    assert list(Seen(1).lines()) == ["nothing happened to 1 model, and no change was reported"]
    assert list(Seen(0).lines()) == ["the team has no models"]


def test_a_quiet_day_still_shows_how_things_stand() -> None:
    seen = Seen(1)
    seen.add("tickets", "demand:labels-1 (ticket, 5 days): late")
    assert list(seen.lines()) == [
        "nothing happened to 1 model, and no change was reported",
        "open alerts, the oldest first:",
        "  demand:labels-1 (ticket, 5 days): late",
    ]


def test_sections_have_an_order_and_each_entry_stands_once() -> None:
    seen = Seen(2)
    for section in ("budgets", "changed", "fired", "fired", "promoted"):
        seen.add(section, f"demand: {section}")
    seen.add("fired", "fraud: fired")
    assert seen.summary() == "2 alerts fired, 1 promotion, 1 reported change"
    assert list(seen.lines()) == [
        "alerts fired (2):", "  demand: fired", "  fraud: fired",
        "promotions (1):", "  demand: promoted", "reported changes (1):", "  demand: changed",
        "error budgets:", "  demand: budgets",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb", r"  a\nb"),
        ("\x1b[2J", r"  \x1b[2J"),
        ("\u202eabc", r"  \u202eabc"),
        ("<script>*_x_*", "  <script>*_x_*"),
        ("\ud800", r"  \ud800"),
        ("ليلى \U0001f600", "  ليلى \U0001f600"),
    ],
)
def test_texts_of_others_stay_one_line(text: str, line: str) -> None:
    seen = Seen(1)
    seen.add("changed", text)
    assert list(seen.lines())[1:] == [line]


def test_a_digest_is_bounded() -> None:
    seen = Seen(10_000)
    for i in range(10_000):
        seen.add("fired", f"{i} {'x' * 5_000}")
    lines = list(seen.lines())
    assert lines[0] == "alerts fired (10000):"
    assert lines[-1] == f"  and {10_000 - LISTED} more"
    assert len(lines) == LISTED + 2
    assert max(map(len, lines)) <= LONGEST + 2
