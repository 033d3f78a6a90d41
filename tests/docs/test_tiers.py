"""Every test has a make target that runs it."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

SLOW = re.compile(r"mark\.slow\b|\bpytestmark = .*\bslow\b")


def commands(root: Path) -> list[list[str]]:
    """The words of every call of pytest in the Makefile, its variables put in."""
    text = (root / "Makefile").read_text()
    variables = dict(re.findall(r"^([A-Z]+) :?= (.*)$", text, re.MULTILINE))
    lines = re.findall(r"^\t\$\(BIN\)/pytest (.*)$", text, re.MULTILINE)
    return [
        shlex.split(re.sub(r"\$\(([A-Z]+)\)", lambda found: variables[found[1]], line))
        for line in lines
    ]


def paths(words: list[str], root: Path) -> tuple[set[Path], set[Path]]:
    """What a call of pytest runs, and what it leaves out of that."""
    ignored = {words[place + 1] for place, word in enumerate(words) if word == "--ignore"}
    named = {word for word in words if (root / word).exists()}
    return {root / word for word in named - ignored}, {root / word for word in ignored}


def below(path: Path, folders: set[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def test_every_slow_test_is_run_by_a_target(root: Path) -> None:
    slow = [paths(words, root) for words in commands(root) if words[:2] == ["-m", "slow"]]
    files = [path for path in (root / "tests").rglob("test_*.py") if SLOW.search(path.read_text())]
    assert files
    for path in files:
        assert any(below(path, run) and not below(path, out) for run, out in slow), path


def test_every_doctest_is_quick(root: Path) -> None:
    (words,) = [words for words in commands(root) if "quick" in words]
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    assert {*words} >= {path for path in settings["testpaths"] if path != "tests"}
