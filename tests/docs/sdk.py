"""Which methods of the Azure SDKs the code in hosts/azure calls, found in its source.

A call `receiver.name(...)` counts where `name` is a public method of one of the SDK's clients that
`infra/roles.json` lists. Names that Python's own containers have too (`get`, `clear`, ...) count
only where the receiver says that it is a client: by an attribute of MLClient (`jobs`, `models`,
`online_endpoints`, ...) or by a name with `client` or `operations` in it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CLIENT = re.compile(
    r"(client|operations|jobs|models|data|(online|batch)_(endpoints|deployments))(\(.*\))?$"
)
#: Methods of Python's own types, and of what is no client but has a method of such a name.
ORDINARY = {
    name
    for kind in (dict, list, set, frozenset, str, bytes, tuple, re.Match, re.Pattern, Path)
    for name in dir(kind)
} | {"close", "read", "send", "list", "delete", "validate", "put"}


@cache
def methods(client: str) -> set[str]:
    """Public methods of a client class, given by its full name."""
    module, _, name = client.rpartition(".")
    with warnings.catch_warnings():
        # azure-ai-ml defines its schemas with options that marshmallow deprecates.
        warnings.simplefilter("ignore")
        found = getattr(importlib.import_module(module), name)
    members = inspect.getmembers(found, callable)
    return {method for method, _ in members if not method.startswith("_")}


def calls(folder: Path, names: set[str]) -> Iterator[tuple[str, str]]:
    """(method, where) of every call in a folder's modules of a method in `names`."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name, receiver = node.func.attr, ast.unparse(node.func.value)
                if name in names and (name not in ORDINARY or CLIENT.search(receiver)):
                    yield name, f"{path.name}:{node.lineno}: {receiver}.{name}"
