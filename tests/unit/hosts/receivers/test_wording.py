"""Texts of a page as vendors take them."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosts.receivers import posting, teams, wording
from tests.unit.hosts.receivers.pages import PAGE


@given(
    st.lists(st.text(max_size=400), max_size=12),
    st.integers(150, 2000),
    st.sampled_from([len, posting.size, teams.encoded_size]),
)
def test_lines_fit_whatever_they_are(
    lines: list[str], most: int, measure: Callable[[str], int]
) -> None:
    plain = [wording.plain(line) for line in lines]
    found = wording.fitted(plain, most, measure=measure)
    assert sum(measure(line) + 1 for line in found) <= max(most, 0) or not lines
    if sum(measure(line) + 1 for line in plain) <= most:
        assert found == tuple(plain)


@given(st.text(max_size=300), st.integers(40, 200))
def test_an_escape_is_never_cut_in_two(text: str, most: int) -> None:
    found = wording.fitting(text, most, html.escape)
    assert len(found) <= most
    assert html.escape(html.unescape(found)) == found


def test_the_first_reason_does_not_hide_the_others_and_what_is_missing_is_counted() -> None:
    lines = [f"{number}: " + "x" * 25_000 for number in range(20)]
    found = wording.fitted(lines, 20_000)
    assert len(found) == 20
    assert all(line.endswith("characters)") for line in found)
    short = wording.fitted(lines, 1000)
    left = 20 - (len(short) - 1)
    assert short[-1].startswith(f"… {left} more lines of ")
    assert short[-1].endswith(f"{sum(map(len, lines[-left:]))} characters left out")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a\\u202eb"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("\ud83d", "\\ud83d"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("שלום", "שלום"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
    ],
)
def test_only_what_can_be_read_is_left(text: str, shown: str) -> None:
    assert wording.plain(text) == shown
    json.dumps(wording.plain(text)).encode()


@pytest.mark.parametrize(
    ("alerts", "place"),
    [
        (("flights:drift-1",), "https://o.example/models/flights"),
        ((), "https://o.example/"),
        (("oncall:shop:unreachable-mail-1",), "https://o.example/"),
        (("fleet:host-1",), "https://o.example/"),
        (("a b:drift-1",), "https://o.example/models/a%20b"),
    ],
)
def test_a_link_leads_to_the_first_model(alerts: tuple[str, ...], place: str) -> None:
    assert wording.link(replace(PAGE, alerts=alerts), "https://o.example") == place
    assert wording.link(replace(PAGE, alerts=alerts), "") == ""


def test_places_become_addresses_and_other_words_stay() -> None:
    lines = ("report, once drawn: /models/m?report=drift-1", "see docs/models/m and x/models/y")
    found = wording.absolute(replace(PAGE, lines=lines), "https://o.example/d")
    assert found.lines == (
        "report, once drawn: https://o.example/d/models/m?report=drift-1", lines[1],
    )  # fmt: skip
    assert wording.absolute(PAGE, "") is PAGE
