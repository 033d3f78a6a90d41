"""`driftwarden init` on columns as people have them, and the names' way to a backtest."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import yaml

from hosts import read_config
from monitoring.schema import Kind

CASES = Path(__file__).parents[1] / "resources" / "cases"
EMOJI = CASES / "emoji-names" / "data😀.csv"
CALL = (sys.executable, "-c", "import cli, sys; sys.exit(cli.main())")
Command = Callable[..., Any]


def test_columns_of_one_name_are_one_line(command: Command) -> None:
    line = command("init", "--from", CASES / "dup-columns-and-init" / "dup.csv").refusal
    assert "dup.csv: two columns are called 'a'" in line


def test_empty_trailing_columns_are_left_out(tmp_path: Path, command: Command) -> None:
    assert command("init", "--from", CASES / "dup-columns-and-init" / "trail.csv").code == 0
    text = (tmp_path / "fleet.yaml").read_text()
    assert "#   b: {}    # numeric" in text
    assert '""' not in text


def test_names_with_an_emoji_survive_from_init_to_backtest(
    tmp_path: Path, command: Command
) -> None:
    shutil.copy(EMOJI, tmp_path)
    assert command("init", "--from", EMOJI.name).code == 0
    text = (tmp_path / "fleet.yaml").read_text(encoding="utf-8")
    assert 'reference: {data: "data😀.csv"}' in text
    assert 'labels: {segment: "😀status"}' in text
    done = command("validate", "--document-only", "fleet.yaml")
    assert (done.code, done.out) == (2, "")
    assert all("still marked CHANGE" in line for line in done.err.splitlines())
    unmark(tmp_path / "fleet.yaml")
    done = command("validate", "--document-only", "fleet.yaml")
    assert (done.code, done.out, done.err) == (0, "fleet.yaml: valid, 1 model\n", "")
    line = command("validate", "fleet.yaml").refusal
    assert "data😀.csv: needs a column 'time'; found " in line
    done = command("backtest", "--data", EMOJI.name)
    assert (done.code, done.err) == (0, "")
    assert "😀status" in done.out


def unmark(file: Path) -> None:
    """Remove the marks that `init` leaves, as somebody does who has edited their lines."""
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r" *# CHANGE.*", "", text), encoding="utf-8")


ODD = [
    "größe", "a b", 'say "x"', "it's", "a: b", "#x", "- y", "👩‍🔧", "yes", "{a}", "\u2028x",
    "1", "a, b]",
]  # fmt: skip


def test_odd_names_survive_from_init_to_written_thresholds(
    tmp_path: Path, command: Command
) -> None:
    rng = np.random.default_rng(1)
    day = np.arange(1_800) // 60
    struck = {
        name: rng.normal(0, 1, 1_800) + 3 * ((day >= start) & (day < start + 3))
        for start, name in enumerate(ODD, 15)
    }
    days = [f"2026-03-{1 + number:02}" for number in day]
    table = pa.table({"day": days, "plan ☕": rng.choice(["a", "b"], 1_800), **struck})
    pq.write_table(table, tmp_path / "past.parquet")
    assert command("init", "--from", "past.parquet").code == 0
    unmark(tmp_path / "fleet.yaml")
    assert command("validate", "--document-only", "fleet.yaml").code == 0
    words = ("backtest", "--data", "past.parquet", "--write", "--json")
    done = command(*words)
    assert (done.code, done.err) == (0, "")
    assert set(ODD) <= {one["name"] for one in json.loads(done.out)["features"]}
    assert command("validate", "--document-only", "fleet.yaml").code == 0
    (watched,) = read_config(tmp_path / "fleet.yaml").fleet.models.values()
    assert watched.policy.labels.segment == "plan ☕"
    assert set(ODD) <= set(watched.policy.drift.features)


def test_ids_as_integers_are_suggested_as_categorical(tmp_path: Path, command: Command) -> None:
    sample = CASES / "category-ids-as-integers" / "ref.parquet"
    assert command("init", "--from", sample).code == 0
    text = (tmp_path / "fleet.yaml").read_text()
    assert "        store_id: {kind: categorical}    # CHANGE: 100 ids or codes?" in text
    assert "      #   x: {}    # numeric" in text
    (watched,) = read_config(tmp_path / "fleet.yaml").fleet.models.values()
    assert {name: own.kind for name, own in watched.policy.drift.features.items()} == {
        "store_id": Kind.CATEGORICAL
    }
    assert max(map(len, text.splitlines()[3:])) <= 100


def test_what_names_rows_is_suggested_to_be_left_out_in_a_comment(
    tmp_path: Path, command: Command
) -> None:
    pacsv.write_csv(
        pa.table(
            {
                "order_id": np.arange(500) + 10**6,
                "zip": np.random.default_rng(2).choice([10115, 20095, 80331], 500),
                "note": [f"note {i}" for i in range(500)],
                "plan": ["free", "pro"] * 250,
                "visits": np.random.default_rng(3).poisson(4, 500),
                "label": [0, 1] * 250,
            }
        ),
        tmp_path / "shop.csv",
    )
    assert command("init", "--from", "shop.csv").code == 0
    text = (tmp_path / "fleet.yaml").read_text()
    (watched,) = read_config(tmp_path / "fleet.yaml").fleet.models.values()
    assert set(watched.policy.drift.features) == {"zip"}
    assert watched.policy.labels.segment == "plan"
    for name in ("order_id", "note"):
        assert f"#   {name}: 500 values in 500 rows; if they name the rows, leave it out" in text
    assert "#   visits: {}    # numeric" in text


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_fleet_yaml_is_utf_8_in_every_locale(tmp_path: Path, settings: dict[str, str]) -> None:
    """Without UTF-8 mode the names in the file are read and shown, only the locale's escaped."""
    table = pacsv.read_csv(EMOJI)
    pacsv.write_csv(table, tmp_path / "past.csv")
    environment = {**os.environ, "LC_ALL": "C", **settings}
    environment.pop("LANG", None)

    def run(*words: str) -> str:
        done = subprocess.run(
            [*CALL, *words],
            cwd=tmp_path, env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    run("init", "--from", "past.csv")
    text = (tmp_path / "fleet.yaml").read_bytes().decode()
    assert yaml.safe_load(text)["models"]["past"]["labels"] == {"segment": "😀status"}
    assert "status" in run("backtest", "--data", "past.csv", "--write")


def test_a_name_that_the_locale_cannot_spell_is_one_line(tmp_path: Path) -> None:
    shutil.copy(EMOJI, tmp_path)
    done = subprocess.run(
        [*CALL, "init", "--from", EMOJI.name],
        cwd=tmp_path, capture_output=True, check=False, timeout=120,
        env={
            **os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )  # fmt: skip
    (line,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert line.startswith("driftwarden init: ")
