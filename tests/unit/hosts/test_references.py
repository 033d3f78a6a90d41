"""A model's reference before the fleet begins: there, readable, large enough, with its columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from hosts import references
from hosts.references import local_terms
from hosts.runnable import Found, document, runnable

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ROWS = 400
DAYS = [f"2026-03-{1 + i % 10:02}" for i in range(ROWS)]
PLAIN: dict[str, Any] = {
    "day": DAYS,
    "time": [f"{day}T08:00:00Z" for day in DAYS],
    "label": [0, 1] * (ROWS // 2),
    "amount": [float(i % 17) for i in range(ROWS)],
    "plan": ["free", "pro"] * (ROWS // 2),
}
FLEET = """\
version: 1
teams:
  oncall: {page: [terminal]}
receivers:
  terminal: {kind: terminal}
defaults:
  team: oncall
  serving: {champion: v1}
models:
  churn:
    logs: {endpoint: churn}
    reference: {data: churn}
  fraud:
    logs: {endpoint: fraud}
    performance: {task: regression}
    labels: {bad_loss: 1}
    reference: {data: fraud.csv}
"""
HERE = "fleet.yaml:12: models.churn.reference.data: "


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fleet of two models, one with a folder of files; neither is registered."""
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "churn").mkdir()
    write(tmp_path / "churn" / "a.csv")
    write(tmp_path / "fraud.csv", label=[35.5, -2.0] * (ROWS // 2))
    return tmp_path / "fleet.yaml"


def write(path: Path, **change: Any) -> None:
    pacsv.write_csv(pa.table({**PLAIN, **change}), path)


def lines(found: Found) -> tuple[list[str], list[str]]:
    return [str(one) for one in found.faults], [str(one) for one in found.notes]


def seen(file: Path) -> tuple[list[str], list[str]]:
    return lines(runnable(file, NOW))


def added(file: Path, section: str) -> None:
    """Add a section to the model `churn`, from line 13 on."""
    file.write_text(FLEET.replace("    reference: {data: churn}\n", f"{CHURN}    {section}\n"))


CHURN = "    reference: {data: churn}\n"


def test_a_reference_as_it_should_be_has_no_faults_and_no_notes(file: Path) -> None:
    assert seen(file) == ([], [])


def test_every_model_is_held_to_its_own_task(file: Path) -> None:
    write(file.parent / "fraud.csv", label=["a", "b"] * (ROWS // 2))
    ((fault,), _) = seen(file)
    assert fault == (
        "fleet.yaml:17: models.fraud.reference.data: fraud.csv: column 'label': a regression's "
        "labels are numbers, and these are text"
    )


def test_a_folder_with_a_wrong_file_is_a_fault_of_its_model_alone(file: Path) -> None:
    write(file.parent / "churn" / "b.csv", label=[1, 2] * (ROWS // 2))
    ((fault,), _) = seen(file)
    assert fault.startswith(f"{HERE}churn: column 'label', row 402: 2 is not 0 or 1 (200 of 800")


def removed(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        table = pa.table(PLAIN).drop_columns(list(names))
        pacsv.write_csv(table, folder / "churn" / "a.csv")

    return change


def first(rows: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        pacsv.write_csv(pa.table(PLAIN).slice(0, rows), folder / "churn" / "a.csv")

    return change


def content(text: bytes, name: str = "a.csv") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "churn" / "a.csv").unlink()
        (folder / "churn" / name).write_bytes(text)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "churn" / "a.csv").unlink(), "churn: no Parquet, CSV or JSON"),
        (lambda folder: (folder / "churn").rename(folder / "x"), "churn: no such file or folder"),
        (removed("day"), "churn: needs a column 'day'; found time, label, amount, plan"),
        (removed("time"), "churn: needs a column 'time'; found day, label, amount, plan"),
        (removed("label"), "churn: needs a column 'label'; found day, time, amount, plan"),
        (removed("amount", "plan"), "churn: holds no feature; found day, time, label"),
        (first(3), "churn: 3 rows; no feature is judged with fewer than 30 (drift.min_rows)"),
        (first(29), "churn: 29 rows; no feature is judged with fewer than 30 (drift.min_rows)"),
        (first(0), "churn: holds no rows"),
        (content(b""), "a.csv: the file is empty (zero bytes)"),
        (content(b"PAR1", "a.parquet"), "a.parquet: cannot be read: "),
        (content(b'{"day"', "a.jsonl"), "churn"),
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_used_is_a_fault(
    file: Path, change: Callable[[Path], None], said: str
) -> None:
    change(file.parent)
    ((fault,), _) = seen(file)
    assert fault.startswith(HERE)
    assert said in fault
    assert "\n" not in fault
    assert lines(document(file, NOW)) == ([], [])


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "drift: {features: {amuont: {threshold: 1}}}",
            "drift.features.amuont: churn has no column 'amuont', did you mean 'amount'?",
        ),
        (
            "drift: {segments: [plam]}",
            "drift.segments.0: churn has no column 'plam', did you mean 'plan'?",
        ),
        (
            "performance: {segments: [plan, city]}",
            "performance.segments.1: churn has no column 'city'; known are amount, plan",
        ),
        ("labels: {segment: label}", "labels.segment: churn has no column 'label'"),
        (
            "quality: {ranges: {age: {low: 0}}}",
            "quality.ranges.age: churn has no column 'age'",
        ),
    ],
)
def test_a_column_that_the_reference_lacks_is_a_fault(file: Path, section: str, said: str) -> None:
    added(file, section)
    ((fault,), _) = seen(file)
    assert fault.startswith(f"fleet.yaml:13: models.churn.{said}")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        (
            "performance: {min_labels: 9000}",
            "performance: no verdict: about 280 labelled rows in 7 days, 9,000 are needed",
        ),
        (
            'training: {command: [python, -c, "{out}"]}\n    gate: {min_rows: 5000}',
            "gate: never decides: about 280 labelled rows in 7 holdout days, 5,000 are needed",
        ),
        (
            'training: {command: [python, -c, "{out}"]}\n    dataset: {holdout_days: 5}\n'
            "    gate: {min_days: 6}",
            "gate: never decides: 5 holdout days (dataset.holdout_days), 6 are needed (min_days)",
        ),
        (
            'training: {command: [python, -c, "{out}"]}\n    judge: {min_expected_bad: 99}',
            "judge: no guard is powered: the stages give the challenger about 48 requests, of "
            "which 99 have to be bad",
        ),
    ],
)
def test_a_rule_that_can_never_decide_is_a_note(file: Path, section: str, said: str) -> None:
    added(file, section)
    faults, notes = seen(file)
    assert faults == []
    assert any(said in note for note in notes)


