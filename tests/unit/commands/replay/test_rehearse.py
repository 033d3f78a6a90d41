"""A replay of a tiny scenario: told whole, repeated byte for byte, killed and resumed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from commands.replay.rehearse import Told
from engine.errors import Refused
from engine.store import Replace
from hosts import keys, read_config
from hosts.local.host import STORE_FILE, LocalHost
from hosts.local.opening import open_local
from hosts.local.position import position
from hosts.local.sqlite import SqliteStore
from tests.unit.commands.rehearsal import KEY, LAST, Replayed, journals, rehearse

COMMAND = Path(sys.executable).with_name("driftwarden")
# A machine may be busy.
PATIENCE = 600.0


def said(told: Told, what: str) -> list[dict[str, object]]:
    return [line for record in told.records for line in record.lines if line["what"] == what]


def test_what_a_replay_tells(replayed: Replayed) -> None:
    folder, told, shown = replayed.folder, replayed.told, replayed.shown
    assert told.model == "demand"
    assert told.target == folder / "var" / "summary.json"
    assert [line["window"] for line in said(told, "assessed")] == [
        "2024-03-01", "2024-03-02", "2024-03-03",
    ]  # fmt: skip
    joined = said(told, "joined")
    assert {line["window"] for line in joined} == {"2024-03-01", "2024-03-02", "2024-03-03"}
    assert {(line["labelled"], line["expected"]) for line in joined} == {(60, 60)}
    assert set(told.rows) == {line["rows"] for line in joined}
    assert all(table.num_rows == 60 for table in told.rows.values())
    (run,) = said(told, "run")
    assert (run["phase"], run["version"]) == ("succeeded", "demand-run-1")
    (registered,) = said(told, "registered")
    assert registered["version"] == "guessed"
    assert "registered guessed" in shown


def test_everything_in_the_store_is_closed_to_others(replayed: Replayed) -> None:
    store = replayed.folder / "var"
    opened = [path for path in (store, *store.rglob("*")) if path.stat().st_mode & 0o077]
    assert [path for path in opened if path.name != "summary.json"] == []


def test_every_time_in_the_journal_is_replay_time(replayed: Replayed) -> None:
    moments = [record.at for record in replayed.told.records]
    assert moments == sorted(moments)
    assert all("2024-02-29" <= at[:10] <= "2024-03-06" for at in moments)


def test_no_path_of_the_machine_is_in_the_journal(replayed: Replayed) -> None:
    text = json.dumps(replayed.journals)
    assert str(replayed.folder) not in text
    assert "/tmp" not in text


def test_a_replay_again_is_the_same_byte_for_byte(replayed: Replayed, recorded: Path) -> None:
    again, _ = rehearse(recorded)
    assert again.records == replayed.told.records
    assert journals(recorded) == replayed.journals


def started(folder: Path) -> subprocess.Popen[bytes]:
    words = [str(COMMAND), "replay", "--to", str(LAST), "--json"]
    return subprocess.Popen(
        words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, keys.SETTING: KEY},
    )  # fmt: skip


def logged(folder: Path) -> int:
    """How many files and folders there are below the logs; the replay may be removing some."""
    # Path.rglob raises where a folder goes while it is listed; os.walk passes over it.
    return sum(len(folders) + len(files) for _, folders, files in os.walk(folder / "var" / "logs"))


def killed(folder: Path, after: float) -> bool:
    """Run the command and kill it some time after it works; False where it ended before.

    It works once there are more logs than before.
    """
    known = logged(folder)
    process = started(folder)
    end = time.monotonic() + PATIENCE
    while process.poll() is None and logged(folder) == known:
        assert time.monotonic() < end, "it does not begin"
        time.sleep(0.02)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    assert process.returncode == 0
    return False


def killed_until_done(folder: Path, kills: int, pause: Callable[[], float]) -> int:
    """Kill the replay again and again, then let it end; how often it was hit."""
    hit = 0
    while hit < kills and killed(folder, pause()):
        hit += 1
    if hit == kills:
        assert started(folder).wait(PATIENCE) == 0
    return hit


def test_killed_at_any_moment_it_resumes_to_the_same_journal(
    replayed: Replayed, recorded: Path
) -> None:
    chance = random.Random(11)
    assert killed_until_done(recorded, 1, lambda: chance.uniform(0, 0.5)) == 1
    assert journals(recorded) == replayed.journals
    document = json.loads((recorded / "var" / "summary.json").read_text())
    assert set(document) == {
        "model", "from", "to", "rows", "windows", "seconds", "drift_episodes", "alerts",
        "retrains", "rollouts", "performance", "journal",
    }  # fmt: skip
    assert (document["from"], document["to"]) == ("2024-03-01", "2024-03-03")
    assert (document["rows"], document["windows"]) == (180, 3)
    assert document["journal"] == {"records": len(replayed.told.records), "verified": True}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_killed_ten_times_it_resumes_to_the_same_journal(
    replayed: Replayed, recorded: Path, seed: int
) -> None:
    chance = random.Random(seed)
    assert killed_until_done(recorded, 10, lambda: chance.uniform(0, 0.5)) >= 3
    assert journals(recorded) == replayed.journals


def test_a_finished_replay_starts_afresh(replayed: Replayed, tmp_path: Path) -> None:
    folder = tmp_path / "fleet"
    shutil.copytree(replayed.folder, folder)
    marker = folder / "var" / "blobs" / "left-over"
    marker.write_text("x")
    told, _ = rehearse(folder, last=date(2024, 3, 1))
    assert not marker.exists()
    assert [line["window"] for line in said(told, "assessed")] == ["2024-03-01"]


def test_a_live_store_is_not_replayed_over(tiny: Path) -> None:
    host = open_local(read_config(tiny / "fleet.yaml"), tiny)
    host.service.begin()
    host.service.drain("demand")
    host.close()
    with pytest.raises(Refused, match="holds a live store, not a replay; name another `store`"):
        rehearse(tiny)


def test_the_days_asked_for_must_be_recorded(recorded: Path) -> None:
    with pytest.raises(Refused) as refused:
        rehearse(recorded, first=date(2024, 4, 1), last=date(2024, 4, 2))
    assert str(refused.value) == (
        "--from 2024-04-01 --to 2024-03-06: the recorded days are 2024-03-01 to 2024-03-06"
    )


def test_a_preparation_that_fails_is_told_with_its_last_words(recorded: Path) -> None:
    (recorded / "make.py").write_text("raise SystemExit('no data today')")
    with pytest.raises(Refused, match=r"^python make.py data: exit code 1: no data today$"):
        rehearse(recorded)


def test_an_interrupted_replay_is_not_opened_for_live_commands(
    replayed: Replayed, tmp_path: Path
) -> None:
    folder = tmp_path / "fleet"
    shutil.copytree(replayed.folder, folder)
    config = read_config(folder / "fleet.yaml")
    host = open_local(config, folder)
    assert isinstance(host, LocalHost)
    # A finished one keeps its own time: its fleet has never seen today.
    assert host.clock.now().date() == position(host.store).at.date()
    host.close()
    store = SqliteStore(folder / "var" / STORE_FILE)
    row = store.get("fleet", "replay")
    store.commit("fleet", [Replace("replay", {**row.props, "finished": False}, row.etag)])
    store.close()
    with pytest.raises(Refused, match=r"a replay was interrupted at 2024-03-.*; `replay` resumes"):
        open_local(config, folder)
