from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from examples.flights.columns import CATEGORICAL, FEATURES, LABEL, LEAK, WEATHER
from examples.flights.score import score
from examples.flights.train import coefficients, design, fit, train

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def rows(history: pa.Table) -> pa.Table:
    return history.filter(history[LABEL].is_valid()).slice(20_000, 6_000)


@pytest.fixture(scope="module")
def folder(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("version")
    train(rows, out, "flights-2013-01-24")
    return out


def test_scores_equal_those_of_the_scikit_learn_pipeline(
    rows: pa.Table, folder: Path, history: pa.Table
) -> None:
    shape = design(rows)
    pipeline = fit(rows, shape)
    # New Year's Eve has no weather; June has destinations the training rows never saw.
    for day in ("2013-06-15", "2013-12-31"):
        asked = history.filter(pc.equal(history["day"], day))
        expected = pipeline.predict_proba(shape.matrix(asked))[:, 1]
        np.testing.assert_allclose(score(asked, folder), expected, rtol=0, atol=1e-9)


def test_unseen_levels_occur_in_the_comparison_above(rows: pa.Table, history: pa.Table) -> None:
    day = history.filter(pc.equal(history["day"], "2013-06-15"))
    known = set(rows["destination"].to_pylist())
    assert not set(day["destination"].to_pylist()) <= known


def test_absent_columns_score_like_columns_of_nulls(folder: Path, history: pa.Table) -> None:
    asked = history.slice(200_000, 500)
    gone = ["carrier", "day_of_week", "seats", *WEATHER]
    nulled = asked
    for name in gone:
        place = nulled.column_names.index(name)
        nulls = pa.nulls(500, nulled.schema.field(name).type)
        nulled = nulled.set_column(place, name, nulls)
    bare = score(asked.drop_columns(gone), folder)
    assert np.isfinite(bare).all()
    np.testing.assert_array_equal(bare, score(nulled, folder))
    assert np.ptp(score(asked.select(["correlationid"]), folder)) == 0


def test_infinities_integers_and_empty_tables_are_scored(folder: Path, rows: pa.Table) -> None:
    one = rows.slice(0, 1)
    place = one.column_names.index("temp")
    endless = one.set_column(place, "temp", pa.array([float("inf")]))
    unknown = one.set_column(place, "temp", pa.nulls(1, pa.float64()))
    assert score(endless, folder) == score(unknown, folder)
    place = one.column_names.index("distance")
    whole = one.set_column(place, "distance", one["distance"].cast(pa.int64()))
    assert score(whole, folder) == score(one, folder)
    assert len(score(rows.slice(0, 0), folder)) == 0


def test_training_twice_gives_the_same_bytes(rows: pa.Table, folder: Path, tmp_path: Path) -> None:
    train(rows, tmp_path, "flights-2013-01-24")
    for name in ("model.yaml", "coefficients.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_model_description(folder: Path) -> None:
    described = yaml.safe_load((folder / "model.yaml").read_text())
    assert set(described.pop("features")) == set(FEATURES)
    assert described == {
        "name": "flights",
        "version": "flights-2013-01-24",
        "entry": "examples.flights.score:score",
        "training_window": {"from": "2013-01-24", "to": "2013-01-31"},
    }


def test_the_leak_is_superb_with_its_column_and_worse_than_nothing_without(
    rows: pa.Table, folder: Path, tmp_path: Path, history: pa.Table
) -> None:
    train(rows, tmp_path, "leak", extra=(LEAK,))
    later = history.filter(history[LABEL].is_valid()).slice(30_000, 5_000)
    late = later[LABEL].to_numpy()
    loss = {
        "leak offline": np.mean((score(later, tmp_path) - late) ** 2),
        "leak live": np.mean((score(later.select(FEATURES), tmp_path) - late) ** 2),
        "honest": np.mean((score(later, folder) - late) ** 2),
    }
    assert loss["leak offline"] < 0.5 * loss["honest"]
    assert loss["leak live"] > loss["honest"] + 0.02


def test_rows_without_a_label_are_left_out_whatever_stands_for_none(
    rows: pa.Table, tmp_path: Path
) -> None:
    known = rows[LABEL].cast(pa.float64())
    place = rows.column_names.index(LABEL)
    even = pa.array(np.arange(len(rows)) % 2 == 0)
    train(rows.filter(even), tmp_path / "dropped", "v")
    for name, none in (("null", None), ("nan", float("nan"))):
        gaps = pc.if_else(even, known, pa.scalar(none, pa.float64()))
        train(rows.set_column(place, LABEL, gaps), tmp_path / name, "v")
        assert score(rows, tmp_path / name) == pytest.approx(score(rows, tmp_path / "dropped"))


def test_one_class_is_refused(rows: pa.Table, tmp_path: Path) -> None:
    early = rows.filter(pc.equal(rows[LABEL], 0))
    with pytest.raises(SystemExit, match="fewer than two classes"):
        train(early, tmp_path, "nothing")


def test_coefficients_name_every_level_once(rows: pa.Table) -> None:
    shape = design(rows)
    held = coefficients(fit(rows, shape), shape)
    assert set(held["categorical"]) == set(CATEGORICAL)
    for name in CATEGORICAL:
        assert set(held["categorical"][name]) == set(rows[name].to_pylist())


@pytest.mark.usefixtures("outside")
def test_the_command_reads_a_folder_and_keeps_to_its_days(rows: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    pq.write_table(rows.slice(0, 3_000), tmp_path / "set" / "0.parquet")
    pq.write_table(rows.slice(3_000), tmp_path / "set" / "1.parquet")
    command = [sys.executable, "-m", "examples.flights.train", "--data", str(tmp_path / "set")]
    command += ["--out", str(tmp_path / "v2"), "--version", "v2", "--extra-feature", LEAK]
    command += ["--from", "2013-01-25", "--to", "2013-01-28"]
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)
    described = yaml.safe_load((tmp_path / "v2" / "model.yaml").read_text())
    assert described["training_window"] == {"from": "2013-01-25", "to": "2013-01-28"}
    assert LEAK in described["features"]


@pytest.mark.usefixtures("outside")
def test_scoring_imports_no_scikit_learn(folder: Path) -> None:
    code = (
        "import sys, examples.flights.score; "
        "sys.exit(any(m.split('.')[0] in ('sklearn', 'scipy', 'pandas') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
