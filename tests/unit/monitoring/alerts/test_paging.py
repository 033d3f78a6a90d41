"""The text of a page: its title, its lines, and its key for each receiver."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.paging import Entry, Event, Message, entries, pages


def notice(model: str, kind: Kind = Kind.DRIFT) -> Notify:
    return Notify(
        key=f"{model}:{kind}-1:firing:1",
        model=model,
        alert=f"{kind}-1",
        kind=kind,
        severity=Severity.PAGE,
        status=Status.FIRING,
        reason="temp moved",
        at=datetime(2013, 7, 1, tzinfo=UTC),
        lines=("psi 0.3",),
    )


@pytest.mark.parametrize(
    ("event", "title"),
    [
        (Event.FIRING, "flights: temp moved"),
        (Event.REMINDER, "still firing: flights: temp moved"),
        (Event.ESCALATED, "unanswered: flights: temp moved"),
        (Event.ACKNOWLEDGED, "acknowledged: flights: temp moved"),
        (Event.RESOLVED, "resolved: flights: temp moved"),
    ],
)
def test_each_receiver_gets_one_message_under_its_own_key(event: Event, title: str) -> None:
    message = Message("drift-1", "incident-1", event, Severity.PAGE, (notice("flights"),))
    sent = pages(message, ("ann", "bob"))
    assert [(page.key, page.receiver) for page in sent] == [
        ("drift-1:ann", "ann"),
        ("drift-1:bob", "bob"),
    ]
    assert {page.title for page in sent} == {title}
    assert sent[0].lines == ("flights:drift-1: temp moved", "  psi 0.3")
    assert sent[0].alerts == ("flights:drift-1",)
    assert {page.incident for page in sent} == {"incident-1"}


def test_the_lines_of_a_page_are_read_back_by_alert() -> None:
    told = tuple(notice(name) for name in ("a", "b"))
    odd = replace(notice("c"), reason="a:drift-1: x\ny", lines=("  deeper", "c:drift-1: z"))
    over = (notice("d"),)
    message = Message("k", "i", Event.FIRING, Severity.PAGE, (*told, odd), over, notes=("by kim",))
    (page,) = pages(message, ("ann",))
    assert entries(page) == (
        Entry("a:drift-1", "temp moved", ("psi 0.3",)),
        Entry("b:drift-1", "temp moved", ("psi 0.3",)),
        Entry("c:drift-1", "a:drift-1: x\ny", ("  deeper", "c:drift-1: z")),
    )
    many = Message("k", "i", Event.FIRING, Severity.PAGE, tuple(notice(f"m{n}") for n in range(22)))
    assert len(entries(pages(many, ("ann",))[0])) == 20
    assert entries(replace(page, lines=("written otherwise",))) == ()


def test_a_long_list_is_cut_and_its_rest_counted() -> None:
    notices = tuple(notice(f"model{number:02}") for number in range(22))
    message = Message("drift-1", "incident-1", Event.FIRING, Severity.PAGE, notices)
    (page,) = pages(message, ("ann",))
    assert page.title == "22 drift alerts on 22 models"
    assert page.lines[-3:] == ("model19:drift-1: temp moved", "  psi 0.3", "and 2 more")
    assert len(page.alerts) == 22


def test_what_ended_meanwhile_is_named_and_its_rest_counted() -> None:
    gone = tuple(notice(f"model{number:02}", Kind.QUALITY) for number in range(22))
    message = Message(
        "drift-1", "incident-1", Event.REMINDER, Severity.PAGE, (notice("flights"),), gone
    )
    (page,) = pages(message, ("ann",))
    assert page.title == "still firing: flights: temp moved"
    assert page.alerts == ("flights:drift-1",)
    assert page.ended == tuple(one.id for one in gone)
    assert page.lines[2] == "ended: model00:quality-1: temp moved"
    assert page.lines[-2:] == ("ended: model19:quality-1: temp moved", "ended: and 2 more")


def test_alerts_of_one_model_are_counted_by_kind() -> None:
    notices = (notice("flights"), notice("flights", Kind.QUALITY))
    message = Message("all-1", "incident-1", Event.RESOLVED, Severity.TICKET, notices)
    (page,) = pages(message, ("ann",))
    assert page.title == "resolved: 2 drift/quality alerts on flights"
