"""The whole year of flights: what it has to show, twice the same, and the same after ten kills."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from engine import journal
from hosts import keys
from hosts.local.host import STORE_FILE
from hosts.local.sqlite import SqliteStore

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/flights"
KILLS = 10
KEY = "the key of all replays of the flights"


@pytest.fixture(scope="module")
def data(year: Path) -> Path:
    return year


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    folder = copy(tmp_path_factory.mktemp("first"), data)
    assert start(folder).wait() == 0
    return folder


def copy(folder: Path, data: Path) -> Path:
    """The example in a folder of its own, on the data prepared once."""
    fleet = yaml.safe_load((EXAMPLE / "fleet.yaml").read_text())
    fleet["store"] = "local:store"
    fleet["models"]["flights"]["reference"]["data"] = str(data / "reference.parquet")
    fleet["calendars"]["new-york"]["ics"] = [str(EXAMPLE / "events-2013.ics")]
    fleet["models"]["flights"]["slo"] = [str(EXAMPLE / "objectives.openslo.yaml")]
    scenario = yaml.safe_load((EXAMPLE / "scenario.yaml").read_text())
    scenario |= {"folder": str(ROOT), "prepare": []}
    scenario["replay"] |= {
        "requests": str(data / "requests"),
        "labels": str(data / "labels"),
        "summary": str(folder / "summary.json"),
    }
    for version in scenario["versions"]:
        words = version["train"]
        version["train"] = [word.replace("var/flights/data", str(data)) for word in words]
    (folder / "fleet.yaml").write_text(yaml.safe_dump(fleet))
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario))
    return folder


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cli", "replay", "--fleet", str(folder / "fleet.yaml")]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, env={**os.environ, keys.SETTING: KEY},
    )  # fmt: skip


def hashes(folder: Path) -> dict[str, list[str]]:
    """Every partition's chain: equal hashes are equal journals, byte for byte."""
    store = SqliteStore(folder / "store" / STORE_FILE)
    found = {
        name: [record.hash for record in journal.read(store, name)] for name in store.partitions()
    }
    store.close()
    return found


def lines(folder: Path) -> list[dict[str, Any]]:
    store = SqliteStore(folder / "store" / STORE_FILE)
    found = [line for record in journal.read(store, "flights") for line in record.lines]
    store.close()
    return found


def test_the_year_shows_what_is_in_it(first: Path) -> None:
    summary = json.loads((first / "summary.json").read_text())
    served, frozen = summary["performance"]["served"], summary["performance"]["frozen"]
    assert summary["rows"] == 257_653
    assert summary["windows"] == 277
    assert served["auc"] - frozen["auc"] >= 0.02
    assert served["brier"] < frozen["brier"]
    outcomes = {rollout["challenger"]: rollout["outcome"] for rollout in summary["rollouts"]}
    assert outcomes["flights-leak"] == "rolled_back"
    assert outcomes.get("flights-thanksgiving") != "promoted"
    pages = [alert for alert in summary["alerts"] if alert["severity"] == "page"]
    assert len(pages) <= 12
    assert [p["id"].rpartition("-")[0] for p in pages if "2013-12-31" in p["reason"]] == ["quality"]
    summer = min(
        rollout["from"]
        for rollout in summary["rollouts"]
        if rollout["outcome"] == "promoted" and rollout["from"] >= "2013-06-20"
    )
    told = [page["fired"] for page in pages if page["id"].startswith("performance")]
    assert any("2013-06-20" <= fired < summer for fired in told)
    assert summary["journal"]["verified"] is True


def test_no_page_comes_of_the_calendar_alone_and_no_promotion_skips_a_step(first: Path) -> None:
    found = lines(first)
    fired = [
        line
        for line in found
        if line["what"] == "alert" and line["phase"] == "firing" and line["severity"] == "page"
    ]
    began = {line["alert"]: line for line in reversed(fired)}
    assert all(line["explained_by"] is None for line in began.values())
    passed = {line["version"] for line in found if line["what"] == "gate"
              and line["verdict"] == "passed"}  # fmt: skip
    rollouts = [line for line in found if line["what"] == "rollout"]
    promoted = [line for line in rollouts if line["phase"] == "promoted"]
    assert promoted
    for end in promoted:
        steps = [line for line in rollouts if line["id"] == end["id"]]
        assert end["challenger"] in passed
        assert end["waived_by"] is None
        assert [line["phase"] for line in steps] == [
            "shadow", "canary", "canary", "bake", "promoted",
        ]  # fmt: skip
        assert steps[1]["reason"].startswith("shadow passed")
        assert "rejected" not in end["guards"].values()
        assert "cleared" in end["guards"].values()


def test_every_page_names_features_bins_airports_and_what_happened(first: Path) -> None:
    told = [json.loads(line) for line in (first / "store" / "pages.jsonl").read_text().splitlines()]
    pages = [one for one in told if one["severity"] == "page" and ":firing:" in one["key"]]
    kinds = {one["key"].split(":")[1].rpartition("-")[0] for one in pages}
    assert {"performance", "quality"} <= kinds
    for page in pages:
        text = "\n".join(page["lines"])
        assert "just before: " in text
        if ":performance-" in page["key"]:
            assert re.search(r"psi [0-9.e-]+; .+ % → .+ % \(.+ rows\)", text)
            assert "origin=" in text


def test_what_was_announced_is_told_with_what_it_came_to(first: Path) -> None:
    found = lines(first)
    over = {line["event"]: line["outcome"] for line in found if line["what"] == "event"}
    furloughs = next(name for name in over if "furlough" in name.lower())
    explained = {line["explained_by"] for line in found if line["what"] in ("joined", "alert")}
    assert furloughs in explained
    assert over["Thanksgiving Day"] != ""
    assert set(over.values()) <= {"harmless", "unused", "explained", "moved"}


def test_a_second_replay_writes_the_same_journal(
    first: Path, tmp_path_factory: pytest.TempPathFactory, data: Path
) -> None:
    second = copy(tmp_path_factory.mktemp("second"), data)
    assert start(second).wait() == 0
    assert hashes(second) == hashes(first)


def test_killed_at_random_moments_and_resumed_it_is_that_journal_again(
    first: Path, tmp_path_factory: pytest.TempPathFactory, data: Path
) -> None:
    killed = copy(tmp_path_factory.mktemp("killed"), data)
    generator = np.random.default_rng(int.from_bytes(os.urandom(4)))
    for pause in generator.uniform(8, 25, KILLS):
        running = start(killed)
        try:
            running.wait(pause)
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    assert start(killed).wait() == 0
    assert hashes(killed) == hashes(first)
