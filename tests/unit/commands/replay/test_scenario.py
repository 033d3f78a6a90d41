"""What happens around a model while its time is replayed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from commands.replay.scenario import Block, LabelsOf, Registration, happenings, read_scenario
from engine.errors import Refused

TEXT = """\
version: 1
model: demand
zone: Europe/Berlin
replay:
  first: 2024-03-30
  last: 2024-03-31
  block_hours: 12
  requests: requests
  labels: labels
  labels_at: "09:00"
  training_takes: PT2H
  latency_ms: 20
  summary: summary.json
versions:
  - {name: first, train: [make]}
  - {name: early, register_at: "2024-03-01T00:00:00Z", train: [make]}
  - name: late
    register_at: 2024-03-30T12:00:00+01:00
    waive_shadow: {by: m.okafor, reason: hurry}
    train: [python, train.py, --out, "{out}"]
"""


def scenario(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = TEXT
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return path


def test_everything_happens_in_order_of_time(tmp_path: Path) -> None:
    """On 31 March Berlin's clocks go forward: the day ends at 22:00 UTC and has 23 hours."""
    found = happenings(read_scenario(scenario(tmp_path)))
    told = [(at, type(what), getattr(what, "day", None) or what.plan.name) for at, what in found]

    def utc(day: int, hour: int, month: int = 3) -> datetime:
        return datetime(2024, month, day, hour, tzinfo=UTC)

    first, second = date(2024, 3, 30), date(2024, 3, 31)
    assert told == [
        (utc(30, 11), Block, first),
        (utc(30, 11), Registration, "late"),
        (utc(30, 23), Block, first),
        (utc(31, 7), LabelsOf, first),
        (utc(31, 10), Block, second),
        (utc(31, 22), Block, second),
        (utc(1, 7, 4), LabelsOf, second),
    ]
    blocks = [what for _, what in found if isinstance(what, Block)]
    assert [block.end - block.start for block in blocks] == [
        timedelta(hours=12), timedelta(hours=12), timedelta(hours=11), timedelta(hours=12),
    ]  # fmt: skip
    assert blocks[0].start == utc(29, 23)
    assert all(a.end == b.start for a, b in pairwise(blocks))


def test_a_waiver_names_who_answers_for_it(tmp_path: Path) -> None:
    late = read_scenario(scenario(tmp_path)).versions[2]
    assert late.waive_shadow is not None
    assert (late.waive_shadow.by, late.waive_shadow.reason) == ("m.okafor", "hurry")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("version: 1", "version: 2", "version: Input should be 1"),
        ("block_hours: 12", "block_hours: 5", "replay.block_hours: Input should be 1, 2, 3"),
        ("first: 2024-03-30", "first: never", "replay.first: Input should be a valid date"),
        ("model: demand", "modell: demand", "model: Field required"),
        ("version: 1", "version: [", "not YAML: "),
        ("zone: Europe/Berlin", "zone: Europe/Berln", "zone: "),
        ("last: 2024-03-31", "last: 2024-03-01", "replay"),
        ("2024-03-30T12:00:00+01:00", "2024-03-30T12:00:00", "versions.2.register_at: "),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, before: str, after: str, reason: str) -> None:
    path = scenario(tmp_path, (before, after))
    with pytest.raises(Refused) as refused:
        happenings(read_scenario(path))
    assert str(refused.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(refused.value)


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_scenario(tmp_path / "scenario.yaml")
    assert str(refused.value) == (
        f"{tmp_path}/scenario.yaml: cannot be read: No such file or directory; a replay needs one"
    )
