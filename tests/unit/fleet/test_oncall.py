"""The on-call partition: one fact that is refused loses none of the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine import codec
from fleet import oncall
from fleet.model.effects import EFFECTS, AckModel, SendPage
from fleet.model.facts import Asked, Declined, Digested, Fact, LogGrew, Notified
from fleet.model.records import Collection as Logs
from monitoring.alerts.digest import Policy as Digest
from monitoring.alerts.group import Policy
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.paging import Event, Page
from monitoring.alerts.reach import Delivered, Undelivered
from monitoring.alerts.routing import OnCall

AT_ONCE = {"group_wait": timedelta(0)}
NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
TEAM = Policy(page=("first", "second"), group_wait=timedelta(minutes=2))


def notice(alert: str = "drift-1", model: str = "demand") -> Notify:
    return Notify(
        f"{model}:{alert}:firing:1", model, alert, Kind.DRIFT, Severity.PAGE, Status.FIRING,
        "x drifted", NOW,
    )  # fmt: skip


def test_what_is_refused_leaves_the_others_alone() -> None:
    facts: list[Fact] = [
        Asked("ack", "g.hopper", "", "c1", "nobody:drift-9"),
        Notified(notice()),
        LogGrew("a", 1, Logs.inputs),
        Asked("unsilence", "g.hopper", "", "c2", "none"),
        Asked("silence", "g.hopper", "noise", "c3", "fraud/x"),
    ]
    done = oncall.step(OnCall("shop"), facts, TEAM, NOW)
    refused = [line["reason"] for line in done.lines if line["what"] == "refused"]
    assert refused == [
        "nobody:drift-9: no such alert (team shop)",
        "an on-call partition does not take LogGrew",
        "none: no such silence for team shop",
    ]
    assert set(done.state.alerts) == {"demand:drift-1"}
    (silence,) = done.state.silences
    assert (silence.model, silence.feature, silence.by) == ("fraud", "x", "g.hopper")
    # A silence without an end lasts four hours.
    assert silence.until == NOW + timedelta(hours=4)
    assert done.wake_at == NOW + timedelta(minutes=2)


def test_a_page_follows_when_the_group_has_waited_and_climbs() -> None:
    heard = oncall.step(OnCall("shop"), [Notified(notice())], TEAM, NOW)
    assert heard.effects == ()
    at = NOW + timedelta(minutes=2)
    sent = oncall.step(heard.state, [], TEAM, at)
    (page,) = sent.effects
    assert isinstance(page, SendPage)
    assert (page.page.receiver, page.at) == ("first", at)
    assert sent.wake_at == at + timedelta(minutes=30)
    up = oncall.step(sent.state, [], TEAM, at + timedelta(minutes=30))
    (page,) = up.effects
    assert isinstance(page, SendPage)
    assert page.page.receiver == "second"
    assert oncall.step(up.state, [], TEAM, at + timedelta(minutes=30)).effects == ()


def test_an_acknowledgement_is_handed_to_the_model() -> None:
    heard = oncall.step(OnCall("shop"), [Notified(notice())], TEAM, NOW)
    asked = Asked("ack", "g.hopper", "mine", "c1", "demand:drift-1")
    done = oncall.step(heard.state, [asked], TEAM, NOW)
    (told,) = done.effects
    assert isinstance(told, AckModel)
    assert (told.model, told.alert, told.by) == ("demand", "drift-1", "g.hopper")
    again = oncall.step(done.state, [asked], TEAM, NOW)
    assert again.effects == ()


def test_a_model_hears_that_the_acknowledgement_of_its_alert_expired() -> None:
    team = TEAM.model_copy(update={"ack_expires": timedelta(hours=1)})
    asked = Asked("ack", "g.hopper", "mine", "c1", "demand:drift-1")
    state = oncall.step(OnCall("shop"), [Notified(notice()), asked], team, NOW).state
    (told,) = oncall.step(state, [], team, NOW + timedelta(hours=1)).effects
    key = "lapsed:ack:demand:drift-1:firing:1"
    assert told == AckModel(key, "demand", "drift-1", "g.hopper", lapsed=True)


def test_a_page_that_was_refused_is_written_down() -> None:
    done = oncall.step(OnCall("shop"), [Declined("send_page", "page:k", "no receiver")], TEAM, NOW)
    assert done.lines == ({"what": "refused", "id": "page:k", "reason": "no receiver"},)


PAGE = Page("k", "first", Event.FIRING, Severity.PAGE, "t", (), ("demand:drift-1",), "shop:drift-1")


def test_what_came_of_a_page_is_written_down() -> None:
    facts: list[Fact] = [
        Undelivered(PAGE, "HTTP 503"), Undelivered(PAGE, "HTTP 404", permanent=True),
        Delivered("first", "shop:drift-1"),
    ]  # fmt: skip
    done = oncall.step(OnCall("shop"), facts, TEAM, NOW)
    of = {"receiver": "first", "incident": "shop:drift-1"}
    tried = {"what": "undelivered", "event": "firing", **of}
    assert done.lines == (
        {**tried, "reason": "HTTP 503", "permanent": False},
        {**tried, "reason": "HTTP 404", "permanent": True},
        {"what": "delivered", **of},
    )
    assert done.state.receivers == {}


def test_success_is_reported_of_what_is_sent_to_a_receiver_that_is_down() -> None:
    lost = oncall.step(OnCall("shop"), [Undelivered(PAGE, "HTTP 503")], TEAM, NOW).state
    for state, report in ((OnCall("shop"), False), (lost, True)):
        done = oncall.step(state, [Notified(notice())], TEAM.model_copy(update=AT_ONCE), NOW)
        (page,) = done.effects
        assert isinstance(page, SendPage)
        assert (page.page.receiver, page.report) == ("first", report)


STATE = """{
  "team": "shop", "silences": [], "muted": {},
  "alerts": {"demand:drift-1": {"heard": "2024-03-04T10:00:00Z", "acknowledged_by": null,
    "notice": {"key": "demand:drift-1:firing:1", "model": "demand", "alert": "drift-1",
      "kind": "drift", "severity": "page", "status": "firing", "reason": "x drifted",
      "at": "2024-03-04T10:00:00Z", "features": [], "lines": []}}},
  "groups": {"drift": {"phase": "sent", "ordinal": 4, "first": 3, "severity": "page",
    "told": {"demand:drift-1": "demand:drift-1:firing:1"}, "heard_by": ["first"],
    "opens": null, "paged": "2024-03-04T10:02:00Z", "level": 0}}
}"""


def test_a_state_of_an_earlier_version_goes_on() -> None:
    state = codec.decode(OnCall, STATE.encode())
    up = oncall.step(state, [], TEAM, NOW + timedelta(minutes=32))
    assert [one.page.receiver for one in up.effects if isinstance(one, SendPage)] == ["second"]
    end = replace(notice(), key="end", status=Status.RESOLVED, at=NOW + timedelta(minutes=40))
    over = oncall.step(up.state, [Notified(end)], TEAM, NOW + timedelta(minutes=40))
    pages = [one.page for one in over.effects if isinstance(one, SendPage)]
    assert [(page.receiver, page.event, page.incident) for page in pages] == [
        ("first", Event.RESOLVED, "shop:drift-3"),
        ("second", Event.RESOLVED, "shop:drift-3"),
    ]


EFFECT = """{
  "kind": "send_page", "at": "2024-03-04T10:00:00Z", "lane": "pages",
  "page": {"key": "k", "receiver": "first", "event": "firing", "severity": "page", "title": "t",
    "lines": ["l"], "alerts": ["demand:drift-1"], "incident": "shop:drift-1"}
}"""


def test_a_page_that_an_earlier_version_owed_has_a_lane_of_its_own() -> None:
    owed = EFFECTS.decode(EFFECT.encode())
    assert owed == SendPage(replace(PAGE, lines=("l",)), NOW)
    assert (owed.lane, owed.report) == ("pages:first:shop:drift-1", False)
    assert EFFECTS.decode(EFFECTS.encode(owed)) == owed


def test_a_digest_goes_to_its_own_receiver_and_is_no_alert() -> None:
    planned = TEAM.model_copy(update={"digest": Digest(receiver="post")})
    told = Digested("2024-03-04", "digest of shop, 2024-03-04: nothing happened", ("quiet",))
    done = oncall.step(OnCall("shop"), [told, replace(told, weekly=True)], planned, NOW)
    pages = [one.page for one in done.effects if isinstance(one, SendPage)]
    assert [(page.key, page.incident, page.receiver) for page in pages] == [
        ("shop:digest-2024-03-04:post", "shop:digest-2024-03-04", "post"),
        ("shop:digest-week-2024-03-04:post", "shop:digest-week-2024-03-04", "post"),
    ]
    assert {(page.event, page.severity) for page in pages} == {(Event.DIGEST, Severity.TICKET)}
    assert [line["event"] for line in done.lines] == ["digest", "digest"]
    assert (done.state, done.wake_at) == (OnCall("shop"), None)
    assert oncall.step(OnCall("shop"), [told], TEAM, NOW).effects == ()


def test_a_digest_that_its_receiver_refused_is_sent_again() -> None:
    planned = TEAM.model_copy(update={"digest": Digest(receiver="post")})
    told = Digested("2024-03-04", "title", ("quiet",))
    (owed,) = oncall.step(OnCall("shop"), [told], planned, NOW).effects
    assert isinstance(owed, SendPage)
    lost = Undelivered(owed.page, "no room", permanent=True)
    done = oncall.step(OnCall("shop"), [lost], planned, NOW)
    assert list(done.state.receivers) == ["post"]
    again = oncall.step(done.state, [], planned, NOW + timedelta(hours=1))
    assert owed.page in [one.page for one in again.effects if isinstance(one, SendPage)]
