"""The house's measures: lines of modules and functions, parameters, `Any`, and no import circle."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from functools import cache

from tests import packages
from tests.packages import tree

ROOT = packages.ROOT
FACES = ("cli.py", "function_app.py")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, str]:
    """The text of every module that is shipped, by its path; packages' docstrings apart."""
    paths = [ROOT / face for face in FACES]
    for package in packages.SHIPPED:
        paths += sorted((ROOT / package).rglob("*.py"))
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
        if path.name != "__init__.py" or path.parent == ROOT / "hosts"
    }


def functions() -> Iterator[tuple[str, Function]]:
    """Every function with the place where it is defined."""
    for path in modules():
        for node in ast.walk(tree(ROOT / path)):
            if isinstance(node, Function):
                yield f"{path}:{node.lineno} {node.name}", node


def length(node: Function) -> int:
    """Lines from `def` to the end."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def parameters(node: Function) -> int:
    """Parameters of a function; self and cls are none."""
    own = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([one for one in own if one.arg not in ("self", "cls")])


def anys(path: str) -> int:
    return sum(isinstance(n, ast.Name) and n.id == "Any" for n in ast.walk(tree(ROOT / path)))


def test_modules_are_short() -> None:
    lines = sorted((len(text.splitlines()), path) for path, text in modules().items())
    counts = [count for count, _ in lines]
    assert statistics.median(counts) <= 120
    assert counts[int(0.9 * len(counts))] <= 240
    assert lines[-1][0] <= 400, lines[-1]


def test_functions_fit_on_a_screen() -> None:
    long = sorted((length(node), place) for place, node in functions() if length(node) > 40)
    assert not long or long[-1][0] <= 45, long[-1]
    assert len(long) <= 5, long


def test_functions_take_few_parameters() -> None:
    many = [(parameters(node), place) for place, node in functions() if parameters(node) > 6]
    assert len(many) <= 3, many


def test_the_formatter_is_seldom_overruled() -> None:
    found = {path: text.count("# fmt: skip") for path, text in modules().items()}
    assert sum(found.values()) <= 3, {path: count for path, count in found.items() if count}


def test_types_are_known() -> None:
    fleet = {path: anys(path) for path in modules() if path.startswith("fleet/")}
    assert sum(fleet.values()) <= 20, {path: count for path, count in fleet.items() if count}
    for path in ("fleet/model/turn.py", "fleet/model/part.py", "fleet/perform.py"):
        assert fleet[path] == 0, path


def imports(path: str, known: set[str]) -> set[str]:
    """Modules of the house that a module imports when it is loaded."""
    found: set[str] = set()
    for node in tree(ROOT / path).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} & known
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & known
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    names = {path.removesuffix(".py").replace("/", "."): path for path in modules()}
    arrows = {name: imports(path, set(names)) for name, path in names.items()}
    left = dict(arrows)
    while free := [name for name, to in left.items() if not to & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}
