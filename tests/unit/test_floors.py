"""The floors of the house, as far as import-linter cannot see them."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts.kinds import HOSTS
from tests import packages
from tests.packages import tree

ROOT = Path(__file__).parents[2]
FACES = {"cli", "function_app"}
# What must not be loaded before a trigger runs: slow, or of another host.
HEAVY = (
    "azure.ai", "azure.data", "azure.identity", "azure.storage", "evidently", "holidays",
    "icalendar", "opentelemetry", "pandas", "pyarrow", "rich", "scipy", "sklearn", "sqlite3",
)  # fmt: skip
PURE = ("engine", "monitoring", "retrain", "fleet", "dashboards")
FORBIDDEN_BELOW = {
    "azure", "os", "socket", "sqlite3", "subprocess", "threading", "multiprocessing", "shutil",
    "tempfile", "asyncio", "random", "opentelemetry",
}  # fmt: skip


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(str(node.module))
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def loaded(module: str, folder: Path = ROOT) -> set[str]:
    """What a fresh interpreter has loaded after importing a module."""
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_nobody_but_cli_and_tests_imports_a_face() -> None:
    found = {
        str(path.relative_to(ROOT)): top(imported(path)) & FACES
        for path in sources(*packages.EVERY)
    }
    assert {path: names for path, names in found.items() if names} == {}
    assert top(imported(ROOT / "function_app.py")) & FACES == set()
    assert top(imported(ROOT / "cli.py")) & FACES == {"function_app"}


@pytest.mark.parametrize("package", PURE)
def test_floors_below_the_hosts_touch_nothing_outside(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): top(imported(path)) & FORBIDDEN_BELOW
        for path in sources(package)
    }
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("package", PURE)
def test_now_and_chance_are_arguments_below_the_hosts(package: str) -> None:
    """`datetime.now()`, `date.today()`, numpy's global generator and `open` are found by name."""
    wrong = []
    for path in sources(package):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            clock = called in ("datetime.now", "datetime.utcnow", "date.today", "time.time")
            chance = called.startswith("np.random.") and called != "np.random.Generator"
            if clock or chance or called == "open":
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: {called}")
    assert wrong == []


def test_the_hosts_do_not_know_each_other() -> None:
    assert {path.parent.name for path in (ROOT / "hosts").glob("*/host.py")} == set(HOSTS)
    for host in HOSTS:
        others = tuple(f"hosts.{other}" for other in HOSTS if other != host)
        for path in sources(f"hosts/{host}"):
            assert not any(name.startswith(others) for name in imported(path)), path


def test_the_functions_app_stays_short() -> None:
    assert len((ROOT / "function_app.py").read_text().splitlines()) <= 130


@pytest.mark.usefixtures("outside")
def test_importing_the_functions_app_is_light() -> None:
    found = loaded("function_app")
    heavy = [name for name in sorted(found) if name.startswith(tuple(f"{h}." for h in HEAVY))]
    assert heavy == []
    assert found.isdisjoint(HEAVY)


@pytest.mark.usefixtures("outside")
def test_importing_the_command_line_opens_no_host_and_no_statistics() -> None:
    found = loaded("cli")
    assert found.isdisjoint({"scipy", "sklearn", "pandas", "evidently", "sqlite3", "holidays"})


def test_every_module_says_what_it_is() -> None:
    for path in sources(*packages.EVERY):
        assert ast.get_docstring(tree(path)), path
