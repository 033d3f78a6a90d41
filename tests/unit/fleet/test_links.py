"""Links in pages: what is forged, replayed, late or about another's model does nothing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.errors import Refused
from fleet.links import Forged, Linking, link, opened, signed
from fleet.model.facts import Link
from fleet.outcomes import Outcome, Result
from monitoring.alerts.lifecycle import Severity
from monitoring.alerts.paging import Event, Page
from tests.unit.fleet.desk import NOW, Desk

KEYS = (b"k" * 32, b"older" * 8)
PAGE = Page(
    "shop:drift-1:firing:0:duty", "duty", Event.FIRING, Severity.PAGE, "demand: x drifted",
    ("demand:drift-1: x drifted",), ("demand:drift-1",), "shop:drift-1",
)  # fmt: skip


@pytest.fixture
def paged(desk: Desk) -> Desk:
    """A team that was paged for the drift of `demand`."""
    desk.service = replace(desk.service, link_keys=KEYS)
    desk.notify()
    desk.clock.moment = NOW + timedelta(minutes=2)
    desk.service.drain("oncall:shop")
    return desk


def of(verb: Any, **changes: Any) -> str:
    return signed(replace(link(PAGE, verb, NOW), **changes), KEYS)


def use(desk: Desk, text: str, name: str = "u1", by: str = "", reason: str = "mine") -> Outcome:
    awaited = desk.service.follow(text, by, reason, name)
    desk.settle()
    return awaited.look()


def acknowledged(desk: Desk) -> str | None:
    found: str | None = (
        desk.service.loop.head("oncall:shop").state.alerts["demand:drift-1"].acknowledged_by
    )
    return found


def test_an_incident_is_acknowledged_and_who_did_is_journalled(paged: Desk) -> None:
    assert use(paged, of("ack")).outcome is Result.DONE
    assert acknowledged(paged) == "link to duty"
    (said,) = paged.said("oncall:shop", "command")
    assert (said["verb"], said["by"], said["reason"]) == ("ack", "link to duty", "mine")
    assert said["target"] == "shop:drift-1 demand"


def test_who_is_signed_in_is_its_author(paged: Desk) -> None:
    use(paged, of("ack"), by="ada@shop.test")
    assert acknowledged(paged) == "ada@shop.test"


def test_a_kind_of_a_model_is_silenced(paged: Desk) -> None:
    done = use(paged, of("silence"))
    assert done.outcome is Result.DONE
    (silence,) = paged.service.loop.head("oncall:shop").state.silences
    assert (silence.model, silence.kind, silence.by) == ("demand", "drift", "link to duty")
    assert silence.until == paged.clock.moment + timedelta(hours=4)
    assert f"`driftwarden unsilence {silence.id}` lifts it" in done.text


@pytest.mark.parametrize("verb", ["ack", "silence"])
def test_a_replayed_link_is_refused_and_journalled(paged: Desk, verb: str) -> None:
    use(paged, of(verb), "u1")
    again = use(paged, of(verb), "u2")
    assert again.outcome is Result.REFUSED
    assert "the link was used already, and works once" in again.text
    assert [one["reason"] for one in paged.said("oncall:shop", "refused")] == [
        "the link was used already, and works once"
    ]
    assert len(paged.said("oncall:shop", "command")) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expires": NOW + timedelta(minutes=2)}, "the link expired at 2024-03-04 10:02 UTC"),
        ({"expires": NOW}, "the link expired at 2024-03-04 10:00 UTC"),
        ({"model": "fraud-of-others"}, "the link is about fraud-of-others: "),
        ({"model": "fraud"}, "no alert of the incident waits to be acknowledged"),
        ({"incident": "shop:drift-2"}, "shop:drift-2: the incident is over, or is none of team"),
        ({"incident": "shop:slo-1"}, "shop:slo-1: the incident is over, or is none of team"),
    ],
)
def test_a_late_or_wrong_link_is_refused_and_journalled(
    paged: Desk, changes: dict[str, Any], reason: str
) -> None:
    found = use(paged, of("ack", **changes))
    assert found.outcome is Result.REFUSED
    (said,) = paged.said("oncall:shop", "refused")
    assert said["reason"].startswith(reason)
    assert acknowledged(paged) is None
    assert paged.service.loop.head("oncall:shop").state.links == {}


def test_a_link_to_a_team_that_left_is_refused(paged: Desk) -> None:
    with pytest.raises(Refused, match=r"team ghosts is not in fleet\.yaml"):
        paged.service.follow(of("ack", incident="ghosts:drift-1"), "", "", "u1")


def tampered(**changes: Any) -> str:
    content, _, signature = of("ack").partition(".")
    told = json.loads(base64.urlsafe_b64decode(content + "=="))
    body = base64.urlsafe_b64encode(json.dumps(told | changes).encode()).decode().rstrip("=")
    return f"{body}.{signature}"


FORGERIES = {
    "another model": tampered(model="fraud"),
    "another verb": tampered(verb="silence"),
    "a later end": tampered(expires="2099-01-01T00:00:00Z"),
    "another team": tampered(incident="other:drift-1"),
    "another key": signed(link(PAGE, "ack", NOW), [b"x" * 32]),
    "no signature": of("ack").partition(".")[0],
    "an empty signature": of("ack").partition(".")[0] + ".",
    "half of it": of("ack")[:-20],
    "more of it": of("ack") + "AAAA",
    "nothing": "",
    "odd characters": "\u202e%00.../../",
    "a very long one": "A" * 100_000,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_link_is_refused_and_told_once_an_hour(paged: Desk, name: str) -> None:
    for number in range(3):
        with pytest.raises(Forged, match="this link was not made here, or was damaged"):
            paged.service.follow(FORGERIES[name], "", "", f"u{number}")
    paged.settle()
    assert len(paged.said("fleet", "noticed")) == 1
    assert acknowledged(paged) is None


def test_an_older_key_still_verifies_and_none_signs_nothing() -> None:
    made = link(PAGE, "ack", NOW)
    assert opened(signed(made, KEYS[1:]), KEYS) == made
    with pytest.raises(Forged):
        opened(signed(made, KEYS), ())
    assert Linking("https://app.test", ()).added(PAGE, NOW) == PAGE


def test_a_page_carries_its_links_in_front_the_same_at_every_try() -> None:
    linking = Linking("https://app.test/", KEYS)
    page = linking.added(PAGE, NOW)
    assert linking.added(PAGE, NOW) == page
    ack, silence, *others = page.lines
    assert tuple(others) == PAGE.lines
    assert ack.startswith("acknowledge: https://app.test/links/")
    assert silence.startswith("silence for 4 h: https://app.test/links/")
    text = ack.rpartition("/")[2]
    assert opened(text, KEYS) == Link(
        "ack", "shop:drift-1", "demand", "duty", NOW + timedelta(days=1), opened(text, KEYS).id
    )
    assert len(ack) < 500


@pytest.mark.parametrize(
    "page",
    [
        replace(PAGE, event=Event.RESOLVED),
        replace(PAGE, event=Event.UNSILENCED),
        replace(PAGE, event=Event.RESTORED),
        replace(PAGE, incident=""),
    ],
)
def test_other_messages_carry_none(page: Page) -> None:
    assert Linking("https://app.test", KEYS).added(page, NOW) == page
    assert Linking("", KEYS).added(PAGE, NOW) == PAGE


def test_a_page_about_several_models_acknowledges_all_of_them(paged: Desk) -> None:
    paged.notify("fraud")
    paged.clock.moment = NOW + timedelta(minutes=9)
    paged.service.drain("oncall:shop")
    several = replace(PAGE, alerts=("demand:drift-1", "fraud:drift-1"))
    assert link(several, "ack", NOW).model == ""
    use(paged, signed(link(several, "ack", NOW), KEYS))
    alerts = paged.service.loop.head("oncall:shop").state.alerts
    drift = [one.acknowledged_by for name, one in alerts.items() if name.endswith(":drift-1")]
    assert drift == ["link to duty"] * 2
