"""The operator's commands on a local fleet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import function_app
from commands.operate import ask, begin, everybody, instant, since, span
from engine import journal
from engine.errors import Refused
from fleet.commands import Command
from hosts import open_host
from hosts.host import Host

NOW = datetime(2024, 3, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)), ("30m", timedelta(minutes=30)),
        ("4h", timedelta(hours=4)), ("1.5d", timedelta(hours=36)), ("2w", timedelta(days=14)),
    ],
)  # fmt: skip
def test_lengths_of_time(text: str, length: timedelta) -> None:
    assert span(text) == length
    assert instant(text, NOW) == NOW + length


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("5m", "2024-03-04T09:55:00+00:00"),
        ("4h", "2024-03-04T06:00:00+00:00"),
        ("1.5d", "2024-03-02T22:00:00+00:00"),
        ("2w", "2024-02-19T10:00:00+00:00"),
        ("2024-03-04T09:00Z", "2024-03-04T09:00Z"),
        ("yesterday", "yesterday"),
    ],
)
def test_a_journal_begins_a_span_ago(text: str, begin: str) -> None:
    assert since(text, NOW) == begin


def test_a_span_beyond_the_first_year_is_refused() -> None:
    with pytest.raises(Refused, match="lies before the year 1"):
        since("900000d", NOW)


@pytest.mark.parametrize("text", ["", "4", "h", "-4h", "4 h", "4h30m", "1e3h", "∞d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a duration; write 30m, 4h or 2d"):
        span(text)


def test_a_length_beyond_all_time_is_refused() -> None:
    for text in ("999999999999d", "9" * 400 + "d"):
        with pytest.raises(Refused):
            instant(text, NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-05T18:00Z", datetime(2024, 3, 5, 18, tzinfo=UTC)),
        ("2024-03-05T18:00:00+01:00", datetime(2024, 3, 5, 17, tzinfo=UTC)),
        ("2024-03-05", datetime(2024, 3, 6, tzinfo=UTC)),
    ],
)
def test_instants(text: str, moment: datetime) -> None:
    assert instant(text, NOW) == moment


@pytest.mark.parametrize("text", ["soon", "2024-13-01", "2024-03-05T18:00", "9999-12-31"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        instant(text, NOW)


def test_one_model_or_all() -> None:
    assert everybody("demand", every=False) == "demand"
    assert everybody(None, every=True) == "--all"
    for target, every in (("demand", True), (None, False)):
        with pytest.raises(Refused, match="name one model, or --all"):
            everybody(target, every=every)


@pytest.fixture
def host(tiny: Path) -> Iterator[Host]:
    opened = open_host(tiny / "fleet.yaml")
    function_app.use(opened)
    opened.service.begin()
    yield opened
    function_app._given.clear()
    opened.close()


def test_a_command_is_acted_on_before_it_returns(host: Host) -> None:
    until = host.clock.now() + timedelta(days=1)
    asked = Command("freeze", "demand", "g.hopper", "launch", "c1", until)
    assert ask(host, function_app.app, asked) == ["demand"]
    (freeze,) = host.service.loop.head("demand").state.freezes
    assert (freeze.by, freeze.reason, freeze.until) == ("g.hopper", "launch", until)
    loop = host.service.loop
    assert journal.verify(loop.store, "demand", loop.seal) >= 1


def test_a_date_at_which_something_was_is_its_begin() -> None:
    assert begin("2024-03-05", NOW) == datetime(2024, 3, 5, tzinfo=UTC)
    assert begin("2024-03-05T18:00Z", NOW) == datetime(2024, 3, 5, 18, tzinfo=UTC)
    assert begin("4h", NOW) == NOW + timedelta(hours=4)
