"""The project's own packages, as they stand beside the README."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = "examples"
#: Every top-level package with code that is shipped.
SHIPPED = tuple(
    sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != EXAMPLES)
)
EVERY = (*SHIPPED, EXAMPLES)


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a source file: many tests read the same ones."""
    return ast.parse(path.read_text(encoding="utf-8"))
