"""The on-call partition: one fact that is refused loses none of the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleet import oncall
from fleet.model.effects import AckModel, SendPage
from fleet.model.facts import Asked, Declined, Fact, LogGrew, Notified
from fleet.model.records import Collection as Logs
from monitoring.alerts.grouping import Policy
from monitoring.alerts.lifecycle import Kind, Notify, Severity, Status
from monitoring.alerts.routing import OnCall

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


def test_a_page_that_was_refused_is_written_down() -> None:
    done = oncall.step(OnCall("shop"), [Declined("send_page", "page:k", "no receiver")], TEAM, NOW)
    assert done.lines == ({"what": "refused", "id": "page:k", "reason": "no receiver"},)
