"""Signed numbers in texts: a value that rounds to zero is never printed as -0.0."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests import packages
from tests.packages import tree

ROOT = Path(__file__).parents[2]


def specs() -> Iterator[tuple[str, str]]:
    """Every constant format specification of an f-string, with its place."""
    for package in packages.SHIPPED:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", ast.unparse(node.format_spec)


def test_a_format_with_a_sign_has_no_negative_zero() -> None:
    signed = [(place, spec) for place, spec in specs() if "+" in spec and spec[-2] in "efg"]
    assert len(signed) >= 4
    assert [place for place, spec in signed if "z" not in spec] == []
