"""Faults played against a scratch fleet: each is told to somebody, or named as told to nobody."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import function_app
from commands.app import App
from commands.drill.drill import Outcome, drill
from commands.drill.faults import FAULTS, Begun, Fault
from commands.drill.scratch import Scratch
from engine.errors import Refused
from fleet.document.config import Config, load

pytestmark = pytest.mark.usefixtures("outside")
DOCUMENT = """\
version: 1
receivers:
  duty: {kind: terminal}
  lead: {kind: webhook, url: "https://example.invalid/page"}
  till: {kind: file, path: ../../till.jsonl}
teams:
  shop: {page: [duty, lead], group_wait: PT5M, escalate_after: PT20M}
  till: {page: [till]}
models:
  demand:
    team: shop
    logs: {endpoint: demand}
    reference: {data: nowhere.parquet}
    serving: {champion: v7}
  stock:
    team: till
    logs: {endpoint: stock}
    reference: {data: nowhere.parquet}
    serving: {champion: v1}
"""


@pytest.fixture
def config() -> Config:
    return load(DOCUMENT, "fleet.yaml", lambda name: "")


@pytest.fixture
def app() -> Iterator[App]:
    yield App(function_app.app, function_app.use)
    function_app._given.clear()


def played(app: App, config: Config, fault: str, model: str | None = None) -> Outcome:
    (found,) = drill(app, config, model, fault)
    assert found.fault == fault
    return found


@pytest.mark.parametrize("fault", ["poisoned-event", "oversized-fact"])
def test_refused_input_is_told_after_the_wait_of_each_team(
    app: App, config: Config, fault: str
) -> None:
    found = played(app, config, fault)
    assert set(found.told) == {"duty", "till"}
    # `till` waits two minutes, which is the default; `shop` five.
    assert found.after == timedelta(minutes=2)


def test_nothing_of_a_drill_is_left_or_sent(
    app: App, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    played(app, config, "poisoned-event")
    assert list(tmp_path.iterdir()) == []


def test_a_fault_that_nobody_hears_of_is_named(
    app: App, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(scratch: Scratch) -> Begun:
        return Begun(scratch.clock.moment, "nothing")

    monkeypatch.setitem(FAULTS, "silent", Fault("nothing happens", silent))
    host = logging.getLogger("driftwarden.host")
    before = host.level
    assert played(app, config, "silent").told == ()
    assert host.level == before


@pytest.mark.parametrize(
    ("model", "fault", "reason"),
    [
        ("demand", "fire", "no fault 'fire'; there are receiver-down, poisoned-event"),
        ("sales", None, "no model 'sales' in fleet.yaml; known are demand, stock"),
    ],
)
def test_an_unknown_fault_or_model_is_refused(
    app: App, config: Config, model: str, fault: str | None, reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        drill(app, config, model, fault)


def test_every_fault_has_its_row_in_the_guide() -> None:
    guide = (Path(__file__).parents[4] / "docs/drills.md").read_text()
    assert re.findall(r"^\| `([^`]+)` \|", guide, re.MULTILINE) == list(FAULTS)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["demand", "stock"])
@pytest.mark.parametrize("fault", FAULTS)
def test_somebody_is_told_of_every_fault(app: App, config: Config, fault: str, model: str) -> None:
    found = played(app, config, fault, model)
    assert found.told, found.seen
