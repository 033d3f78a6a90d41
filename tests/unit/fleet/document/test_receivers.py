"""Where pages can go, as fleet.yaml says it."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from fleet.document.config import problems
from fleet.document.receivers import FileReceiver, Receiver, TerminalReceiver, WebhookReceiver

FLEET = """\
version: 1
receivers:
  duty: %s
models:
  churn: {team: ops, logs: {endpoint: churn}, reference: {data: r.parquet}, serving: {champion: v1}}
teams:
  ops: {page: [duty]}
"""


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
        (
            "{kind: pigeon}",
            ".kind: input should be 'pagerduty', 'teams', 'slack', 'email', 'acs', "
            "'azure-monitor', 'alertmanager', 'webhook', 'terminal' or 'file'",
        ),
        (
            "{kind: null}",
            ".kind: input should be 'pagerduty', 'teams', 'slack', 'email', 'acs', "
            "'azure-monitor', 'alertmanager', 'webhook', 'terminal' or 'file'",
        ),
        (
            "{kind: [file]}",
            ".kind: input should be 'pagerduty', 'teams', 'slack', 'email', 'acs', "
            "'azure-monitor', 'alertmanager', 'webhook', 'terminal' or 'file'",
        ),
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
