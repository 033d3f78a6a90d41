"""What a fleet is told about before it is served."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands.on_fleet import tell

FLEET = """\
version: 1
teams:
  oncall: {page: [terminal]}
receivers:
  terminal: {kind: terminal}   # CHANGE
models:
  churn:
    team: oncall
    logs: {endpoint: churn}
    reference: {data: churn.parquet}
    serving: {champion: v1}
"""


def test_what_stops_a_model_only_is_told_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fleet.yaml").write_text(FLEET)
    tell(tmp_path / "fleet.yaml", datetime(2026, 5, 1, tzinfo=UTC))
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "fleet.yaml:5: still marked CHANGE; edit the line and remove the mark",
        "fleet.yaml:10: models.churn.reference.data: churn.parquet: no such file or folder",
    ]
