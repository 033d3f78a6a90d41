"""docs/slo.md: its example is read, and its tables name what the code knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet.document.objectives import objectives
from monitoring.slo.openslo.annotations import ANNOTATIONS
from monitoring.slo.openslo.kinds import Kind
from monitoring.slo.openslo.metrics import OWN


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "slo.md").read_text(encoding="utf-8")


def first_cells(page: str, title: str) -> list[str]:
    section = page.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_the_example_is_read_without_a_word(page: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    found = objectives([("slo.md", example)])
    assert found.problems == ()
    (slo,) = found.slos
    (policy,) = slo.policies
    assert policy.guarded
    assert [one.lookback.total_seconds() for one in policy.conditions] == [3600, 300]


def test_every_kind_is_in_the_table(page: str) -> None:
    assert set(first_cells(page, "What is read")) == set(Kind)


def test_every_annotation_is_in_the_table_with_its_kind(page: str) -> None:
    listed = re.findall(r"^\| `(driftwarden\.io/\w+)` \| (\w+) \|", page, re.MULTILINE)
    known = [(key, kind) for kind, keys in ANNOTATIONS.items() for key in keys]
    assert sorted(listed) == sorted(known)


def test_the_type_of_own_sources_is_in_the_table(page: str) -> None:
    assert first_cells(page, "Metric sources") == ["type", OWN]
