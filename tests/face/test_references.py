"""Reference tables and tables of past days, as people have them: `validate` and `backtest`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

CASES = Path(__file__).parents[1] / "resources" / "cases"
SHAPES = CASES / "backtest-day-shapes"
Command = Callable[..., Any]


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """The case's folder: a reference of 60 days, and the same days in several shapes."""
    for file in SHAPES.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def played(command: Command, table: str) -> dict[str, Any]:
    done = command("backtest", "fleet.yaml", "--data", table, "--json")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


EVERY = ("dates", "numbers", "epoch", "levels", "iso", "ts", "tz", "csv")


@pytest.mark.parametrize("shapes", [EVERY[1::3], pytest.param(EVERY, marks=pytest.mark.slow)])
def test_days_in_every_shape_are_the_same_days(
    past: Path, command: Command, shapes: Sequence[str]
) -> None:
    expected = played(command, "text.parquet")
    assert (expected["first"], expected["last"], expected["windows"]) == (
        "2026-03-31", "2026-04-29", 30,
    )  # fmt: skip
    table = pq.read_table(past / "text.parquet")
    days = table["day"].to_pylist()
    written = {
        "dates": pa.array(days).cast(pa.date32()),
        "numbers": pa.array([int(day.replace("-", "")) for day in days]),
        "epoch": pa.array(days).cast(pa.timestamp("s")).cast(pa.int64()),
        "levels": pa.array(days).dictionary_encode(),
        "iso": pa.array([f"{day}T00:00:00Z" for day in days]),
    }
    for name, shape in written.items():
        pq.write_table(table.set_column(0, "day", shape), past / f"{name}.parquet")
    pacsv.write_csv(table, past / "text.csv")
    files = {name: f"{name}.parquet" for name in EVERY} | {"csv": "text.csv"}
    for name in shapes:
        assert played(command, files[name]) == expected, name
    # The order of the rows means nothing.
    pq.write_table(table.sort_by([("day", "descending")]), past / "backwards.parquet")
    assert played(command, "backwards.parquet")["windows"] == 30


def test_days_that_could_be_others_are_refused_by_column_and_row(
    past: Path, command: Command
) -> None:
    said = "driftwarden backtest: us.parquet: column 'day', row 1: '03/01/2026' is not an ISO date"
    assert command("backtest", "fleet.yaml", "--data", "us.parquet").refusal.startswith(said)
    said = "driftwarden backtest: null.csv: column 'day', row 1: empty, as in 3 of 4,000 rows"
    assert command("backtest", "fleet.yaml", "--data", "null.csv").refusal.startswith(said)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "german": ({"day": ["31.12.2025"] * 4}, "'31.12.2025' is not an ISO date; write 2025-12-31"),
    "future": ({"day": ["2199-01-01"] * 4}, "2199-01-01 is after "),
    "typo": ({"day": ["2026-03-01"] * 3 + ["2006-03-02"]}, "row 4: 2006-03-02 is 20 years away"),
    "zones": (
        {"day": ["2026-03-01T00:00+01:00"] * 3 + ["2026-03-02T00:00-05:00"]},
        "row 4: '2026-03-02T00:00-05:00' and '2026-03-01T00:00+01:00' are days of different zones",
    ),
    "noon": ({"day": [datetime(2026, 3, 1, 12, tzinfo=UTC)] * 4}, "is not a midnight in UTC"),
    "nested": ({"day": [[1]] * 4}, "holds values of type list<"),
    "time": ({"time": ["soon"] * 4}, "column 'time', row 1: 'soon' is not an ISO 8601 instant"),
    "label": ({"label": ["yes", "no"] * 2}, "df['label'].map({'no': 0, 'yes': 1})"),
    "score": ({"score": [0.5, 2.0, 3.0, 0.1]}, "2 of 4 scores are outside 0…1, the first is 2"),
}


