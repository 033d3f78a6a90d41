"""What `driftwarden check` prints: one line a feature, none wider than the terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from commands.check.table import show as show_table
from monitoring.drift.histogram import BinCount
from monitoring.drift.report import Report
from monitoring.drift.verdict import Verdict
from monitoring.schema import Kind
from tests.doubles.reports import HOSTILE, feature, report, unjudged

WIDTHS = (60, 80, 100, 140)


class Terminal(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Lines on a terminal of a width, without colours; on a pipe where there is no width."""

    def show(found: Report, width: int | None = None, page: Path | None = None) -> list[str]:
        stream = io.StringIO() if width is None else Terminal()
        monkeypatch.setattr("sys.stdout", stream)
        monkeypatch.setenv("COLUMNS", str(width or 50))
        monkeypatch.setenv("TERM", "xterm")
        show_table(found, page)
        text = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
        return [line.rstrip() for line in text.split("\n")[:-1]]

    return show


def table(lines: list[str]) -> list[str]:
    """The lines of the features."""
    end = next(
        n for n, line in enumerate(lines) if "what moved: shares" in line or "effect: " in line
    )
    return lines[1:end]


NUMBERS = feature(
    "balance_after_transaction_in_account_currency", Verdict.DRIFTING, kind=Kind.NUMERIC,
    bins=(BinCount("(-inf, -12345.6789]", 500, 125), BinCount("(-12345.6789, inf)", 500, 375)),
)  # fmt: skip
GONE = feature(
    "gone", Verdict.DRIFTED, n_current=None, missing_current=None, psi=None, js=None, effect=None,
    p_value=None, q_value=None, missing_effect=None, reason="the column is missing in current",
)  # fmt: skip


@pytest.mark.parametrize("width", [*WIDTHS, 30])
@pytest.mark.parametrize("segmented", [False, True])
def test_a_line_a_feature_and_none_wider_than_the_terminal(
    printed: Callable[..., Any], width: int, segmented: bool
) -> None:
    features = [feature(name, Verdict.DRIFTED) for name in HOSTILE]
    features += [NUMBERS, GONE, *(feature(f"calm {n}") for n in range(40))]
    if segmented:
        features += [feature(name, segment=name) for name in HOSTILE]
    lines = printed(report(features, ignored=[(name, name) for name in HOSTILE]), width)
    assert max(map(cell_len, lines)) <= width
    if width >= 60:
        assert len(table(lines)) == len(features)
        shown = [line.split(f"  {Verdict.DRIFTED}")[0] for line in lines if "  drifted" in line]
        assert len({*shown}) == len(HOSTILE) + 1


def test_columns_go_in_the_order_of_their_worth(printed: Callable[..., Any]) -> None:
    found = report([feature("income", Verdict.DRIFTED), NUMBERS])
    assert [re.split(r"\s{2,}", printed(found, width)[0]) for width in (55, 60, 70, 80, 140)] == [
        ["feature", "verdict", "what moved"],
        ["feature", "verdict", "effect", "what moved"],
        ["feature", "verdict", "effect", "p", "what moved"],
        ["feature", "verdict", "effect", "p", "missing", "what moved"],
        ["feature", "verdict", "effect", "p", "missing", "psi", "js", "q", "what moved"],
    ]


def test_the_worst_stands_first_with_what_moved_in_words(printed: Callable[..., Any]) -> None:
    lines = printed(report([feature("calm", p_value=0.03), feature("loud", Verdict.DRIFTED)]), 62)
    assert re.split(r"\s{2,}", lines[1]) == [
        "loud", "drifted", "0.240", "< 0.001", "60K+ 40 % → 25 %",
    ]  # fmt: skip
    assert re.split(r"\s{2,}", lines[2])[:4] == ["calm", "stable", "0.240", "0.03"]


def test_a_column_that_is_gone_says_so_where_others_moved(printed: Callable[..., Any]) -> None:
    (line,) = (one for one in printed(report([GONE]), 80) if one.startswith("gone"))
    assert line.endswith("missing in current")


