from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NAMED = {
    "azure-ai-ml",
    "azure-eventgrid",
    "azure-functions",
    "azure-monitor-query",
    "evidently",
    "numpy",
    "opentelemetry-sdk",
    "scipy",
}


def _declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["optional-dependencies"]
    lines = [*project["dependencies"], *groups["azure"], *groups["reports"]]
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def _pinned() -> dict[str, Requirement]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert len(wanted) == len({canonicalize_name(one.name) for one in wanted})
    return {canonicalize_name(one.name): one for one in wanted}


def test_the_app_installs_the_core_azure_and_reports() -> None:
    assert _pinned().keys() == _declared().keys()
    assert _pinned().keys() >= NAMED


@pytest.mark.parametrize("name", sorted(_declared()))
def test_a_pin_is_one_version_that_pyproject_allows(name: str) -> None:
    (pin,) = _pinned()[name].specifier
    assert pin.operator == "=="
    assert "*" not in pin.version
    assert _declared()[name].specifier.contains(pin.version)
