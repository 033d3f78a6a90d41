"""The traffic files: what holds, repeats of keys, and damage."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Broken
from hosts.local.models.splits import Splits
from retrain.ports import Traffic


@pytest.fixture
def splits(tmp_path: Path) -> Splits:
    return Splits(tmp_path)


def test_traffic_that_was_never_set_is_none(splits: Splits) -> None:
    assert splits.traffic("flights") is None


def test_shares_of_nothing_are_no_traffic(splits: Splits, tmp_path: Path) -> None:
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    path = tmp_path / "flights.json"
    path.write_text(path.read_text().replace("100", "0"))
    assert splits.traffic("flights") is None
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    assert splits.traffic("flights") == Traffic({"v1": 100})


def test_a_key_that_was_replaced_before_it_was_set_is_late(splits: Splits) -> None:
    splits.set_traffic("flights", Traffic({"v1": 100}), "k3", ("k1", "k2"))
    for key in ("k1", "k2"):
        splits.set_traffic("flights", Traffic({"v1": 50, "v2": 50}), key)
    assert splits.traffic("flights") == Traffic({"v1": 100})


def test_a_retreat_is_written_over_a_damaged_file(splits: Splits, tmp_path: Path) -> None:
    (tmp_path / "flights.json").write_text("{")
    with pytest.raises(Broken, match=r"flights\.json"):
        splits.set_traffic("flights", Traffic({"v1": 50, "v2": 50}), "k1")
    splits.set_traffic("flights", Traffic({"v1": 100}, retreat=True), "k2")
    assert splits.traffic("flights") == Traffic({"v1": 100})


def test_the_same_key_writes_nothing_again(splits: Splits, tmp_path: Path) -> None:
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    before = (tmp_path / "flights.json").stat().st_ino
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    assert (tmp_path / "flights.json").stat().st_ino == before


def test_a_late_repeat_of_an_older_key_changes_nothing(splits: Splits) -> None:
    splits.set_traffic("flights", Traffic({"v1": 90, "v2": 10}), "k1")
    splits.set_traffic("flights", Traffic({"v1": 50, "v2": 50}), "k2")
    splits.set_traffic("flights", Traffic({"v1": 90, "v2": 10}), "k1")
    assert splits.traffic("flights").weights == {"v1": 50, "v2": 50}


def test_the_newest_key_mends_what_was_changed_behind_its_back(
    splits: Splits, tmp_path: Path
) -> None:
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    path = tmp_path / "flights.json"
    path.write_text(path.read_text().replace('"v1"', '"v2"'))
    assert splits.traffic("flights").weights == {"v2": 100}
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    assert splits.traffic("flights").weights == {"v1": 100}


def test_a_damaged_traffic_file_is_broken_not_guessed(splits: Splits, tmp_path: Path) -> None:
    splits.set_traffic("flights", Traffic({"v1": 100}), "k1")
    (tmp_path / "flights.json").write_text("{")
    with pytest.raises(Broken, match=r"flights\.json"):
        splits.traffic("flights")