def test_intervals_of_numbers_are_not_cut(printed: Callable[..., Any]) -> None:
    assert "≤ -12346: 50 % → 25 %" in "\n".join(printed(report([NUMBERS, GONE]), 80))


def test_the_units_are_explained(printed: Callable[..., Any]) -> None:
    text = " ".join(printed(report([feature()]), 140))
    for words in (
        "psi less its mean without drift, drifting from 0.02, drifted from 0.1 on",
        "p: ",
        "q: p corrected for",
    ):
        assert words in text
    assert "q: " not in " ".join(printed(report([feature()]), 80))


def test_several_thresholds_are_not_told_as_one(printed: Callable[..., Any]) -> None:
    features = [feature("a"), feature("b", threshold=0.3)]
    assert "drifted from its threshold on" in " ".join(printed(report(features)))


def test_columns_left_out_are_told_in_short_lines(printed: Callable[..., Any]) -> None:
    left = [("order_id", "unique integers"), ("created_at", "a date or time")]
    lines = printed(report([feature(), unjudged("few")], [("tags", "a nested value")], left))
    assert "not compared: order_id (unique integers), created_at (a date or time)" in lines
    assert "ignored: tags (a nested value)" in lines
    assert (
        "could not be judged: few (9 non-missing rows on the current side, 30 are needed)" in lines
    )


def test_hundreds_of_columns_left_out_do_not_flood_the_screen(printed: Callable[..., Any]) -> None:
    dates = [(f"date_{n}", "a date or time") for n in range(200)]
    few = "non-missing rows on the current side, 30 are needed"
    reasons = [unjudged(f"f{n}", f"{n} {few}") for n in range(25)]
    lines = printed(report([feature(), *reasons], dates), 80)
    assert len(lines) < 20
    text = " ".join(lines)
    assert "date_0, date_1, date_2, date_3 and 196 more (a date or time)" in text
    assert "and 20 others (--json names all)" in text


def test_the_last_line_says_what_to_do(printed: Callable[..., Any]) -> None:
    drifted = report([feature("amount due", Verdict.DRIFTED), feature("calm")])
    assert printed(drifted)[-1] == (
        "drifted: 1,000 reference rows, 500 current rows, 2 features judged (1 drifted, 1 stable). "
        "Look at amount due: driftwarden check … --features 'amount due' --html page.html"
    )
    assert printed(drifted, page=Path("p.html"))[-1].endswith("Look at amount due in p.html")
    assert printed(report([feature()]))[-1].endswith(
        "1 feature judged (1 stable). No action needed"
    )
    last = printed(report([feature(), *map(unjudged, "xyz")]))[-1]
    assert last.startswith("stable, 3 features could not be judged: ")
    assert last.endswith("The features that could not be judged are listed above")
    assert "with 30 values or more on both sides" in printed(report([unjudged("x")]))[-1]
    assert "with 30 values or more on both sides" in printed(report([]))[-1]


@pytest.mark.parametrize("name", ["a,b", "two\nlines", "x" * 300])
def test_a_name_that_cannot_be_typed_is_not_put_into_a_command(
    printed: Callable[..., Any], name: str
) -> None:
    last = printed(report([feature(name, Verdict.DRIFTED)]))[-1]
    assert last.endswith("driftwarden check … --html page.html")


@pytest.mark.parametrize(
    "name", ["\x1b[2Jwell", "\x1b]0;x\x07", "\x9b31m", "a\nb", "a\rb", "\u202eb", "[red]b[/]"]
)
def test_no_name_of_a_column_steers_a_terminal(printed: Callable[..., Any], name: str) -> None:
    named = [feature(name, Verdict.DRIFTED), feature("x", segment=name), unjudged(name, name)]
    found = report(named, ignored=[(name, name)])
    for width in (None, 100):
        lines = printed(found, width)
        assert all(line.isprintable() for line in lines)
        assert ("[red]b[/]" in "".join(lines)) == (name == "[red]b[/]")


def test_an_encoding_without_arrows_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    show_table(report([feature("日本", Verdict.DRIFTED)]))
    stream.flush()
    assert rb"\u65e5\u672c" in raw.getvalue()
