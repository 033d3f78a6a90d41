"""Where pages can go, as fleet.yaml says it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from fleet.document.config import Config, load, problems
from fleet.document.receivers import (
    FileReceiver,
    Receiver,
    TerminalReceiver,
    WebhookReceiver,
    settings,
)

FLEET = """\
version: 1
receivers:
  duty: %s
models:
  churn: {team: ops, logs: {endpoint: churn}, reference: {data: r.parquet}, serving: {champion: v1}}
teams:
  ops: {page: [duty]}
"""

KINDS = (
    "'pagerduty', 'teams', 'slack', 'email', 'acs', 'azure-monitor', 'alertmanager', 'webhook', "
    "'terminal' or 'file'"
)
MAIL = "sender: d@ops.example, to: [ann@ops.example]"
SECRET = "a secret is read from a setting; write env:NAME"
#: One of each kind that people have, as short as it can be.
WRITTEN = (
    '{kind: pagerduty, routing_key: "env:KEY"}',
    '{kind: teams, url: "env:FLOW"}',
    '{kind: slack, url: "env:HOOK"}',
    '{kind: slack, token: "env:TOKEN", channel: C0123456789}',
    f'{{kind: email, url: "smtp://mail.example", {MAIL}}}',
    f'{{kind: email, url: "env:MAIL", {MAIL}, username: d, password: "env:PASSWORD"}}',
    f'{{kind: acs, url: "https://n.communication.azure.com", {MAIL}}}',
    '{kind: azure-monitor, url: "env:LOGIC_APP"}',
    '{kind: alertmanager, url: "https://api.incident.io/v2/x", token: "env:TOKEN"}',
    '{kind: webhook, url: "https://x.example/", secret: "env:S", headers: {X-Team: "env:T"}}',
    "{kind: terminal}",
    "{kind: file, path: pages.jsonl}",
)
#: Faults of one field of a kind.
FAULTS = (
    ("{kind: pagerduty, routing_key: 0123456789abcdef}", f".routing_key: {SECRET}"),
    ("{kind: pagerduty}", ": kind pagerduty needs a routing_key"),
    ('{kind: pagerduty, routing_key: "env:"}', f".routing_key: {SECRET}"),
    (
        '{kind: teams, url: "https://x.logic.azure.com/?sig=s"}',
        ".url: the address holds a key; write env:NAME",
    ),
    ("{kind: slack}", ": kind slack needs a token and a channel, or the url of a webhook"),
    ('{kind: slack, token: "env:T"}', ": a token needs a channel, by its id"),
    (
        '{kind: slack, token: "env:T", channel: "#ops"}',
        ".channel: give the channel's id, as C0123456789",
    ),
    (
        '{kind: slack, url: "https://hooks.slack.com/services/T/B/s"}',
        ": the url of a webhook is a secret; write env:NAME",
    ),
    (
        '{kind: slack, url: "env:HOOK", channel: C0123456789}',
        ": a webhook has its own channel; leave channel out, or add a token",
    ),
    (f'{{kind: email, url: "mail.example", {MAIL}}}', ".url: write smtp://HOST:PORT"),
    (f'{{kind: email, url: "smtp://u:p@m.example", {MAIL}}}', ".url: write smtp://HOST:PORT"),
    (
        '{kind: email, url: "smtp://m.example", sender: "a@b\\nBcc: c@d", to: [x@y]}',
        ".sender: write one address, as ops@example.com",
    ),
    (
        f'{{kind: email, url: "smtp://m.example", {MAIL}, username: d}}',
        ": username and password belong together",
    ),
    (
        f'{{kind: email, url: "smtp://m.example", {MAIL}, username: d, password: "env:P", '
        "tls: none}",
        ": tls: none would send the password in the clear",
    ),
    (f'{{kind: acs, url: "https://n.example", {MAIL}, key: c2VjcmV0}}', f".key: {SECRET}"),
    ('{kind: webhook, url: "https://x.example/", secret: s3}', f".secret: {SECRET}"),
    (
        '{kind: webhook, url: "https://x.example/", headers: {X-Team: "a\\r\\nb: c"}}',
        ".headers.X-Team: a header's value is ASCII",
    ),
)


@pytest.mark.parametrize("written", WRITTEN)
def test_each_kind_is_read(written: str) -> None:
    assert isinstance(problems(FLEET % written, "fleet.yaml", lambda _: ""), Config)


@pytest.mark.parametrize(("written", "expected"), FAULTS)
def test_a_fault_of_a_kind_is_told_without_the_secret(written: str, expected: str) -> None:
    found = problems(FLEET % written, "fleet.yaml", str)
    assert isinstance(found, list)
    assert [str(problem) for problem in found] == [f"fleet.yaml:3: receivers.duty{expected}"]


def test_the_settings_that_a_receiver_reads_are_known() -> None:
    read = TypeAdapter(Receiver).validate_python
    hook = {"kind": "webhook", "url": "env:A", "secret": "env:B", "headers": {"X-Team": "env:C"}}
    assert list(settings(read(hook))) == [
        (("url",), "A"),
        (("secret",), "B"),
        (("headers", "X-Team"), "C"),
    ]
    assert list(settings(read({"kind": "terminal"}))) == []


@pytest.mark.parametrize("text", ["env:X", "ops.example", "https://x/?a=b", "https://x/#y"])
def test_our_own_address_is_an_address(text: str) -> None:
    document = f"base_url: {text!r}\n" + FLEET % "{kind: terminal}"
    found = problems(document, "fleet.yaml", str)
    assert isinstance(found, list)
    (problem,) = found
    assert str(problem).startswith("fleet.yaml:1: base_url: ")


def test_our_own_address_ends_without_a_slash() -> None:
    document = "base_url: https://ops.example/dw/\n" + FLEET % "{kind: terminal}"
    assert load(document, "fleet.yaml", str).document.base_url == "https://ops.example/dw"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"kind": "terminal"}, TerminalReceiver(kind="terminal")),
        ({"kind": "file", "path": "a.jsonl"}, FileReceiver(kind="file", path="a.jsonl")),
        ({"kind": "webhook", "url": "env:URL"}, WebhookReceiver(kind="webhook", url="env:URL")),
    ],
)
def test_the_kind_picks_the_policy(written: dict[str, str], expected: Receiver) -> None:
    assert TypeAdapter(Receiver).validate_python(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{kind: pigeon}", f".kind: input should be {KINDS}"),
        ("{kind: null}", f".kind: input should be {KINDS}"),
        ("{kind: [file]}", f".kind: input should be {KINDS}"),
        ("{}", ".kind: is missing"),
        ("{path: a.jsonl}", ".kind: is missing"),
        ("pages.jsonl", ": input should be a valid dictionary"),
        ("null", ": input should be a valid dictionary"),
        ("{kind: file}", ": kind file needs a path"),
        ("{kind: webhook}", ": kind webhook needs a url"),
        ("{kind: file, path: 3}", ".path: input should be a valid string"),
        ("{kind: webhook, url: null}", ".url: input should be a valid string"),
        ("{kind: terminal, colour: red}", ".colour: unknown field; known are kind"),
        (
            "{kind: file, path: a.jsonl, pth: b}",
            ".pth: unknown field, did you mean 'path'?",
        ),
    ],
)
def test_a_fault_is_one_line_at_the_field_as_it_is_written(written: str, expected: str) -> None:
    found = problems(FLEET % written, "fleet.yaml", str)
    assert isinstance(found, list)
    assert [str(problem) for problem in found] == [f"fleet.yaml:3: receivers.duty{expected}"]
