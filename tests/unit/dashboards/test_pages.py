from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from dashboards import pages
from engine.errors import Refused
from fleet import health

AT = datetime(2013, 4, 2, tzinfo=UTC)
EVIL = "<script>alert('x')</script>\"'>"
REFERENCE = {"what": "reference", "version": "q1", "reference": "r", "days": 89, "rows": 74321}
VOID = {"meta", "link", "br", "img"}


class Outline(HTMLParser):
    """Elements by name, checked for balance, and every address that a page refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.feed(page)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        named = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := named.get(name))]
        if tag == "svg":
            assert named["role"] == "img"
            self.labels.append(named["aria-label"] or "")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


def test_a_year_fits_and_shows_everything(
    service: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    page = pages.model(service(year), "flights")
    outline = Outline(page)
    assert len(page.encode()) < 400_000
    assert all(outline.labels)
    assert len(outline.labels) == 4
    for words in (
        "1 paging", "temp is missing: 100 %", "Independence Day", "calibration gap -0.081",
        "thanksgiving", "rolled back", "shadow waived by ada",
        "Not sent, because an announced event explains them", "/api/journal/flights",
        "2014-01-01 02:00",
    ):  # fmt: skip
        assert words in page


def test_no_page_asks_for_anything_else(
    service: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    made = service(year)
    for page in (pages.model(made, "flights"), pages.fleet(made)):
        outline = Outline(page)
        assert "script" not in outline.seen
        assert all(link.startswith(("/", "data:,", "#")) for link in outline.links)
        assert "url(" not in page
        assert "@import" not in page


def test_an_estimate_is_marked_as_one_and_gone_with_the_labels(
    service: Callable[..., Any], line: Callable[..., Any]
) -> None:
    said = {**line("assessed"), "estimate": {"brier": [0.18, 0.17, 0.19]}}
    page = pages.model(service([(AT, REFERENCE), (AT, said)]), "flights")
    assert "estimated, labels missing" in page
    assert "brier 0.180 (0.170 to 0.190) on the 7 days up to 2013-04-01" in page
    labelled = service([(AT, REFERENCE), (AT, said), (AT, line("joined"))])
    assert "estimated" not in pages.model(labelled, "flights")


def test_names_and_reasons_are_escaped_wherever_they_stand(
    service: Callable[..., Any], line: Callable[..., Any]
) -> None:
    told = [
        (AT, line("traffic", weights={EVIL: 100}, shadow=[])),
        (AT, {**REFERENCE, "note": EVIL}),
        (
            AT,
            line(
                "assessed", psi={EVIL: 2.0}, stream={EVIL: "drifted"}, event=EVIL, quality=[EVIL],
                verdict="drifted",
            ),
        ),
        (AT, line("joined", reason=EVIL, scores={"served": {"auc": 0.7, "brier": 0.1}})),
        (AT, line("alert", alert=f"{EVIL}-1", reason=EVIL, explained_by=EVIL)),
        (AT, line("alert", alert=f"{EVIL}-2", phase="pending", explained_by=EVIL)),
        (AT, line("trigger", run=EVIL, reason=EVIL, kind=EVIL, days=[EVIL])),
        (AT, line("run", run=EVIL, version=EVIL, reason=EVIL)),
        (AT, line("gate", id=EVIL, version=EVIL, reason=EVIL, verdict=EVIL)),
        (AT, line("registered", version=f"{EVIL}2", waived_by=EVIL)),
        (
            AT,
            line("rollout", id=EVIL, challenger=EVIL, champion=EVIL, reason=EVIL, waived_by=EVIL,
                 guards={EVIL: EVIL}),
        ),
        (AT, line("command", verb=EVIL, by=EVIL, reason=EVIL, target=EVIL)),
        (AT, {"what": EVIL, EVIL: {EVIL: [EVIL]}}),
    ]  # fmt: skip
    made = service(told, champion=EVIL)
    for page in (pages.fleet(made), pages.model(made, "flights")):
        assert "<script" not in page
        assert "alert('x')" not in page
        Outline(page)
    assert "&lt;script&gt;" in page


def test_before_the_first_record_the_page_says_what_is_awaited(service: Callable[..., Any]) -> None:
    page = pages.model(service(), "flights")
    for words in (
        "start the service with this fleet.yaml", "no window yet", "no labels yet",
        "No alert has fired", "No challenger", "no window has been assessed yet",
        "Nothing is written yet",
    ):  # fmt: skip
        assert words in page
    assert "<svg" not in page
    assert 'pill good"' not in page


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([{"what": "policy", "hash": "x"}], "Waiting for the reference"),
        ([REFERENCE], "Waiting for the first log file of endpoint flights"),
        ([REFERENCE, {"what": "read", "rows": 1}], "Waiting for the end of the first day"),
    ],
)
def test_every_step_before_the_first_window_is_named(
    service: Callable[..., Any], lines: list[Any], words: str
) -> None:
    assert words in pages.model(service([(AT, line) for line in lines]), "flights")


def test_a_window_without_labels_awaits_them(
    service: Callable[..., Any], line: Callable[..., Any]
) -> None:
    page = pages.model(service([(AT, line("assessed"))]), "flights")
    assert "Waiting for labels" in page
    assert "no labels yet" in page
    Outline(page)


def test_a_sampled_reference_is_told_until_the_next_one(service: Callable[..., Any]) -> None:
    note = "the reference is a sample of 74,321 of 1,000,000 rows"
    sampled = {**REFERENCE, "note": note}
    page = pages.model(service([(AT, sampled)]), "flights")
    assert f"74,321 rows of 89 days; {note}" in page
    page = pages.model(service([(AT, sampled), (AT, REFERENCE)]), "flights")
    assert "74,321 rows of 89 days<" in page
    assert "<dt>reference" not in pages.model(service(), "flights")


def test_an_unknown_model_is_refused(service: Callable[..., Any]) -> None:
    with pytest.raises(Refused, match=r"^no model 'nobody'; known are flights$"):
        pages.model(service(), "nobody")


def test_the_fleet(
    service: Callable[..., Any], year: list[tuple[datetime | dict[Any, Any], ...]]
) -> None:
    page = pages.fleet(service(year))
    assert "/models/flights" in page
    assert "Last 28 windows" in page
    assert "1 model: 0 paging" in page
    Outline(page)


def test_a_fleet_that_has_seen_nothing(service: Callable[..., Any]) -> None:
    page = pages.fleet(service())
    assert "awaiting the first window" in page
    assert 'pill good"' not in page


def test_what_cannot_be_reached_is_shown_with_who_is_paged_instead(
    service: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {
        "team": "crew", "receiver": "phone", "since": "2024-03-04T10:00:00Z",
        "reason": "receiver phone: HTTP <404>", "left": ["lead", "desk"],
    }  # fmt: skip
    found: list[dict[str, Any]] = [lost, {**lost, "receiver": "lead", "left": []}]
    monkeypatch.setattr(health, "unreachable", lambda loop, fleet, now: found)
    page = pages.fleet(service())
    assert "<b>phone of team crew cannot be reached</b> since " in page
    assert "HTTP &lt;404&gt;" in page
    assert page.count("Its pages go to lead, desk.") == 1
    assert page.count("Nobody of the team can be paged.") == 1


def test_a_report_is_linked_beside_its_alert_and_read_there(
    service: Callable[..., Any], line: Callable[..., Any]
) -> None:
    fired = line("alert", alert="drift-1", phase="firing", kind="drift", severity="page")
    drawn = {"what": "report", "window": "2013-04-01", "of": "drift-1"}
    asked = {"what": "report", "window": "2013-03-31", "of": "c1", "note": f"no report: {EVIL}"}
    made = service([(AT, fired)])
    assert "Report of" not in pages.model(made, "flights")
    made = service([(AT, fired), (AT, {**drawn, "report": "blob"}), (AT, asked)])
    page = pages.model(made, "flights")
    # In the call at the top, in the table of alerts, and in that of reports.
    assert Outline(page).links.count("/models/flights?report=drift-1") == 3
    assert "/models/flights?report=c1" not in page
    assert EVIL not in page
    name = made.blobs.put("<html>Größe".encode())
    made = replace(service([(AT, {**drawn, "report": name})]), blobs=made.blobs)
    assert pages.model(made, "flights", "drift-1") == "<html>Größe"
    with pytest.raises(Refused, match="no report 'c2' of flights yet"):
        pages.model(made, "flights", "c2")
