"""Pieces of a replay: its position in the store, its commands, and the versions they make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.replay.driver import make_version, prepare, run_command
from commands.replay.scenario import SCENARIO_FILE, happenings, read_scenario
from engine.clock import SetClock
from engine.errors import Refused
from hosts import read_config
from hosts.local.host import Durations, LocalHost
from hosts.local.position import position
from hosts.local.sqlite import SqliteStore

NOW = datetime(2024, 2, 29, 10, tzinfo=UTC)


@pytest.fixture
def host(recorded: Path) -> Iterator[LocalHost]:
    config = read_config(recorded / "fleet.yaml")
    opened = LocalHost(
        config, recorded, SetClock(NOW), durable=False,
        durations=Durations(timedelta(hours=2), lambda *_: 20.0),
    )  # fmt: skip
    yield opened
    opened.close()


def test_a_store_without_a_replay_has_no_position(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.sqlite")
    assert position(store) is None
    store.close()


def test_versions_are_made_once_and_those_registered_later_wait(
    host: LocalHost, recorded: Path
) -> None:
    scenario = read_scenario(recorded / SCENARIO_FILE)
    prepare(host, scenario, recorded)
    assert host.models.versions("demand") == ("first",)
    made = recorded / "var" / "made" / "first" / "model.yaml"
    before = made.stat().st_mtime_ns
    prepare(host, scenario, recorded)
    assert made.stat().st_mtime_ns == before
    late = next(plan for plan in scenario.versions if plan.register_at is not None)
    make_version(host, scenario, recorded, late)
    assert host.models.versions("demand") == ("first", "guessed")


def test_what_was_half_made_is_made_again(host: LocalHost, recorded: Path) -> None:
    scenario = read_scenario(recorded / SCENARIO_FILE)
    half = recorded / "var" / "made" / "first"
    half.mkdir(parents=True)
    (half / "left-over").write_text("x")
    prepare(host, scenario, recorded)
    assert not (half / "left-over").exists()
    assert host.models.versions("demand") == ("first",)


@pytest.mark.usefixtures("outside")
def test_a_command_runs_in_its_folder_with_this_python(tmp_path: Path) -> None:
    code = "import os, sys; open('said', 'w').write(os.getcwd() + '\\n' + sys.executable)"
    run_command(["python", "-c", code], tmp_path)
    where, _ = (tmp_path / "said").read_text().splitlines()
    assert Path(where) == tmp_path


@pytest.mark.usefixtures("outside")
def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; print('lost'); sys.exit('first\\nno rows at all')"
    with pytest.raises(Refused) as refused:
        run_command(["python", "-c", code], tmp_path)
    assert str(refused.value).endswith(": exit code 1: no rows at all")
    with pytest.raises(Refused, match=r"exit code 3: $"):
        run_command(["python", "-c", "raise SystemExit(3)"], tmp_path)


@pytest.mark.usefixtures("outside")
def test_a_command_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no-such-command"):
        run_command(["no-such-command", "x"], tmp_path)


def test_the_tiny_scenario_covers_its_days(recorded: Path) -> None:
    moments = happenings(read_scenario(recorded / SCENARIO_FILE))
    assert len(moments) == 6 * 2 + 6 + 1
    assert moments == sorted(moments, key=lambda pair: pair[0])
