"""A model's history: from a store after a replay, from its reference alone, from a table."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from commands.history import OWN, Source, of_store, of_table
from engine.errors import Refused
from fleet.backtest.play import play
from fleet.work.refer.referencing import load
from hosts import read_config
from hosts.local.host import STORE_FILE
from hosts.local.opening import open_local
from monitoring.intake.references import Terms
from tests.unit.commands.rehearsal import Replayed


@pytest.fixture(scope="module")
def played(replayed: Replayed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the fleet that has replayed three days. Not to be changed."""
    return shutil.copytree(replayed.folder, tmp_path_factory.mktemp("history") / "fleet")


def stored(folder: Path, months: float = 6) -> Source:
    config = read_config(folder / "fleet.yaml")
    return of_store(config, folder, config.fleet.models["demand"], months)


def tabled(folder: Path, path: Path, months: float = 6) -> Source:
    watched = read_config(folder / "fleet.yaml").fleet.models["demand"]
    return of_table(folder, path, watched, months, Terms())


def test_the_days_after_the_reference_are_played_as_they_were_assessed(played: Path) -> None:
    watched = read_config(played / "fleet.yaml").fleet.models["demand"]
    source = stored(played)
    names = [day.name for day in source.history.days]
    assert names == ["2024-03-01", "2024-03-02", "2024-03-03"]
    assert len(source.history.held) == 29
    before = sorted(path for path in (played / "var" / "blobs").rglob("*"))
    days = play(source.blobs, watched, source.history, lambda _: None)
    assert sorted(path for path in (played / "var" / "blobs").rglob("*")) == before
    config = read_config(played / "fleet.yaml")
    host = open_local(config, played)
    past = host.service.loop.head("demand").state.windows.past
    records: Any = host.service.read("journal", "demand")
    host.close()
    assessed = {
        line["window"]: line for r in records for line in r["lines"] if line["what"] == "assessed"
    }
    for one in days:
        told = assessed[one.day.name]
        assert one.fact.flagged == past[one.day.name].flagged
        assert one.fact.verdict == told["verdict"]
        assert one.fact.stream == told["stream"]
        assert one.fact.psi == pytest.approx(told["psi"])
    assert days[0].features["x"].ks is not None
    assert days[0].features["kind"].ks is None


def test_fewer_months_are_the_newest_days(played: Path) -> None:
    assert [day.name for day in stored(played, 1 / 30.4375).history.days] == ["2024-03-03"]


def test_a_store_that_is_not_there_is_not_made(made: Path) -> None:
    with pytest.raises(Refused, match="no store yet; give the rows of past days with --data PATH"):
        stored(made)
    assert not (made / "var" / STORE_FILE).exists()


def reference(folder: Path) -> pa.Table:
    return pq.read_table(folder / "data" / "reference.parquet")


def test_a_table_is_held_against_the_models_reference(recorded: Path, tmp_path: Path) -> None:
    later = reference(recorded).slice(0, 120)
    later = later.set_column(0, "day", pa.array(["2024-03-01"] * 60 + ["2024-03-02"] * 60))
    pq.write_table(later, tmp_path / "past.parquet")
    source = tabled(recorded, tmp_path / "past.parquet")
    assert [(day.name, day.rows) for day in source.history.days] == [
        ("2024-03-01", 60), ("2024-03-02", 60),
    ]  # fmt: skip
    held = load(source.blobs, source.history.reference)
    assert (held.total.rows, len(held.slices), held.days[0]) == (29 * 60, 29, "2024-02-01")
    assert set(held.ruler.features) == {"x", "size", "kind"}
    assert source.history.notes == ()


def test_a_table_is_played_by_segment_as_live_days_are(recorded: Path, tmp_path: Path) -> None:
    usual = reference(recorded)
    rows, kinds = usual.slice(0, 180), pc.unique(usual["kind"]).to_pylist()
    away = pc.add(rows["x"], 3 * pc.stddev(usual["x"]).as_py())
    struck = pc.if_else(pc.equal(rows["kind"], kinds[0]), away, rows["x"])
    rows = rows.set_column(rows.column_names.index("x"), "x", struck)
    days = pa.array([f"2024-03-0{1 + place // 60}" for place in range(180)])
    pq.write_table(rows.set_column(0, "day", days), tmp_path / "past.parquet")
    watched = read_config(recorded / "fleet.yaml").fleet.models["demand"]
    drift = watched.policy.drift.model_copy(update={"segments": ("kind",)})
    watched = replace(watched, policy=watched.policy.model_copy(update={"drift": drift}))
    source = of_table(recorded, tmp_path / "past.parquet", watched, 6, Terms())
    held = load(source.blobs, source.history.reference)
    assert set(held.parts) == {f"kind={kind}" for kind in kinds}
    *_, last = play(source.blobs, watched, source.history, lambda done: None)
    assert f"x in kind={kinds[0]}" in last.fact.flagged
    assert not any(f"x in kind={kind}" in last.fact.flagged for kind in kinds[1:])
    halved = of_table(recorded, recorded / "data" / "reference.parquet", watched, 6, Terms())
    assert set(load(halved.blobs, halved.history.reference).parts) == set(held.parts)


def test_the_reference_itself_is_halved(recorded: Path) -> None:
    source = tabled(recorded, recorded / "data" / "reference.parquet")
    held = load(source.blobs, source.history.reference)
    assert (len(held.slices), len(source.history.days)) == (14, 15)
    assert held.days[-1] < source.history.days[0].name
    assert source.history.notes == (OWN,)
    # The bins are those of the half that is held against, and of no later row.
    days = reference(recorded)["day"]
    first = reference(recorded).filter(pc.less(days, source.history.days[0].name))
    median = pc.quantile(first["x"], 0.5)[0].as_py()
    edges = held.ruler.features["x"].edges
    assert min(edges, key=lambda edge: abs(edge - median)) == pytest.approx(median)


def test_without_the_models_reference_the_table_is_halved_and_it_is_said(recorded: Path) -> None:
    file = recorded / "data" / "reference.parquet"
    moved = file.rename(recorded / "past.parquet")
    source = tabled(recorded, moved)
    assert len(source.history.days) == 15
    missing, own = source.history.notes
    assert "reference.parquet: no such file" in missing
    assert own == OWN


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (pa.table({"x": [1.0]}), "needs a column 'day'; found x"),
        (pa.table({"day": ["soon"], "x": [1.0]}), "column 'day', row 1: 'soon' is not an ISO date"),
        (pa.table({"day": ["2024-02-01"], "x": [1.0]}), "1 days are known"),
    ],
)
def test_what_is_no_history(recorded: Path, tmp_path: Path, table: pa.Table, why: str) -> None:
    pq.write_table(table, tmp_path / "past.parquet")
    with pytest.raises(Refused, match=why):
        tabled(recorded, tmp_path / "past.parquet")


def test_the_store_of_a_replay_is_left_as_it_was(played: Path) -> None:
    file = played / "var" / STORE_FILE
    before = json.dumps([path.name for path in sorted(file.parent.iterdir())])
    stored(played)
    assert json.dumps([path.name for path in sorted(file.parent.iterdir())]) == before