def rows(**change: Any) -> pa.Table:
    plain: dict[str, Any] = {
        "day": ["2026-03-01", "2026-03-01", "2026-03-02", "2026-03-02"],
        "time": ["2026-03-01T08:00:00.123456789Z"] * 4,
        "label": [0, 1, None, 1],
        "amount": [1.0, 2.0, 3.0, 4.0],
    }
    return pa.table({**plain, **change})


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_table_is_one_line_in_a_backtest_and_in_validate(
    past: Path, command: Command, case: str
) -> None:
    change, said = WRONG[case]
    pq.write_table(rows(**change), past / "wrong.parquet")
    line = command("backtest", "fleet.yaml", "--data", "wrong.parquet").refusal
    assert line.startswith("driftwarden backtest: wrong.parquet: ")
    assert said in line
    (past / "ref.parquet").write_bytes((past / "wrong.parquet").read_bytes())
    line = command("validate", "fleet.yaml").refusal
    assert line.startswith("fleet.yaml:11: models.churn.reference.data: ref.parquet: ")
    assert said in line


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (rows().slice(0, 0), "holds no rows"),
        (rows().drop_columns(["amount"]), "holds no feature; found day, time, label"),
        (rows().append_column("amount", pa.array([1] * 4)), "two columns are called 'amount'"),
        (rows().drop_columns(["day"]), "needs a column 'day'; found time, label, amount"),
    ],
)
def test_a_table_that_is_no_history_is_one_line(
    past: Path, command: Command, table: pa.Table, said: str
) -> None:
    pq.write_table(table, past / "wrong.parquet")
    line = command("backtest", "fleet.yaml", "--data", "wrong.parquet").refusal
    assert line.startswith("driftwarden backtest: ")
    assert f"wrong.parquet: {said}" in line


def test_validate_takes_a_reference_as_it_may_be(past: Path, command: Command) -> None:
    done = command("validate", "fleet.yaml")
    assert (done.code, done.out, done.err) == (0, "fleet.yaml: valid, 1 model\n", "")
    labels = rows(label=[True, False, None, True])
    pq.write_table(pa.concat_tables([labels] * 200), past / "ref.parquet")
    done = command("validate", "fleet.yaml")
    assert (done.code, done.err) == (
        0,
        "fleet.yaml:11: models.churn.reference.data: 2 days; with fewer than 8 the usual variation "
        "from day to day is unknown, and no drift pages\n",
    )


def test_validate_names_a_reference_that_is_not_there(past: Path, command: Command) -> None:
    where = "fleet.yaml:11: models.churn.reference.data: "
    pq.write_table(rows().drop_columns(["label"]), past / "ref.parquet")
    line = command("validate", "fleet.yaml").refusal
    assert line == f"{where}ref.parquet: needs a column 'label'; found day, time, amount"
    pq.write_table(rows(), past / "ref.parquet")
    line = command("validate", "fleet.yaml").refusal
    assert line.startswith(f"{where}ref.parquet: 4 rows; no feature is judged with fewer than 30")
    (past / "ref.parquet").unlink()
    line = command("validate", "fleet.yaml").refusal
    assert line == f"{where}ref.parquet: no such file or folder"
    done = command("validate", "--document-only", "fleet.yaml")
    assert (done.code, done.out, done.err) == (0, "fleet.yaml: valid, 1 model\n", "")
    text = (past / "fleet.yaml").read_text()
    (past / "fleet.yaml").write_text(text.replace("ref.parquet", "az://rows/ref.parquet"))
    done = command("validate", "fleet.yaml")
    assert done.code == 0
    assert "az://rows/ref.parquet: not checked here" in done.err


def test_a_feature_called_score_stands_in_the_models_card(tiny: Path, command: Command) -> None:
    file = tiny / "data" / "reference.parquet"
    table = pq.read_table(file)
    pq.write_table(table.append_column("score", pa.array([640.0] * len(table))), file)
    assert "scores are outside 0…1" in command("validate", "fleet.yaml", folder=tiny).refusal
    card = tiny / "var" / "models" / "demand" / "first" / "model.yaml"
    text = card.read_text()
    assert "features: [x, size, kind]" in text
    card.write_text(text.replace("size, kind]", "size, kind, score]"))
    assert command("validate", "fleet.yaml", folder=tiny).code == 0
