"""docs/threats.md: its tests exist, its threats are numbered, and every entry point is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import cli
from tests.packages import tree

THREAT = re.compile(r"^\| (T\d+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
RANGE = re.compile(r"T(\d+)(?:–T(\d+))?")
LEAST = 25


@pytest.fixture
def page(root: Path) -> str:
    return (root / "docs" / "threats.md").read_text(encoding="utf-8")


@pytest.fixture
def entries(page: str) -> list[list[str]]:
    """The table of entry points: the entry, who reaches it, the threats."""
    section = page.split("\n## Entry points\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_threats_are_numbered_and_each_has_a_test(page: str, root: Path) -> None:
    rows = [(number, cells.split(" | ")) for number, cells in THREAT.findall(page)]
    assert len(rows) >= LEAST
    assert [number for number, _ in rows] == [f"T{i}" for i in range(1, len(rows) + 1)]
    for number, cells in rows:
        assert len(cells) == 4, number
        found = TEST.fullmatch(cells[3])
        assert found is not None, f"{number}: {cells[3]}"
        defined = [
            node.name for node in tree(root / found[1]).body if isinstance(node, ast.FunctionDef)
        ]
        assert found[2] in defined, f"{number}: {found[1]} has no {found[2]}"


def test_every_entry_point_is_named(entries: list[list[str]], root: Path) -> None:
    named = {name for entry, _, _ in entries for name in re.findall(r"`([^`]+)`", entry)}
    triggers = {
        node.name
        for node in tree(root / "function_app.py").body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }
    (commands,) = [one for one in cli._parser()._actions if one.dest == "command"]
    assert isinstance(commands.choices, dict)
    assert len(triggers) > 10
    assert triggers <= named
    assert set(commands.choices) <= named


def test_entry_points_lead_to_threats(page: str, entries: list[list[str]]) -> None:
    known = {int(number[1:]) for number, _ in THREAT.findall(page)}
    for entry, _, threats in entries:
        found = RANGE.findall(threats)
        assert found, entry
        for first, last in found:
            assert set(range(int(first), int(last or first) + 1)) <= known, entry
