"""The page of `driftwarden check`: complete in itself, and nothing in it is what it is named."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from dashboards import pages
from dashboards.check import DRAWN
from monitoring.drift.histogram import BinCount
from monitoring.drift.report import Report
from monitoring.drift.verdict import Verdict
from monitoring.drift.wording import printable
from tests.doubles.reports import HOSTILE, feature, report, unjudged

NOW = datetime(2024, 5, 1, 8, tzinfo=UTC)
SIDES = ("past/<i>reference</i>.parquet", "yesterday\n.csv")
VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """Every tag with its attributes, the text, and the texts of the cells by row."""

    def __init__(self, found: Report) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.feed(pages.check(found, SIDES, NOW))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def page() -> Page:
    features = [
        feature("calm"),
        feature("income", Verdict.DRIFTED),
        unjudged("few"),
    ]
    left = [("order_id", "unique integers")]
    return Page(report(features, [("tags", "a nested value")], left))


def test_the_page_says_what_the_command_says(page: Page) -> None:
    assert (
        "drifted, 1 feature could not be judged: 1,000 reference rows, 500 current rows, "
        "2 features judged (1 drifted, 1 stable)." in page.text
    )
    for name in ("past/<i>reference</i>.parquet", r"yesterday\n.csv"):
        assert name in page.text
    for words in ("a nested value: tags", "unique integers: order_id", "30 are needed: few"):
        assert words in page.text
    head, *features = page.rows[:4]
    assert head == [
        "Feature", "Verdict", "Largest changes", "Effect", "p", "q", "Missing", "psi", "js",
    ]  # fmt: skip
    assert [cells[0] for cells in features] == ["income", "calm", "few"]
    assert features[0][1:] == [
        "drifted", "60K+ 40 % → 25 % all other levels 10 % → 25 % ", "0.240", "< 0.001", "< 0.001",
        "0 %", "0.250", "0.200",
    ]  # fmt: skip
    assert features[2][2].strip() == "9 non-missing rows on the current side, 30 are needed"


def test_every_bar_stands_beside_its_shares_in_words(page: Page) -> None:
    start = next(n for n, cells in enumerate(page.rows) if cells[0] == "level")
    assert page.rows[start : start + 5] == [
        ["level", "", "reference", "current"],
        ["<20K", "", "50 %", "50 %"],
        ["60K+", "", "40 %", "25 %"],
        ["all other levels", "", "10 %", "25 %"],
        ["missing", "", "0 %", "0 %"],
    ]
    lengths = [one["style"] for one in page.named("i") if "style" in one]
    assert lengths[:6] == [f"width:{n}%" for n in (100, 100, 80, 50, 20, 50)]
    assert all(one.get("aria-hidden") for one in page.named("td") if one.get("class") == "pair")


def test_every_drawing_has_a_heading_and_its_line_leads_there(page: Page) -> None:
    sections = page.named("section")
    known = {attributes.get("id") for _, attributes in page.tags}
    assert len(sections) == 3
    assert {one["aria-labelledby"] for one in sections} <= known
    links = [str(one["href"]) for one in page.named("a")]
    assert [link.removeprefix("#") for link in links] == [one["id"] for one in sections]


def test_the_page_asks_for_nothing_else(page: Page) -> None:
    assert not page.named("script")
    for _, attributes in page.tags:
        for name in ("src", "href"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:,"))


def test_names_and_levels_and_reasons_stay_text() -> None:
    cells = tuple(BinCount(name, 10, 20) for name in HOSTILE)
    features = [feature(name, Verdict.DRIFTED, bins=cells, reason=name) for name in HOSTILE]
    features += [feature(name, segment=name) for name in HOSTILE]
    plain = Page(report([feature("plain")]))
    found = Page(report(features, [(name, name) for name in HOSTILE]))
    assert {tag for tag, _ in found.tags} <= {tag for tag, _ in plain.tags} | {
        "details",
        "summary",
        "ul",
        "li",
    }
    assert {name for _, attributes in found.tags for name in attributes} <= {
        name for _, attributes in plain.tags for name in attributes
    } | {"open"}
    headings = {cells[0] for cells in found.rows}
    for name in HOSTILE:
        assert printable(name) in headings
    assert not any(ord(one) < 32 and one != "\n" for one in found.text)


@pytest.mark.usefixtures("heavy")
def test_the_two_hundred_worst_are_drawn_and_the_others_counted() -> None:
    many = [feature(f"f{n}", Verdict.DRIFTED, effect=1 / (n + 1)) for n in range(1_500)]
    found = Page(report(many))
    sections = found.named("section")
    assert len(sections) == DRAWN == 200
    assert len(found.named("a")) == 200
    assert sum(cells[0] == f"f{n}" for n, cells in enumerate(found.rows[1:1501])) == 1_500
    assert "Not drawn: 1,300 features with smaller changes" in found.text


def test_without_a_feature_the_page_says_so() -> None:
    found = Page(report([], [("tags", "a nested value")]))
    assert "No column of both sides can be compared." in found.text
    assert "insufficient: 1,000 reference rows" in found.text


def test_what_is_left_out_is_open_unless_it_is_much() -> None:
    few, many = ([(f"c{n}", "a date") for n in range(number)] for number in (10, 11))
    assert "open" in Page(report([feature()], few)).named("details")[0]
    assert "open" not in Page(report([feature()], many)).named("details")[0]
