"""What the README says stands, exists and runs: paths, commands, options, routes."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cli
import function_app
from hosts.local.functions.function_table import Trigger, read_entries
from hosts.local.functions.routes import Routes
from hosts.local.functions.webhook import PATH
from tests import packages

COMMON = {"-h", "--help", "--fleet", "--json", "--by", "--reason", "--no-wait"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _subparsers() -> dict[str, Any]:
    (action,) = [one for one in cli._parser()._actions if one.dest == "command"]
    assert isinstance(action.choices, dict)
    return action.choices


def _section(readme: str, title: str) -> str:
    return re.split(r"^## ", readme.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def _rows(section: str) -> list[list[str]]:
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def _tree(readme: str) -> Iterator[str]:
    (block,) = [text for _, text in BLOCK.findall(_section(readme, "Layout"))]
    above: list[str] = []
    for line in block.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[:depth], line.split()[0]]
        yield "".join(above)


def _shell(readme: str) -> list[list[str]]:
    blocks = [text for language, text in BLOCK.findall(readme) if language == "sh"]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if re.match(r"(driftwarden|make)\b", line)]


def test_every_path_of_the_tree_exists(readme: str, root: Path) -> None:
    for path in _tree(readme):
        assert (root / path).is_dir() if path.endswith("/") else (root / path).is_file(), path


def test_nothing_is_missing_from_the_tree(readme: str, root: Path) -> None:
    ignored = [".git", *(root / ".gitignore").read_text().split()]
    ignored = [pattern.rstrip("/") for pattern in ignored]
    shown = {path.rstrip("/") for path in _tree(readme)}
    for entry in root.iterdir():
        if not any(fnmatch.fnmatch(entry.name, pattern) for pattern in ignored):
            assert entry.name in shown, f"{entry.name}: not in the README's layout"
    for top in packages.EVERY:
        for package in (root / top).rglob("__init__.py"):
            assert package.parent.relative_to(root).as_posix() in shown


def test_commands_in_code_blocks_can_be_typed(readme: str, root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    found = _shell(readme)
    assert {words[0] for words in found} == {"driftwarden", "make"}
    for words in found:
        if words[0] == "make":
            assert set(words[1:]) <= targets
        else:
            assert cli._parser().parse_args(words[1:]).command == words[1]


def test_make_targets_in_the_text_exist(readme: str, root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", readme)) <= targets


def test_the_command_line_table_is_complete(readme: str) -> None:
    rows = {
        row[0].strip("`").split()[0]: " ".join(row)
        for row in _rows(_section(readme, "Command line"))
    }
    assert rows.keys() == _subparsers().keys()
    for name, parser in _subparsers().items():
        known = {word for action in parser._actions for word in action.option_strings}
        told = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", rows[name]))
        assert told <= known, name
        assert known - COMMON <= told, name


def test_the_http_table_is_complete(readme: str) -> None:
    entries = read_entries(function_app.app, "", {})
    routes = [entry for entry in entries if entry.trigger is Trigger.HTTP]
    met = set()
    for method, path, key, _ in _rows(_section(readme, "HTTP")):
        path = path.strip("`")
        if path == PATH:
            assert (method, key) == ("POST", "yes")
            continue
        by_method = [one for one in routes if method in one.methods]
        (entry,) = [
            one
            for one in by_method
            if Routes([(one.name, one.route, one.methods)]).find(method, path)
        ]
        assert entry.key_needed == (key == "yes"), path
        met.add(entry.name)
    assert met == {entry.name for entry in routes}


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/adr/README.md"])
def test_links_lead_somewhere(page: str, root: Path) -> None:
    text = (root / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert ((root / page).parent / target).exists(), target
