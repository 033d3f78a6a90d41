"""A first fleet.yaml from a sample: it validates as it is, and once its CHANGEs are mended."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from commands.init import write_first
from engine.errors import Refused
from hosts import read_config

ROWS = {
    "x": [1.5, 2.5, None],
    "size": [1, 2, 3],
    "kind": ["a", "b", "a"],
    "when": ["2024-01-01", "2024-01-02", "2024-01-03"],
    "Label": [0, 1, 0],
}


def _parquet(path: Path) -> None:
    pq.write_table(pa.table(ROWS), path)


def _csv(path: Path) -> None:
    pacsv.write_csv(pa.table(ROWS), path)


def _lines(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in pa.table(ROWS).to_pylist()))


WRITERS: dict[str, Callable[[Path], None]] = {"parquet": _parquet, "csv": _csv, "jsonl": _lines}


@pytest.mark.parametrize("kind", WRITERS)
def test_what_is_written_validates(tmp_path: Path, kind: str) -> None:
    sample, out = tmp_path / f"Churn 2024.{kind}", tmp_path / "fleet.yaml"
    WRITERS[kind](sample)
    said = write_first(sample, out)
    assert said.startswith(f"{out}: written; ")
    (watched,) = read_config(out).fleet.models.values()
    assert watched.name == "churn-2024"
    assert watched.policy.logs.endpoint == "churn-2024"
    assert watched.policy.serving.champion == "v1"
    assert watched.policy.labels.segment == "kind"
    assert Path(watched.policy.reference.data) == sample
    text = out.read_text()
    assert "x: {}    # numeric" in text
    assert "kind: {}    # categorical" in text
    assert "Label" not in text


@pytest.mark.parametrize("kind", WRITERS)
def test_it_validates_once_the_changes_are_made(tmp_path: Path, kind: str) -> None:
    sample, out = tmp_path / f"churn.{kind}", tmp_path / "fleet.yaml"
    WRITERS[kind](sample)
    write_first(sample, out)
    text = out.read_text()
    assert text.count("# CHANGE") == 5
    for before, after in (
        ("zone: UTC ", "zone: America/New_York "),
        ("countries: []", "countries: [US-NY]"),
        ("endpoint: churn}", "endpoint: live-churn}"),
        ("champion: v1}", "champion: '2024-01'}"),
    ):
        assert before in text
        text = text.replace(before, after)
    training = re.sub(r"# (training:)\n    # (  command: )", r"\1\n    \2", text)
    assert training != text
    out.write_text(training)
    (watched,) = read_config(out).fleet.models.values()
    assert watched.zone == "America/New_York"
    assert watched.policy.logs.endpoint == "live-churn"
    assert watched.policy.training is not None
    assert watched.policy.training.command[2:4] == ("--data", "{data}")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("123.csv", "123"), ("Ä.csv", "model"), ("__.csv", "model"), ("fleet.csv", "model"),
        ("a" * 80 + ".csv", "a" * 63),
    ],
)  # fmt: skip
def test_a_file_names_its_model_where_it_can(tmp_path: Path, name: str, model: str) -> None:
    _csv(tmp_path / name)
    out = tmp_path / "fleet.yaml"
    write_first(tmp_path / name, out)
    assert list(read_config(out).fleet.models) == [model]


@pytest.mark.parametrize(
    "column", ["a: b", "no", "#x", "- y", "it's", 'say "x"', "a, b]", "{z}", "line\nbreak", "%s"]
)
def test_odd_names_of_columns_do_no_harm(tmp_path: Path, column: str) -> None:
    sample, out = tmp_path / "churn.parquet", tmp_path / "fleet.yaml"
    pq.write_table(pa.table({column: ["a", "b"], "x": [1.0, 2.0]}), sample)
    write_first(sample, out)
    (watched,) = read_config(out).fleet.models.values()
    assert watched.policy.labels.segment == column


@pytest.mark.parametrize("name", ["a b.csv", "a: b.csv", "a#b.csv", "a{b.csv", "a, b.csv"])
def test_odd_names_of_files_do_no_harm(tmp_path: Path, name: str) -> None:
    sample, out = tmp_path / name, tmp_path / "fleet.yaml"
    _csv(sample)
    write_first(sample, out)
    (watched,) = read_config(out).fleet.models.values()
    assert Path(watched.policy.reference.data) == sample


def test_a_document_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    _csv(tmp_path / "a.csv")
    (tmp_path / "fleet.yaml").write_text("mine")
    with pytest.raises(Refused, match="exists; remove it or name another file with --out"):
        write_first(tmp_path / "a.csv", tmp_path / "fleet.yaml")
    assert (tmp_path / "fleet.yaml").read_text() == "mine"


def test_a_sample_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "fleet.yaml"
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(Refused, match="the file is empty"):
        write_first(tmp_path / "empty.csv", out)
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    (tmp_path / "header.csv").write_text("day,time,label,amount\n")
    (tmp_path / "spaces.csv").write_text("a;b\n\n\n")
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "typed.parquet")
    for name in ("none.parquet", "header.csv", "spaces.csv", "typed.parquet"):
        with pytest.raises(Refused) as refused:
            write_first(tmp_path / name, out)
        assert str(refused.value) == (
            f"{tmp_path / name}: no rows; features are inferred from rows, give a sample of them"
        )
    assert not out.exists()


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    _csv(tmp_path / "a.csv")
    with pytest.raises(Refused, match="cannot be written"):
        write_first(tmp_path / "a.csv", tmp_path / "no" / "such" / "fleet.yaml")
