"""What is seen of references before a fleet begins: which files, how large, by which card."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from commands import references
from commands.references import Seen, local_terms, look
from hosts import read_config
from hosts.clock import SystemClock

ROWS = {
    "day": ["2026-03-01", "2026-03-02"],
    "time": ["2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z"],
    "label": [0, 1],
    "x": [1.0, 2.0],
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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A fleet of two models, one with a folder of files; neither is registered."""
    (tmp_path / "fleet.yaml").write_text(FLEET)
    (tmp_path / "churn").mkdir()
    pacsv.write_csv(pa.table(ROWS), tmp_path / "churn" / "a.csv")
    pacsv.write_csv(pa.table({**ROWS, "label": [35.5, -2.0]}), tmp_path / "fraud.csv")
    return tmp_path / "fleet.yaml"


def seen(file: Path) -> Seen:
    return look(read_config(file), file)


def test_every_model_is_held_to_its_own_task(file: Path) -> None:
    assert seen(file) == Seen((), ())
    pacsv.write_csv(pa.table({**ROWS, "label": ["a", "b"]}), file.parent / "fraud.csv")
    (fault,) = seen(file).faults
    assert fault == (
        "fleet.yaml:17: models.fraud.reference.data: fraud.csv: column 'label': a regression's "
        "labels are numbers, and these are text"
    )


def test_a_folder_with_a_wrong_file_is_a_fault_of_its_model_alone(file: Path) -> None:
    pacsv.write_csv(pa.table({**ROWS, "label": [1, 2]}), file.parent / "churn" / "b.csv")
    (fault,) = seen(file).faults
    assert fault.startswith("fleet.yaml:12: models.churn.reference.data: churn: column 'label', ")
    assert "row 4: 2 is not 0 or 1 (1 of 4 labels)" in fault


def test_a_large_reference_is_left_to_the_fleet_and_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "MOST_BYTES", 10)
    assert seen(file).faults == ()
    assert [note.partition("data: ")[2] for note in seen(file).notes] == [
        "churn: 0 MB are not checked here, but when the fleet starts",
        "fraud.csv: 0 MB are not checked here, but when the fleet starts",
    ]


def test_an_empty_folder_is_a_fault(file: Path) -> None:
    (file.parent / "churn" / "a.csv").unlink()
    (fault,) = seen(file).faults
    assert "churn: no Parquet, CSV or JSON Lines file in this folder" in fault


def test_days_may_be_those_of_any_zone_today(file: Path) -> None:
    config = read_config(file)
    terms = local_terms(config, file.parent, config.fleet.models["churn"])
    assert terms.features == ()
    assert terms.until == SystemClock().now().date() + timedelta(days=1)


SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: answered}
spec:
  service: churn
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    spec:
      ratioMetric:
        good: {metricSource: {type: driftwarden, spec: {sli: availability}}}
        total: {metricSource: {type: driftwarden, spec: {sli: availability}}}
  objectives: [{target: 0.9}]
"""


def test_an_alert_that_a_target_can_never_raise_is_a_note(file: Path) -> None:
    (file.parent / "slo.yaml").write_text(SLO)
    named = "    logs: {endpoint: churn}\n    slo: [slo.yaml]\n"
    file.write_text(FLEET.replace("    logs: {endpoint: churn}\n", named))
    assert seen(file).faults == ()
    assert seen(file).notes == (
        "fleet.yaml:12: models.churn.slo: answered: the 1 h alert never fires: with target 0.9 "
        "the burn rate is at most 10, and 14.4 is needed; a target of at least 93.0556 % makes it "
        "possible",
    )