def test_few_days_are_a_note(file: Path) -> None:
    write(file.parent / "churn" / "a.csv", day=["2026-03-01", "2026-03-02"] * (ROWS // 2))
    assert seen(file) == (
        [],
        [
            f"{HERE}2 days; with fewer than 8 the usual variation from day to day is unknown, and "
            "no drift pages"
        ],
    )


def test_a_large_reference_is_left_to_the_fleet_and_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "MOST_BYTES", 10)
    faults, notes = seen(file)
    assert faults == []
    assert [note.partition("data: ")[2] for note in notes] == [
        "churn: 1 MB are not checked here",
        "fraud.csv: 1 MB are not checked here",
    ]


def test_a_reference_elsewhere_is_a_note(file: Path) -> None:
    file.write_text(FLEET.replace("data: churn}", "data: az://rows/churn}"))
    assert seen(file) == (
        [],
        [f"{HERE}az://rows/churn: not checked here, but when the fleet starts"],
    )


CARD = """\
name: churn
version: v1
features: [amount, plan]
entry: score:score
training_window: {from: 2026-01-01, to: 2026-02-01}
"""


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (
            CARD.replace("plan]", "plan, age]"),
            "12: models.churn.reference.data: churn: the model's",
        ),
        (
            CARD.replace("score:score", "score"),
            "8: defaults.serving.champion: churn/v1/model",
        ),
        ("features: [", "8: defaults.serving.champion: churn/v1/model.yaml: not YAML"),
        (CARD.replace("version: v1", "version: v2"), "8: defaults.serving.champion: "),
    ],
)
def test_the_models_card_has_to_agree(file: Path, card: str, said: str) -> None:
    folder = file.parent / "var" / "models" / "churn" / "v1"
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(CARD)
    assert seen(file) == ([], [])
    (folder / "model.yaml").write_text(card)
    ((fault,), _) = seen(file)
    assert fault.startswith(f"fleet.yaml:{said}")


def test_days_may_be_those_of_any_zone_today(file: Path) -> None:
    churn = document(file, NOW).usable().fleet.models["churn"]
    terms = local_terms("local:var", file.parent, churn, NOW)
    assert terms.features == ()
    assert terms.until == NOW.date() + timedelta(days=1)
