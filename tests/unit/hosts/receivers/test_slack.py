"""Slack by a bot's token and by an incoming webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine.errors import Refused, Unavailable
from fleet.document.receivers import SlackReceiver
from hosts.receivers.slack import SlackBot, SlackWebhook, open_slack
from monitoring.alerts.paging import Event
from tests.unit.hosts.receivers.pages import AT, around, tell
from tests.unit.hosts.receivers.vendors.server import Answer, serving
from tests.unit.hosts.receivers.vendors.slack import CHANNEL, TOKEN, Slack, event


@pytest.fixture
def slack(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(Slack()) as found:
        yield found


@pytest.fixture
def bot(slack: Slack) -> SlackBot:
    return SlackBot(slack.url, TOKEN, CHANNEL, "https://ops.example")


def test_a_message_is_changed_in_place_and_its_thread_goes_on(slack: Slack, bot: SlackBot) -> None:
    ts = tell(bot).handle
    for key, what in (("k2", Event.REMINDER), ("k3", Event.FIRING), ("k4", Event.RESOLVED)):
        assert tell(bot, key, event=what, handle=ts).handle == ts
    ((_, message),) = slack.messages.items()
    assert event(message) == "resolved"
    assert [event(one) for one in slack.threads[ts]] == ["reminder", "firing", "resolved"]
    # Alerts that join are shown outside of the thread, too.
    assert [one["reply_broadcast"] for one in slack.threads[ts]] == [False, True, False]


def test_without_its_handle_a_message_is_found_by_its_incident(slack: Slack, bot: SlackBot) -> None:
    tell(bot, incident="another")
    ts = tell(bot).handle
    assert tell(bot).handle == ts
    assert tell(bot, "k2", event=Event.RESOLVED).handle == ts
    assert len(slack.messages) == 2
    assert [event(one) for one in slack.threads[ts]] == ["resolved"]


def test_without_the_scope_to_read_it_is_posted_anew(slack: Slack, bot: SlackBot) -> None:
    slack.readable = False
    tell(bot)
    tell(bot, "k2", event=Event.RESOLVED)
    assert [event(one) for one in slack.messages.values()] == ["firing", "resolved"]


def test_a_message_that_somebody_deleted_is_posted_anew(slack: Slack, bot: SlackBot) -> None:
    ts = tell(bot).handle
    del slack.messages[ts]
    again = tell(bot, "k2", event=Event.RESOLVED, handle=ts).handle
    assert [event(one) for one in slack.messages.values()] == ["resolved"]
    assert again in slack.messages


@pytest.mark.parametrize(
    ("said", "error", "reason"),
    [
        ("invalid_auth", Refused, "authError"),
        ("token_revoked", Refused, "authError"),
        ("channel_not_found", Refused, "clientError"),
        ("msg_blocks_too_long", Refused, "clientError"),
        ("ratelimited", Unavailable, "rateLimited"),
        ("internal_error", Unavailable, "serverError"),
        ("\x1b[2J odd", Refused, "clientError"),
    ],
)
def test_an_error_within_a_success_is_told_by_its_class(
    slack: Slack, bot: SlackBot, said: str, error: type[Exception], reason: str
) -> None:
    slack.faults = [Answer(200, json.dumps({"ok": False, "error": said}))] * 2
    with pytest.raises(error) as caught:
        tell(bot, handle="1.1")
    word = said if said.replace("_", "").isalpha() else "error"
    assert str(caught.value) == f"receiver ops: chat.update: {word} ({reason})"
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("text", ["", "<html>", "[1]", "null", '{"ok": 1}', "[" * 5000])
def test_what_is_no_answer_of_slack_is_its_servers_failure(
    slack: Slack, bot: SlackBot, text: str
) -> None:
    slack.faults = [Answer(200, text)]
    with pytest.raises(Unavailable, match=r"no answer of Slack \(serverError\)"):
        tell(bot, handle="1.1")


def test_a_webhook_gets_a_new_message_each_time(slack: Slack) -> None:
    hook = SlackWebhook(f"{slack.url}/services/T/B/s", "")
    assert (tell(hook).answer, tell(hook, "k2", event=Event.RESOLVED).handle) == ("HTTP 200 ok", "")
    assert [event(one) for one in slack.messages.values()] == ["firing", "resolved"]


def test_the_blocks_of_long_lines_stay_within_every_limit(slack: Slack, bot: SlackBot) -> None:
    lines = tuple(f"{number} " + 'ש🚨<&>"' * 3000 for number in range(30))
    tell(bot, title="t" * 5000, lines=lines)
    tell(bot, "k2", lines=("x" * 2799, "y", "", "z" * 2801), incident="another")
    assert len(slack.messages) == 2


def test_a_channel_is_opened_by_what_fleet_yaml_says(slack: Slack, tmp_path: Path) -> None:
    settings = {"T": TOKEN, "HOOK": f"{slack.url}/services/T/B/s"}
    policy = SlackReceiver(kind="slack", token="env:T", channel=CHANNEL, url=slack.url)
    tell(open_slack("ops", policy, around(tmp_path, settings)), at=AT + timedelta(hours=1))
    hook = SlackReceiver(kind="slack", url="env:HOOK")
    tell(open_slack("ops", hook, around(tmp_path, settings)))
    assert len(slack.messages) == 2
    odd = replace(around(tmp_path, {"T": "a\nb"}))
    with pytest.raises(Refused, match=r"^receivers\.ops\.token: a token is printable ASCII$"):
        open_slack("ops", policy, odd)
