"""What decides on the flights data is the data: not names, not the calendar, not luck."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from examples.flights.columns import FEATURES

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/flights"
KEPT = ["correlationid", "day", "time", *FEATURES, "label"]


class Copy:
    """A shortened copy of the example in a folder of its own, to be changed and replayed."""

    def __init__(self, folder: Path, year: Path, first: date, last: date) -> None:
        self.folder, self.year = folder, year
        self.fleet: dict[str, Any] = yaml.safe_load((EXAMPLE / "fleet.yaml").read_text())
        self.fleet["store"] = "local:store"
        self.model: dict[str, Any] = self.fleet["models"]["flights"]
        self.model["reference"]["data"] = str(year / "reference.parquet")
        self.scenario: dict[str, Any] = yaml.safe_load((EXAMPLE / "scenario.yaml").read_text())
        self.scenario |= {"folder": str(ROOT), "prepare": []}
        self.scenario["replay"] |= {
            "first": first,
            "last": last,
            "requests": str(year / "requests"),
            "labels": str(year / "labels"),
            "summary": str(folder / "summary.json"),
        }
        for version in self.scenario["versions"]:
            version["train"] = [self._beside(word) for word in version["train"]]
        for name in ("events-2013.ics", "objectives.openslo.yaml"):
            shutil.copy(EXAMPLE / name, folder)

    def _beside(self, word: str) -> str:
        return word.replace("var/flights/data", str(self.year))

    def keep(self, *names: str) -> None:
        """Leave every other version of the scenario out."""
        versions = self.scenario["versions"]
        self.scenario["versions"] = [v for v in versions if v["name"] in names]

    def refer(self, first: str, last: str) -> None:
        """Take the reference, and the champion's training, from other days of the year."""
        history = pq.read_table(self.year / "history.parquet", columns=KEPT)
        inside = pc.and_(
            pc.greater_equal(history["day"], first), pc.less_equal(history["day"], last)
        )
        target = self.folder / "reference.parquet"
        pq.write_table(history.filter(inside), target)
        self.model["reference"]["data"] = str(target)
        champion = self.scenario["versions"][0]["train"]
        champion[champion.index("--data") + 1] = str(target)

    def run(self) -> dict[str, Any]:
        """Replay it and return its summary."""
        fleet = self.folder / "fleet.yaml"
        fleet.write_text(yaml.safe_dump(self.fleet))
        (self.folder / "scenario.yaml").write_text(yaml.safe_dump(self.scenario))
        command = [sys.executable, "-m", "cli", "replay", "--fleet", str(fleet), "--json"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[0])
        return found

    def lines(self, what: str) -> list[dict[str, Any]]:
        """The journal's lines of one kind."""
        fleet = str(self.folder / "fleet.yaml")
        command = [sys.executable, "-m", "cli", "journal", "flights", "--json", "--fleet", fleet]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        records = json.loads(done.stdout)
        return [line for record in records for line in record["lines"] if line["what"] == what]


@pytest.mark.slow
def test_a_leak_by_a_harmless_name_is_refused_all_the_same(tmp_path: Path, year: Path) -> None:
    copy = Copy(tmp_path, year, date(2013, 7, 16), date(2013, 7, 26))
    copy.keep("flights-q1", "flights-leak")
    copy.refer("2013-05-01", "2013-07-13")
    copy.scenario["versions"][1]["name"] = "harmless"
    del copy.model["training"]
    summary = copy.run()
    (rollout,) = summary["rollouts"]
    assert rollout["challenger"] == "harmless"
    assert rollout["outcome"] == "rolled_back"
    assert [line["verdict"] for line in copy.lines("gate")] == ["passed"]


@pytest.mark.slow
def test_nothing_is_ever_promoted_on_shuffled_labels(tmp_path: Path, year: Path) -> None:
    copy = Copy(tmp_path, year, date(2013, 4, 1), date(2013, 5, 2))
    copy.keep("flights-q1")
    shuffled = tmp_path / "labels"
    shuffled.mkdir()
    generator = np.random.default_rng(20130401)
    for file in sorted((year / "labels").glob("2013-0[45]*.parquet")):
        table = pq.read_table(file)
        labels = table["label"].to_numpy(zero_copy_only=False)
        place = table.column_names.index("label")
        mixed = pa.array(generator.permutation(labels), table["label"].type)
        pq.write_table(table.set_column(place, "label", mixed), shuffled / file.name)
    copy.scenario["replay"]["labels"] = str(shuffled)
    # Eager: the more challengers are tried, the more could slip through.
    copy.model["trigger"] |= {"cool_down": "P3D", "min_new_days": 7, "monthly_runs": 10}
    copy.model["dataset"] |= {"days": 14, "min_days": 7}
    summary = copy.run()
    assert len(summary["retrains"]) >= 2
    assert [r for r in summary["rollouts"] if r["outcome"] == "promoted"] == []


@pytest.mark.slow
def test_without_the_calendar_only_explanations_and_held_pages_change(
    tmp_path: Path, year: Path
) -> None:
    found = {}
    for name in ("with", "without"):
        folder = tmp_path / name
        folder.mkdir()
        copy = Copy(folder, year, date(2013, 4, 17), date(2013, 4, 29))
        copy.keep("flights-q1")
        del copy.model["training"]
        if name == "without":
            copy.fleet["calendars"]["new-york"]["ics"] = []
        copy.run()
        found[name] = {
            "assessed": [_verdict(line) for line in copy.lines("assessed")],
            "joined": [_verdict(line) for line in copy.lines("joined")],
            "explained": [line["explained_by"] for line in copy.lines("joined")],
        }
    assert found["with"]["assessed"] == found["without"]["assessed"]
    assert found["with"]["joined"] == found["without"]["joined"]
    assert any("furlough" in str(event) for event in found["with"]["explained"])
    assert not any("furlough" in str(event) for event in found["without"]["explained"])


def _verdict(line: dict[str, Any]) -> dict[str, Any]:
    kept = ("window", "verdict", "stream", "psi", "score_psi", "health", "reason", "rolling")
    return {name: line[name] for name in kept if name in line}
