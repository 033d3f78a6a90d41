"""Secrets are compared in a time that does not tell how much of a guess is right."""

from __future__ import annotations

import ast

import pytest

from tests.packages import ROOT, tree

COMPARED = {
    "hosts/local/functions/dispatch.py": "_is_key",
    "engine/seal.py": "signed",
}


@pytest.mark.parametrize(("file", "function"), COMPARED.items(), ids=COMPARED.values())
def test_a_secret_is_compared_in_constant_time(file: str, function: str) -> None:
    (found,) = [
        node
        for node in ast.walk(tree(ROOT / file))
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    calls = [ast.unparse(node.func) for node in ast.walk(found) if isinstance(node, ast.Call)]
    assert "hmac.compare_digest" in calls
    operators = [
        type(operator)
        for node in ast.walk(found)
        if isinstance(node, ast.Compare)
        for operator in node.ops
    ]
    assert set(operators) <= {ast.Is, ast.IsNot}
