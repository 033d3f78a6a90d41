"""States of older formats: nothing that was stored is lost on the way into the present one."""

from __future__ import annotations

import json
import tarfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from engine import codec
from engine.store import HEAD
from fleet.domain import FleetDomain
from fleet.model.state import Model
from fleet.model.upgrade import FORMAT, RENAMED, SLICES, upgrade
from fleet.partitions import FLEET, ONCALL
from hosts.local.sqlite import SqliteStore

STORES = Path(__file__).parents[3] / "resources" / "stores"


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The state of a model as format 1 stored it, with a value for every field."""
    folder = tmp_path_factory.mktemp("store")
    with tarfile.open(STORES / "state-1.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    (path,) = folder.rglob("*.sqlite")
    store = SqliteStore(path)
    row = store.get("demand", HEAD)
    assert row is not None
    assert row.props["version"] == 1
    stored: dict[str, Any] = json.loads(codec.unpack(row.content("state0")))
    store.close()
    return stored


def test_every_field_of_format_1_has_a_place_in_the_state(flat: dict[str, Any]) -> None:
    """A field that no class has would be dropped in silence when the state is decoded."""
    assert len(flat) == 40
    state = Model()
    nested = upgrade(1, flat)
    assert set(nested) <= {field.name for field in fields(state)}
    for name in SLICES:
        part = getattr(state, name)
        assert is_dataclass(part)
        assert set(nested[name]) <= {field.name for field in fields(part)}
    placed = {name: value for name, value in nested.items() if name not in SLICES}
    placed |= {name: value for part in SLICES for name, value in nested[part].items()}
    assert placed == {RENAMED.get(name, name): value for name, value in flat.items()}


def assert_kept(before: Any, after: Any) -> None:
    """Every value of before stands where it did; classes may have gained fields since."""
    if isinstance(before, dict):
        for name, value in before.items():
            assert_kept(value, after[name])
    elif isinstance(before, list):
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            assert_kept(one, other)
    else:
        assert before == after


def test_the_values_of_format_1_survive(flat: dict[str, Any]) -> None:
    nested = upgrade(1, flat)
    state = codec.decode(Model, json.dumps(nested).encode())
    assert_kept(nested, json.loads(codec.encode(state)))
    assert state.windows.open
    assert state.promotion.rollout is not None
    assert state.silence.heard.first == flat["hearing"]["heard"]["first"]


def test_fields_that_format_1_did_not_have_yet_get_their_default() -> None:
    assert codec.decode(Model, json.dumps(upgrade(1, {})).encode()) == Model()


def test_format_3_has_the_fields_of_format_2() -> None:
    state = json.loads(codec.encode(Model(champion="v1")))
    assert upgrade(2, state) == state
    assert upgrade(FORMAT, state) == state


def test_only_models_changed_their_format(resolve: Any, world: Any) -> None:
    domain = FleetDomain(resolve(), world)
    assert domain.version == FORMAT
    assert domain.upgrade("demand", 1, {"champion": "v1", "windows": {}})["windows"] == {"open": {}}
    for partition in (FLEET, f"{ONCALL}shop"):
        assert domain.upgrade(partition, 1, {"windows": 1}) == {"windows": 1}
