"""A marked test to one receiver, over a vendor's double."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.page_test import page_test
from engine.errors import Refused
from tests.unit.hosts.receivers.vendors import pagerduty
from tests.unit.hosts.receivers.vendors.server import serving

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)
FLEET = """\
version: 1
receivers:
  duty: {kind: pagerduty, routing_key: "env:DUTY_KEY", url: "URL"}
  lines: {kind: file, path: pages.jsonl}
teams:
  shop: {page: [duty]}
models:
  demand:
    team: shop
    logs: {endpoint: demand}
    reference: {data: reference.parquet}
    serving: {champion: v1}
"""


@pytest.fixture
def vendor(outside: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[pagerduty.PagerDuty]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(pagerduty.PagerDuty()) as found:
        yield found


@pytest.fixture
def fleet(tmp_path: Path, vendor: pagerduty.PagerDuty) -> Path:
    file = tmp_path / "fleet.yaml"
    file.write_text(FLEET.replace("URL", vendor.url))
    return file


def test_the_test_and_its_end_are_one_marked_incident(
    fleet: Path, vendor: pagerduty.PagerDuty, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUTY_KEY", pagerduty.KEY)
    test, end = page_test(fleet, "duty", NOW)
    assert (test["event"], end["event"]) == ("test", "resolved")
    assert test["answer"].startswith('HTTP 202 {"status": "success", "message": "Event processed"')
    assert vendor.incidents() == [("trigger", "resolve")]
    assert vendor.shown[0] == "TEST of receiver duty, nothing is wrong"


def test_what_the_vendor_answers_is_told_where_it_refuses(
    fleet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DUTY_KEY", "x" * 32)
    with pytest.raises(Refused) as caught:
        page_test(fleet, "duty", NOW)
    assert str(caught.value) == "receiver duty: HTTP 400 (clientError)"
    assert capsys.readouterr().err == "the answer: invalid routing key\n"


@pytest.mark.parametrize(
    ("receiver", "reason"),
    [
        ("dutty", "dutty: no such receiver; fleet.yaml has duty, lines"),
        ("duty", "receivers.duty: the setting DUTY_KEY is not there; set it and restart"),
    ],
)
def test_what_cannot_be_tested_is_refused(
    fleet: Path, monkeypatch: pytest.MonkeyPatch, receiver: str, reason: str
) -> None:
    monkeypatch.delenv("DUTY_KEY", raising=False)
    with pytest.raises(Refused) as caught:
        page_test(fleet, receiver, NOW)
    assert str(caught.value) == reason


def test_a_file_gets_two_lines(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    assert len(page_test(fleet, "lines", NOW)) == 2
    assert len((tmp_path / "var" / "pages.jsonl").read_text().splitlines()) == 2
