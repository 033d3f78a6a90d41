"""Programs that the benches start in processes of their own: what they import is there."""

from __future__ import annotations

import ast

import pytest

from tests.bench import __main__ as bench
from tests.bench import logs

PROGRAMS = {
    f"{module.__name__}.{name}": text
    for module in (bench, logs)
    for name, text in vars(module).items()
    if name.isupper() and isinstance(text, str) and text.startswith("\nimport ")
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_every_import_of_a_program_resolves(program: str) -> None:
    tree = ast.parse(program)
    tree.body = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert tree.body
    exec(compile(tree, "bench", "exec"), {})


def test_the_programs_are_found() -> None:
    assert len(PROGRAMS) >= 4
